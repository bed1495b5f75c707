// SPDX-License-Identifier: MPL-2.0
#include "base/z85.hpp"

#include <array>
#include <cstdint>

namespace slk {

namespace {

constexpr std::string_view digits =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
constexpr std::uint32_t base = 85;
constexpr std::size_t group = 4;
constexpr std::size_t group_text = 5;
constexpr std::uint8_t no_digit = 0xFF;

constexpr auto values = [] {
    std::array<std::uint8_t, 256> made{};
    made.fill(no_digit);
    for (std::size_t i = 0; i < digits.size(); ++i)
        made[static_cast<unsigned char>(digits[i])] = static_cast<std::uint8_t>(i);
    return made;
}();

} // namespace

void write_z85(std::span<char> into, std::span<const std::byte> bytes) noexcept
{
    for (; bytes.size() >= group; bytes = bytes.subspan(group), into = into.subspan(group_text)) {
        std::uint32_t value = 0;
        for (const std::byte each : bytes.first(group))
            value = value << 8 | std::to_integer<std::uint32_t>(each);
        for (std::size_t place = group_text; place-- > 0; value /= base)
            into[place] = digits[value % base];
    }
}

bool read_z85(std::span<std::byte> into, std::string_view text) noexcept
{
    if (text.size() % group_text != 0 || text.size() / group_text * group != into.size())
        return false;
    for (; !text.empty(); text.remove_prefix(group_text), into = into.subspan(group)) {
        std::uint64_t value = 0;
        for (const char each : text.substr(0, group_text)) {
            const std::uint8_t digit = values[static_cast<unsigned char>(each)];
            if (digit == no_digit)
                return false;
            value = value * base + digit;
        }
        if (value > UINT32_MAX)
            return false;
        for (std::size_t place = group; place-- > 0; value >>= 8)
            into[place] = static_cast<std::byte>(value);
    }
    return true;
}

} // namespace slk
