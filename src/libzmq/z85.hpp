// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LIBZMQ_Z85_HPP
#define SLK_LIBZMQ_Z85_HPP

/// Z85 (ZeroMQ's RFC 32): four bytes as five printable characters.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace slk::libzmq {

/// Writes five characters for each four bytes and no NUL. Returns false, and has written nothing,
/// if the size does not divide by four.
[[nodiscard]] bool z85_encode(std::span<const std::uint8_t> data, char* to) noexcept;

/// Writes four bytes for each five characters. Returns false if the text is empty, its length does
/// not divide by five, a character is none of the 85, or a group has a value above 32 bits; what
/// was written before is no use then.
[[nodiscard]] bool z85_decode(std::string_view text, std::uint8_t* to) noexcept;

} // namespace slk::libzmq

#endif
