// SPDX-License-Identifier: MPL-2.0
#include <serverlink/channel_slot.hpp>

#include <array>

namespace slk {

namespace {

constexpr auto crc_table = [] {
    std::array<std::uint16_t, 256> table{};
    for (unsigned byte = 0; byte < table.size(); ++byte) {
        unsigned value = byte << 8;
        for (int bit = 0; bit < 8; ++bit)
            value = (value & 0x8000) != 0 ? value << 1 ^ 0x1021 : value << 1;
        table[byte] = static_cast<std::uint16_t>(value);
    }
    return table;
}();

/// What is between the braces, or the whole name.
std::string_view hashed_part(std::string_view channel) noexcept
{
    const std::size_t begin = channel.find('{');
    const std::size_t end = begin == std::string_view::npos ? begin : channel.find('}', begin + 1);
    return end == std::string_view::npos || end == begin + 1
               ? channel
               : channel.substr(begin + 1, end - begin - 1);
}

} // namespace

std::uint32_t slot_of(std::string_view channel) noexcept
{
    unsigned crc = 0;
    for (const char each : hashed_part(channel)) {
        const unsigned byte = static_cast<unsigned char>(each);
        crc = (crc << 8 ^ crc_table[(crc >> 8 ^ byte) & 0xff]) & 0xffff;
    }
    return crc % slot_count;
}

} // namespace slk
