// SPDX-License-Identifier: MPL-2.0
#include "http/json_text.hpp"

#include <charconv>

namespace slk::http {

void json_text::begin(std::string_view name)
{
    if (needs_comma_)
        written_ += ',';
    needs_comma_ = true;
    if (name.empty())
        return;
    written_ += '"';
    written_ += name;
    written_ += "\":";
}

void json_text::open(std::string_view name, char bracket)
{
    begin(name);
    written_ += bracket;
    needs_comma_ = false;
}

void json_text::close(char bracket)
{
    written_ += bracket;
    needs_comma_ = true;
}

void json_text::text(std::string_view name, std::string_view bytes)
{
    constexpr std::string_view digits = "0123456789abcdef";
    begin(name);
    written_ += '"';
    for (const char each : bytes) {
        const auto byte = static_cast<unsigned char>(each);
        if (byte < 0x20 || byte >= 0x7f) {
            written_ += "\\\\x";
            written_ += digits[byte >> 4U];
            written_ += digits[byte & 0xfU];
            continue;
        }
        if (each == '"' || each == '\\')
            written_ += '\\';
        written_ += each;
    }
    written_ += '"';
}

void json_text::number(std::string_view name, std::uint64_t value)
{
    char digits[20];
    begin(name);
    written_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void json_text::number(std::string_view name, double value)
{
    char digits[64];
    begin(name);
    written_.append(
        digits,
        std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed, 9).ptr);
}

void json_text::boolean(std::string_view name, bool value)
{
    begin(name);
    written_ += value ? "true" : "false";
}

} // namespace slk::http
