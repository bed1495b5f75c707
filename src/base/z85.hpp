// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_BASE_Z85_HPP
#define SLK_BASE_Z85_HPP

/// Z85 (ZeroMQ's RFC 32): four bytes as five printable characters.

#include <cstddef>
#include <span>
#include <string_view>

namespace slk {

/// How many characters this number of bytes has, a multiple of four.
[[nodiscard]] constexpr std::size_t z85_length(std::size_t bytes) noexcept
{
    return bytes / 4 * 5;
}

/// Writes z85_length() characters; the number of bytes is a multiple of four.
void write_z85(std::span<char> into, std::span<const std::byte> bytes) noexcept;

/// Writes four bytes for each five characters. Returns false if the text is not Z85 of as many
/// bytes as there is room for; what was written before is no use then.
[[nodiscard]] bool read_z85(std::span<std::byte> into, std::string_view text) noexcept;

} // namespace slk

#endif
