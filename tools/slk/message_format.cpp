// SPDX-License-Identifier: MPL-2.0
#include "message_format.hpp"

#include "message_text.hpp"

#include <chrono>

namespace slk::tool {

void add_format_options(command& to, message_format& into)
{
    to.flag({.name = "--json",
             .help = "One JSON object per message: time (seconds), from (router), size, parts; "
                     "each part has text, or hex if it is not UTF-8"},
            into.json);
    to.flag({.name = "--raw",
             .help = "Only the bytes of the messages, one after another",
             .excludes = {"--json"}},
            into.raw);
}

void print_message(printer& out, const message_format& how, const std::string& from,
                   const multipart& whole, duration since)
{
    if (how.raw) {
        for (const message& part : whole)
            out.bytes(part.data(), part.size());
    } else if (how.json) {
        out.line(message_json(whole, from, std::chrono::duration<double>(since).count()));
    } else {
        out.line(message_text(whole, from));
    }
}

} // namespace slk::tool
