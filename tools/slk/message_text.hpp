// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_MESSAGE_TEXT_HPP
#define SLK_TOOL_MESSAGE_TEXT_HPP

/// Messages as text and as JSON.

#include <serverlink/message.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace slk::tool {

struct message_totals {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
};

/// A routing id as it is written on the command line: its text, or 0x and its bytes in hexadecimal.
[[nodiscard]] std::string id_text(std::string_view bytes);
/// The bytes of a routing id that is written so. Throws usage_error, which names `option`.
[[nodiscard]] std::string parse_id(const std::string& option, const std::string& text);

/// Text as it is, other bytes in hexadecimal and shortened. A message of several parts has a line
/// for each part, with its size. `from` is the sender's routing id, or empty. No line end at the
/// end.
[[nodiscard]] std::string message_text(const multipart& whole, std::string_view from);
/// The whole message as JSON, on one line. `at` is the time of the wall clock, or empty.
[[nodiscard]] std::string message_json(const multipart& whole, std::string_view from,
                                       double seconds, const std::string& at);

[[nodiscard]] std::string hexadecimal(std::string_view bytes);
/// RFC 4648, with padding.
[[nodiscard]] std::string base64(std::string_view bytes);
/// In quotes, as a string of C: printable UTF-8 as it is, other bytes as escapes of three octal
/// digits, which no digit behind them changes.
[[nodiscard]] std::string quoted_text(std::string_view bytes);
/// Reads the escapes of C, and \e. Throws usage_error, which names `option`.
[[nodiscard]] std::string parse_escapes(const std::string& option, std::string_view text);
/// "2026-11-30T18:04:51.123456Z"
[[nodiscard]] std::string wall_clock_text(std::chrono::system_clock::time_point at);
/// "1 message, 5 bytes"
[[nodiscard]] std::string amount_text(std::uint64_t messages, std::uint64_t bytes);
[[nodiscard]] std::uint64_t bytes_of(const multipart& whole) noexcept;

} // namespace slk::tool

#endif
