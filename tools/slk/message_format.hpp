// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_MESSAGE_FORMAT_HPP
#define SLK_TOOL_MESSAGE_FORMAT_HPP

/// How the commands that receive messages print them.

#include "output.hpp"
#include "tools/support/command_line.hpp"

#include <serverlink/clock.hpp>
#include <serverlink/message.hpp>

#include <string>

namespace slk::tool {

struct message_format {
    bool json = false;
    bool raw = false;
};

/// `into` must live until the command has run.
void add_format_options(command& to, message_format& into);

/// `from`: the sender's routing id, or empty. `since`: the beginning of the command.
void print_message(printer& out, const message_format& how, const std::string& from,
                   const multipart& whole, duration since);

} // namespace slk::tool

#endif
