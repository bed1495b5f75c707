// SPDX-License-Identifier: MPL-2.0
#include "zmtp/curve/z85.hpp"

#include <cstdint>

namespace slk::zmtp {

namespace {

constexpr std::string_view digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    ".-:+=^!/*?&<>()[]{}@%$#";
constexpr std::size_t base = 85;
constexpr std::size_t group = 4;
constexpr std::size_t group_text = 5;

} // namespace

void write_z85(std::span<char> into, byte_view bytes) noexcept
{
    for (std::size_t at = 0; at + group <= bytes.size(); at += group) {
        auto value = load<std::uint32_t>(bytes.data() + at);
        const std::span<char> text = into.subspan(at / group * group_text, group_text);
        for (std::size_t place = group_text; place > 0; --place) {
            text[place - 1] = digits[value % base];
            value /= base;
        }
    }
}

bool read_z85(std::span<std::byte> into, std::string_view text) noexcept
{
    if (text.size() % group_text != 0 || text.size() / group_text * group != into.size())
        return false;
    writer out(into.data());
    while (!text.empty()) {
        std::uint64_t value = 0;
        for (const char each : text.substr(0, group_text)) {
            const std::size_t digit = digits.find(each);
            if (digit == std::string_view::npos)
                return false;
            value = value * base + digit;
        }
        if (value > UINT32_MAX)
            return false;
        out.number(static_cast<std::uint32_t>(value));
        text.remove_prefix(group_text);
    }
    return true;
}

} // namespace slk::zmtp
