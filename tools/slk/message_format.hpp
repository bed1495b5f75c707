// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_MESSAGE_FORMAT_HPP
#define SLK_TOOL_MESSAGE_FORMAT_HPP

/// How the commands that receive messages print them.

#include "output.hpp"
#include "tools/support/command_line.hpp"

#include <serverlink/clock.hpp>
#include <serverlink/message.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace slk::tool {

struct message_format {
    bool json = false;
    bool raw = false;
    bool hex = false;
    bool quoted = false;
    bool time = false; ///< of the wall clock
    std::optional<std::string> format{};
    std::optional<std::string> delimiter{};
    std::optional<std::string> part_delimiter{};
};

/// A message that has arrived.
struct arrival {
    const multipart& whole;
    const std::string& from; ///< the sender's routing id, or empty
    std::uint64_t number;    ///< from 0
    duration since;          ///< the beginning of the command
    std::chrono::system_clock::time_point at = std::chrono::system_clock::now();
};

/// `into` must live until the command has run.
void add_format_options(command& to, message_format& into);

/// How a message is printed, with the end of its line if it has one.
[[nodiscard]] std::string formatted(const message_format& how, const arrival& what);
void print_message(printer& out, const message_format& how, const arrival& what);

} // namespace slk::tool

#endif
