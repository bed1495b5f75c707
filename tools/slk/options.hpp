// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_OPTIONS_HPP
#define SLK_TOOL_OPTIONS_HPP

/// The options that several commands share: how to reconnect, how to tune a socket, durations.

#include <serverlink/address.hpp>
#include <serverlink/endpoint.hpp>
#include <serverlink/reconnect.hpp>
#include <serverlink/result.hpp>
#include <serverlink/tuning.hpp>

#include <CLI/CLI.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace slk::tool {

/// Reads "100ms", "5s", "1m", also "us" and "h", with decimals; "0" needs no unit. Throws
/// CLI::ValidationError, which names `option`.
[[nodiscard]] duration parse_duration(const std::string& option, std::string_view text);

/// A duration on the command line. `shown` is the default as the help tells it.
CLI::Option* add_duration(CLI::App& command, const std::string& name, duration& into,
                          const std::string& help, const std::string& shown);
CLI::Option* add_duration(CLI::App& command, const std::string& name, std::optional<duration>& into,
                          const std::string& help, const std::string& shown = "");

/// `into` must live until the command line has been read.
/// How long to wait, and when to begin anew.
void add_delay_options(CLI::App& command, reconnect_options& into);
/// The same, and all the others about reconnecting.
void add_reconnect_options(CLI::App& command, reconnect_options& into);
void add_tuning_options(CLI::App& command, tuning_options& into, bool with_device);

/// `into` is the name of a backend of this build, or stays empty: the best.
void add_backend_option(CLI::App& command, std::string& into);

/// The rest throws CLI::ValidationError, so that the exit code is the one of wrong usage.

[[nodiscard]] endpoint parse_endpoint(const std::string& text);
/// ADDRESS or ADDRESS:PORT, of this machine; an IPv6 address alone needs no brackets.
[[nodiscard]] address parse_source(const std::string& option, const std::string& text);
void require_valid(const result<void>& checked);

} // namespace slk::tool

#endif
