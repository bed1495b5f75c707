// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_ZMTP_CURVE_SALSA20_HPP
#define SLK_ZMTP_CURVE_SALSA20_HPP

/// The beginning of a stream of Salsa20 (Bernstein: "The Salsa20 family of stream ciphers", 2008):
/// all that a short box needs. Four blocks are computed at once, in vectors of four words, without
/// a branch or an address that depends on a secret. libsodium computes so few blocks one by one,
/// which takes three times as long, and longer streams faster than this.

#include "zmtp/curve/crypto.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace slk::zmtp::crypto {

inline constexpr std::size_t salsa20_block = 64;
inline constexpr std::size_t salsa20_blocks = 4;

/// Whatever the caller does not use of it is to be wiped too.
void begin_salsa20(std::span<std::byte, salsa20_blocks * salsa20_block> into,
                   std::span<const std::byte, curve_key_size> key,
                   std::span<const std::byte, 8> nonce) noexcept;

} // namespace slk::zmtp::crypto

#endif
