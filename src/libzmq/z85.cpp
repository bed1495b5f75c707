// SPDX-License-Identifier: MPL-2.0
#include "libzmq/z85.hpp"

#include <libzmq/zmq.h>

#include "libzmq/errors.hpp"

#include <array>

namespace slk::libzmq {

namespace {

constexpr std::string_view digits =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
constexpr std::uint8_t no_digit = 0xFF;

constexpr auto values = [] {
    std::array<std::uint8_t, 256> made{};
    made.fill(no_digit);
    for (std::size_t i = 0; i < digits.size(); ++i)
        made[static_cast<unsigned char>(digits[i])] = static_cast<std::uint8_t>(i);
    return made;
}();

} // namespace

bool z85_encode(std::span<const std::uint8_t> data, char* to) noexcept
{
    if (data.size() % 4 != 0)
        return false;
    for (; !data.empty(); data = data.subspan(4), to += 5) {
        std::uint32_t value = 0;
        for (std::size_t i = 0; i < 4; ++i)
            value = value << 8 | data[i];
        for (std::size_t i = 5; i-- > 0; value /= 85)
            to[i] = digits[value % 85];
    }
    return true;
}

bool z85_decode(std::string_view text, std::uint8_t* to) noexcept
{
    if (text.empty() || text.size() % 5 != 0)
        return false;
    for (; !text.empty(); text.remove_prefix(5), to += 4) {
        std::uint64_t value = 0;
        for (const char each : text.substr(0, 5)) {
            const std::uint8_t digit = values[static_cast<unsigned char>(each)];
            if (digit == no_digit)
                return false;
            value = value * 85 + digit;
        }
        if (value > UINT32_MAX)
            return false;
        for (std::size_t i = 4; i-- > 0; value >>= 8)
            to[i] = static_cast<std::uint8_t>(value);
    }
    return true;
}

} // namespace slk::libzmq

using namespace slk::libzmq;

char* zmq_z85_encode(char* to, const uint8_t* data, size_t size)
{
    if (to == nullptr || (data == nullptr && size != 0) || !z85_encode({data, size}, to))
        return fail_null(EINVAL);
    to[size / 4 * 5] = '\0';
    return to;
}

uint8_t* zmq_z85_decode(uint8_t* to, const char* text)
{
    if (to == nullptr || text == nullptr || !z85_decode(text, to))
        return fail_null(EINVAL);
    return to;
}
