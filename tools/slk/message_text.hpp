// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_MESSAGE_TEXT_HPP
#define SLK_TOOL_MESSAGE_TEXT_HPP

/// Messages as people and programs read them.

#include <serverlink/message.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace slk::tool {

/// A routing id as it is written on the command line: its text, or 0x and its bytes.
[[nodiscard]] std::string id_text(std::string_view bytes);
/// The bytes of a routing id that is written so. Throws usage_error, which names `option`.
[[nodiscard]] std::string parse_id(const std::string& option, const std::string& text);

/// For people: text as it is, other bytes in hexadecimal, many of them shortened. A message of
/// several parts has a line for each, with its size. `from` is the sender's routing id, if it is
/// known. No line end at the end.
[[nodiscard]] std::string message_text(const multipart& whole, std::string_view from);
/// For programs: all of it, on one line.
[[nodiscard]] std::string message_json(const multipart& whole, std::string_view from,
                                       double seconds);
/// "1 message, 5 bytes"
[[nodiscard]] std::string amount_text(std::uint64_t messages, std::uint64_t bytes);
[[nodiscard]] std::uint64_t bytes_of(const multipart& whole) noexcept;

} // namespace slk::tool

#endif
