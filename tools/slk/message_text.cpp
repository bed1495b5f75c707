// SPDX-License-Identifier: MPL-2.0
#include "message_text.hpp"

#include "tools/support/command_line.hpp"
#include "tools/support/json.hpp"

#include <cstdio>
#include <vector>

namespace slk::tool {

namespace {

/// The number of bytes that message_text() shows of a part that is no text.
constexpr std::size_t max_shown = 32;

/// The number of bytes of the UTF-8 character (RFC 3629) at this position; 0 if there is none.
[[nodiscard]] std::size_t character_at(std::string_view bytes, std::size_t at)
{
    const auto byte = [&](std::size_t index) -> unsigned {
        return index < bytes.size() ? static_cast<unsigned char>(bytes[index]) : 0U;
    };
    const unsigned first = byte(at);
    if (first < 0x80)
        return 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    for (std::size_t more = 1; more < length; ++more)
        if ((byte(at + more) & 0xc0U) != 0x80)
            return 0;
    const unsigned second = byte(at + 1);
    const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    const bool no_character = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
    return overlong || no_character ? 0 : length;
}

[[nodiscard]] bool is_utf8(std::string_view bytes)
{
    for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t length = character_at(bytes, at);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

/// UTF-8 without characters that control a terminal.
[[nodiscard]] bool is_printable(std::string_view bytes)
{
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        const auto byte = static_cast<unsigned char>(bytes[at]);
        const bool second_of_control = byte == 0xc2 && at + 1 < bytes.size() &&
                                       static_cast<unsigned char>(bytes[at + 1]) < 0xa0;
        if ((byte < 0x20 && byte != '\t' && byte != '\n') || byte == 0x7f || second_of_control)
            return false;
    }
    return is_utf8(bytes);
}

[[nodiscard]] std::string byte_count_text(std::uint64_t bytes)
{
    return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes");
}

[[nodiscard]] std::string part_text(std::string_view bytes)
{
    if (bytes.empty())
        return "(empty)";
    if (is_printable(bytes))
        return std::string(bytes);
    const bool all = bytes.size() <= max_shown;
    return "0x" + hexadecimal(bytes.substr(0, max_shown)) + (all ? "" : "...") + " (" +
           byte_count_text(bytes.size()) + ")";
}

/// Indents the second and the following lines.
[[nodiscard]] std::string indented(const std::string& text, std::size_t width)
{
    std::string shown;
    for (const char each : text) {
        shown += each;
        if (each == '\n')
            shown.append(width, ' ');
    }
    return shown;
}

[[nodiscard]] int value_of(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    const char small = static_cast<char>(digit | 0x20);
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

} // namespace

std::string hexadecimal(std::string_view bytes)
{
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const char each : bytes) {
        const auto byte = static_cast<unsigned char>(each);
        text += digits[byte >> 4U];
        text += digits[byte & 0xfU];
    }
    return text;
}

std::string base64(std::string_view bytes)
{
    static constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const auto byte = [&](std::size_t at) -> unsigned {
        return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U;
    };
    std::string text;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const unsigned group = (byte(at) << 16U) | (byte(at + 1) << 8U) | byte(at + 2);
        text += digits[group >> 18U];
        text += digits[(group >> 12U) & 63U];
        text += at + 1 < bytes.size() ? digits[(group >> 6U) & 63U] : '=';
        text += at + 2 < bytes.size() ? digits[group & 63U] : '=';
    }
    return text;
}

std::string quoted_text(std::string_view bytes)
{
    std::string text = "\"";
    for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t length = character_at(bytes, at);
        const std::string_view one = bytes.substr(at, length == 0 ? 1 : length);
        at += one.size();
        switch (one[0]) {
        case '\\': text += "\\\\"; continue;
        case '"': text += "\\\""; continue;
        case '\n': text += "\\n"; continue;
        case '\r': text += "\\r"; continue;
        case '\t': text += "\\t"; continue;
        default: break;
        }
        if (length > 0 && is_printable(one)) {
            text += one;
            continue;
        }
        for (const char each : one) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\%03o", static_cast<unsigned char>(each));
            text += escape;
        }
    }
    return text + '"';
}

