// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_ZMTP_BYTES_HPP
#define SLK_ZMTP_BYTES_HPP

/// Views of bytes, and numbers in network order.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace slk::zmtp {

/// Bytes that belong to the caller: a callee may read them and does not keep them.
using byte_view = std::span<const std::byte>;

[[nodiscard]] inline byte_view bytes_of(std::string_view text) noexcept
{
    return std::as_bytes(std::span(text.data(), text.size()));
}

[[nodiscard]] inline std::string_view text_of(byte_view data) noexcept
{
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}

/// Returns the number in network order that begins at `from`.
template <class Number>
[[nodiscard]] constexpr Number load(const std::byte* from) noexcept
{
    // One expression, because compilers turn it into one load and a byte swap, but a loop into
    // eight loads; every long frame is read by this.
    return [from]<std::size_t... Index>(std::index_sequence<Index...>) {
        return static_cast<Number>(
            ((std::to_integer<std::uint64_t>(from[Index]) << (8 * (sizeof(Number) - 1 - Index))) |
             ...));
    }(std::make_index_sequence<sizeof(Number)>());
}

/// Appends values to a buffer whose size was computed before.
class writer {
public:
    explicit constexpr writer(std::byte* to) noexcept : to_(to) {}

    constexpr void byte(std::size_t value) noexcept { *to_++ = static_cast<std::byte>(value); }

    template <class Number>
    constexpr void number(Number value) noexcept
    {
        for (std::size_t left = sizeof(Number); left > 0; --left)
            byte(static_cast<std::size_t>(static_cast<std::uint64_t>(value) >> (8 * (left - 1))) &
                 0xff);
    }

    void copy(byte_view data) noexcept
    {
        if (!data.empty())
            std::memcpy(to_, data.data(), data.size());
        to_ += data.size();
    }

    void copy(std::string_view text) noexcept { copy(bytes_of(text)); }

    /// Returns where these bytes begin, which the caller writes itself.
    constexpr std::byte* skip(std::size_t size) noexcept { return std::exchange(to_, to_ + size); }

private:
    std::byte* to_;
};

} // namespace slk::zmtp

#endif
