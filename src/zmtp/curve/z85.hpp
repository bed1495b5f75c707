// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_ZMTP_CURVE_Z85_HPP
#define SLK_ZMTP_CURVE_Z85_HPP

/// Z85 (RFC 32): four bytes as five characters.

#include "zmtp/bytes.hpp"

#include <span>
#include <string_view>

namespace slk::zmtp {

/// Writes five characters for each four bytes; the number of bytes is a multiple of four.
void write_z85(std::span<char> into, byte_view bytes) noexcept;

/// Writes four bytes for each five characters. Returns false if the text is not Z85 of as many
/// bytes as there is room for.
[[nodiscard]] bool read_z85(std::span<std::byte> into, std::string_view text) noexcept;

} // namespace slk::zmtp

#endif