std::string parse_escapes(const std::string& option, std::string_view text)
{
    static constexpr std::string_view letters = "nrtabfve\\\"'";
    static constexpr std::string_view meanings = "\n\r\t\a\b\f\v\x1b\\\"'";
    std::string bytes;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '\\') {
            bytes += text[at];
            continue;
        }
        const char letter = ++at < text.size() ? text[at] : '\0';
        if (const std::size_t known = letters.find(letter); known != std::string_view::npos) {
            bytes += meanings[known];
            continue;
        }
        // Up to three octal digits, or x and two hexadecimal ones.
        const bool is_hex = letter == 'x';
        const std::size_t max_digits = is_hex ? 2 : 3;
        const int base = is_hex ? 16 : 8;
        std::size_t begin = is_hex ? at + 1 : at;
        std::size_t count = 0;
        int value = 0;
        for (; count < max_digits && begin + count < text.size(); ++count) {
            const int digit = value_of(text[begin + count]);
            if (digit < 0 || digit >= base)
                break;
            value = value * base + digit;
        }
        if (count == 0 || value > 255)
            throw usage_error(option, "'" + std::string(text) +
                                          "' has an escape that is not \\n, \\r, \\t, \\0, "
                                          "\\e, \\\\, \\xHH or \\OOO");
        bytes += static_cast<char>(value);
        at = begin + count - 1;
    }
    return bytes;
}

std::string wall_clock_text(std::chrono::system_clock::time_point at)
{
    using namespace std::chrono;
    const auto whole = floor<microseconds>(at);
    const auto day = floor<days>(whole);
    const year_month_day date(day);
    const hh_mm_ss time(whole - day);
    char text[64];
    std::snprintf(
        text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
        static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
        static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
    return text;
}

std::string id_text(std::string_view bytes)
{
    const bool plain = is_printable(bytes) && !bytes.starts_with("0x") &&
                       bytes.find_first_of("\t\n") == std::string_view::npos;
    return plain ? std::string(bytes) : "0x" + hexadecimal(bytes);
}

std::string parse_id(const std::string& option, const std::string& text)
{
    std::string bytes = text;
    if (text.starts_with("0x")) {
        bytes.clear();
        const bool even = text.size() % 2 == 0;
        for (std::size_t at = 2; even && at < text.size(); at += 2) {
            const int high = value_of(text[at]);
            const int low = value_of(text[at + 1]);
            if (high < 0 || low < 0)
                throw usage_error(option, "'" + text + "' is not 0x and pairs of digits");
            bytes += static_cast<char>(high * 16 + low);
        }
        if (!even)
            throw usage_error(option, "'" + text + "' is not 0x and pairs of digits");
    }
    if (bytes.empty() || bytes.size() > 255)
        throw usage_error(option, "a routing id has 1 to 255 bytes");
    return bytes;
}

std::string message_text(const multipart& whole, std::string_view from)
{
    const std::string sender = from.empty() ? "" : "[" + id_text(from) + "] ";
    if (whole.size() == 1) {
        std::string text = part_text(whole[0].text());
        if (text.ends_with('\n'))
            text.pop_back();
        return sender + indented(text, sender.size());
    }
    std::string text =
        sender + std::to_string(whole.size()) + " parts, " + byte_count_text(bytes_of(whole));
    for (const message& part : whole) {
        const std::string size = std::to_string(part.size());
        std::string line = "\n" + std::string(size.size() < 8 ? 8 - size.size() : 0, ' ') + size;
        line += "  ";
        text += line + indented(part_text(part.text()), line.size() - 1);
    }
    return text;
}

std::string message_json(const multipart& whole, std::string_view from, double seconds,
                         const std::string& at)
{
    json_object object;
    object.number("time", seconds);
    if (!at.empty())
        object.text("at", at);
    if (!from.empty())
        object.text("from", id_text(from));
    object.number("size", bytes_of(whole));
    std::vector<json_object> parts;
    for (const message& part : whole)
        parts.push_back(is_utf8(part.text()) ? json_object().text("text", part.text())
                                             : json_object().text("base64", base64(part.text())));
    object.array("parts", parts);
    return object.str();
}

std::string amount_text(std::uint64_t messages, std::uint64_t bytes)
{
    return std::to_string(messages) + (messages == 1 ? " message, " : " messages, ") +
           byte_count_text(bytes);
}

std::uint64_t bytes_of(const multipart& whole) noexcept
{
    std::uint64_t sum = 0;
    for (const message& part : whole)
        sum += part.size();
    return sum;
}

} // namespace slk::tool
