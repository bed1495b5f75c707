// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_ZMTP_CURVE_CRYPTO_HPP
#define SLK_ZMTP_CURVE_CRYPTO_HPP

/// What CURVE needs of a library of cryptography: X25519, XSalsa20 and Poly1305 (RFC 26). One file
/// has it of libsodium; where the library is built without, another one says that there is nothing.
///
/// A nonce of XSalsa20 has 24 bytes: its first 16 and the key make another key, of which Salsa20
/// then uses the last 8 as nonce. In CURVE the first 16 are a constant text for each kind of box,
/// so that the derived key of all MESSAGEs of one direction is made once.

#include "zmtp/bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace slk::zmtp {

inline constexpr std::size_t curve_key_size = 32;
using curve_key = std::array<std::byte, curve_key_size>;

inline constexpr std::size_t curve_mac_size = 16;
inline constexpr std::size_t curve_nonce_size = 24;
inline constexpr std::size_t curve_prefix_size = 16;

/// Where keys and nonces come from. Must not be predictable; any thread calls it.
class entropy_source {
public:
    virtual void fill(std::span<std::byte> into) noexcept = 0;

protected:
    ~entropy_source() = default;
};

namespace crypto {

/// Whether this build has the functions below; without, none of them may be called.
[[nodiscard]] bool is_available() noexcept;

/// The random numbers of the operating system.
[[nodiscard]] entropy_source& system_entropy() noexcept;

void make_public_key(curve_key& into, std::span<const std::byte, curve_key_size> secret) noexcept;
/// The key that two sides share. Returns false if the public key is one of the few that make the
/// result known to everybody.
[[nodiscard]] bool make_shared_key(curve_key& into, const curve_key& their_public,
                                   std::span<const std::byte, curve_key_size> own_secret) noexcept;
/// The key of boxes whose nonces begin with these 16 bytes.
void derive_key(std::span<std::byte, curve_key_size> into,
                std::span<const std::byte, curve_key_size> key,
                std::span<const std::byte, curve_prefix_size> prefix) noexcept;

/// Encrypts `size` bytes behind `box` + curve_mac_size in place, and writes their authenticator to
/// `box`. `key`: a derived one; `number`: the last eight bytes of the nonce.
void seal(std::byte* box, std::size_t size, std::uint64_t number,
          std::span<const std::byte, curve_key_size> key) noexcept;
/// Whether the box was made with this key and number. In constant time.
[[nodiscard]] bool is_authentic(byte_view box, std::uint64_t number,
                                std::span<const std::byte, curve_key_size> key) noexcept;
/// Decrypts bytes of a box; `offset`: the first of them, counted from the end of the authenticator.
/// `to` and `from` may be the same.
void decrypt(std::byte* to, byte_view from, std::uint64_t offset, std::uint64_t number,
             std::span<const std::byte, curve_key_size> key) noexcept;
/// is_authentic() and decrypt() of a short box. `to` has room for what is in the box.
[[nodiscard]] bool open(std::byte* to, byte_view box, std::uint64_t number,
                        std::span<const std::byte, curve_key_size> key) noexcept;

/// Compares in constant time; the sizes must be the same.
[[nodiscard]] bool equal(byte_view one, byte_view other) noexcept;

/// Memory that is not written to a swap file or a core dump, as far as the system allows, between
/// pages that nobody may touch. Null when memory is exhausted.
[[nodiscard]] std::byte* lock_memory(std::size_t bytes) noexcept;
/// Wipes it, and gives it back.
void unlock_memory(std::byte* memory) noexcept;

} // namespace crypto

} // namespace slk::zmtp

#endif
