// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_CURVE_HPP
#define SERVERLINK_CURVE_HPP

/// Keys for CURVE (RFC 26), which encrypts a connection and proves who its two sides are.
///
/// A server and each client have a pair of keys. A client knows the server's public key, and a
/// server may know those of its clients. See security_options for how a socket uses them, and
/// docs/security.md for what CURVE protects from, and what not.
///
/// CURVE needs libsodium when the library is built (Meson option `curve`). Without it make() and
/// public_key(), and sockets with CURVE, fail with not_supported.

#include <serverlink/export.hpp>
#include <serverlink/result.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace slk {

namespace curve_detail {
class locked_key;
}

/// Whether this build of the library has CURVE.
[[nodiscard]] SLK_API bool has_curve() noexcept;

/// The public half of a pair. A small value; a default-constructed one stands for no key.
/// Bytes of a key.
class curve_public_key {
public:
    static constexpr std::size_t size = 32;

    constexpr curve_public_key() noexcept = default;
    explicit constexpr curve_public_key(const std::array<std::byte, size>& bytes) noexcept
        : bytes_(bytes)
    {
    }

    /// Reads the 40 characters of Z85 (RFC 32), also with a zero behind them, or the 32 bytes
    /// themselves. Errors: invalid_argument.
    [[nodiscard]] SLK_API static result<curve_public_key> from(std::string_view text) noexcept;

    /// Returns whether it stands for a key.
    [[nodiscard]] SLK_API bool is_set() const noexcept;
    /// Returns the key itself.
    [[nodiscard]] constexpr const std::array<std::byte, size>& bytes() const noexcept
    {
        return bytes_;
    }
    /// Returns the 40 characters of Z85; an empty text when memory is exhausted.
    [[nodiscard]] SLK_API std::string text() const noexcept;

    friend constexpr bool operator==(const curve_public_key&,
                                     const curve_public_key&) noexcept = default;

private:
    std::array<std::byte, size> bytes_{};
};

/// The secret half of a pair, in memory that is not swapped out where the system allows it, and
/// that is overwritten when the last copy is destroyed. Copies share it: they cost nothing. A
/// default-constructed one stands for no key. Any thread may copy it.
class curve_secret_key {
public:
    curve_secret_key() noexcept = default;

    /// As curve_public_key::from(). The caller's text stays as it is. Errors: also out_of_memory,
    /// not_supported.
    [[nodiscard]] SLK_API static result<curve_secret_key> from(std::string_view text) noexcept;
    /// Makes a new one of the system's random numbers. Errors: out_of_memory, not_supported.
    [[nodiscard]] SLK_API static result<curve_secret_key> make() noexcept;

    /// Returns whether it stands for a key.
    [[nodiscard]] bool is_set() const noexcept { return key_ != nullptr; }
    /// The public key of the pair. Errors: invalid_state without a key.
    [[nodiscard]] SLK_API result<curve_public_key> public_key() const noexcept;
    /// The bytes, which live as long as any copy; empty without a key.
    [[nodiscard]] SLK_API std::span<const std::byte> bytes() const noexcept;
    /// Returns the 40 characters of Z85, which the caller overwrites after use; an empty text when
    /// memory is exhausted.
    [[nodiscard]] SLK_API std::string text() const noexcept;

private:
    explicit curve_secret_key(std::shared_ptr<const curve_detail::locked_key> key) noexcept
        : key_(std::move(key))
    {
    }

    std::shared_ptr<const curve_detail::locked_key> key_;
};

/// Both halves, as make_curve_keys() makes them.
struct curve_key_pair {
    curve_public_key public_key{}; ///< for the other side
    curve_secret_key secret_key{}; ///< for this side only
};

/// Makes a new pair. Errors: out_of_memory, not_supported.
[[nodiscard]] SLK_API result<curve_key_pair> make_curve_keys() noexcept;

} // namespace slk

#endif
