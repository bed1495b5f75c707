// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_ZMTP_CURVE_COOKIES_HPP
#define SLK_ZMTP_CURVE_COOKIES_HPP

/// The cookies of a CURVE server (RFC 26): the keys of a connection travel to the client and back,
/// so that the server keeps no key of a client that has not proved anything yet, only a number.
///
///  - A cookie is good for the connection that it was made for: it has that connection's number. A
///    recorded handshake that is sent again would otherwise lead to the same keys, and so to the
///    same nonces with other messages.
///  - The key that encrypts cookies is replaced by the first handshake after a minute, and opens
///    them for another minute. Who gets hold of a later key reads no recorded handshake with it.

#include "zmtp/curve/crypto.hpp"

#include <serverlink/clock.hpp>

#include <memory>
#include <mutex>

namespace slk::zmtp {

inline constexpr std::size_t curve_cookie_size = 96;

/// The keys of one connection, on their way to the client and back.
struct curve_cookie_keys {
    curve_key client{}; ///< its transient public key
    curve_key secret{}; ///< the server's transient secret key; to be wiped
};

/// Any thread.
class curve_cookies {
public:
    /// Null when memory is exhausted. Numbers come after `last`.
    [[nodiscard]] static std::unique_ptr<curve_cookies> create(entropy_source& entropy,
                                                               std::uint64_t last = 0) noexcept;
    curve_cookies(const curve_cookies&) = delete;
    curve_cookies& operator=(const curve_cookies&) = delete;
    ~curve_cookies();

    /// Writes a cookie, and returns its number.
    [[nodiscard]] std::uint64_t make(std::span<std::byte, curve_cookie_size> into,
                                     const curve_cookie_keys& keys, time_point now) noexcept;
    /// Returns false if it is not the cookie with this number, or too old.
    [[nodiscard]] bool open(curve_cookie_keys& into, std::span<const std::byte, curve_cookie_size>,
                            std::uint64_t number, time_point now) noexcept;

    static constexpr duration lifetime = std::chrono::minutes(1);

private:
    curve_cookies(entropy_source& entropy, std::byte* keys, std::uint64_t last) noexcept
        : entropy_(entropy), keys_(keys), last_number_(last)
    {
    }
    using key_view = std::span<std::byte, curve_key_size>;
    [[nodiscard]] key_view present() noexcept { return key_view(keys_, curve_key_size); }
    [[nodiscard]] key_view before() noexcept
    {
        return key_view(keys_ + curve_key_size, curve_key_size);
    }
    void change_keys(time_point now) noexcept;

    entropy_source& entropy_;
    std::byte* const keys_; ///< locked memory
    std::mutex guard_;
    std::uint64_t last_number_;
    time_point changed_at_{};
    bool has_present_ = false;
    bool has_before_ = false;
};

} // namespace slk::zmtp

#endif
