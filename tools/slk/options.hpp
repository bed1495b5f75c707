// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_OPTIONS_HPP
#define SLK_TOOL_OPTIONS_HPP

/// The options that several commands share: how to reconnect, how to tune a socket, durations.
/// Variables that options are read into must live until the command has run.

#include "tools/support/command_line.hpp"

#include <serverlink/address.hpp>
#include <serverlink/endpoint.hpp>
#include <serverlink/reconnect.hpp>
#include <serverlink/result.hpp>
#include <serverlink/tuning.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace slk::tool {

/// Reads "100ms", "5s", "1m", also "us" and "h", with decimals; "0" needs no unit. Throws
/// usage_error, which names `option`.
[[nodiscard]] duration parse_duration(const std::string& option, std::string_view text);

/// An option whose value is a duration. The type that the help shows is DURATION.
void add_duration(command& to, option about, duration& into);
void add_duration(command& to, option about, std::optional<duration>& into);
void add_duration(command& to, option about, std::function<void(duration)> given);

/// The delays between attempts, and what resets them.
void add_delay_options(command& to, reconnect_options& into);
/// add_delay_options(), and the other options about reconnecting.
void add_reconnect_options(command& to, reconnect_options& into);
void add_tuning_options(command& to, tuning_options& into, bool with_device);

/// `into` becomes the name of a backend of this build, or stays empty: the best one.
void add_backend_option(command& to, std::string& into);

/// `address` becomes that of a page (http_page.hpp), if there is to be one.
void add_http_option(command& to, std::optional<std::string>& address);

// These throw usage_error.

[[nodiscard]] endpoint parse_endpoint(const std::string& text);
/// ADDRESS or ADDRESS:PORT of this machine; an IPv6 address without a port needs no brackets.
[[nodiscard]] address parse_source(const std::string& option, const std::string& text);
void require_valid(const result<void>& checked);

} // namespace slk::tool

#endif
