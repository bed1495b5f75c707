// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_ZMTP_GREETING_HPP
#define SLK_ZMTP_GREETING_HPP

/// The greeting: 64 bytes each way, and the version of the peer.
///
/// RFC 23 (ZMTP 3.1), "greeting": signature (10), version (2), mechanism (20), as-server (1),
/// filler (31). The first ten bytes are also a header of ZMTP 1.0, so that peers of every version
/// can be told apart, a 1.0 peer by its first byte alone.

#include "zmtp/bytes.hpp"

#include <serverlink/error.hpp>
#include <serverlink/result.hpp>

#include <optional>

namespace slk::zmtp {

inline constexpr std::size_t greeting_size = 64;
inline constexpr std::size_t signature_size = 10;
/// The version as far as the signature and the first version byte tell it.
inline constexpr std::size_t major_size = 11;

enum class mechanism : std::uint8_t { null, plain, curve };

/// The version that a connection uses.
enum class version : std::uint8_t {
    v1_0, ///< recognised, and refused
    v2_0, ///< no handshake and no commands
    v3_0, ///< as 3.1, but subscriptions are messages
    v3_1,
};

[[nodiscard]] std::string_view name_of(mechanism which) noexcept;
[[nodiscard]] std::string_view name_of(version which) noexcept;

using greeting_bytes = std::array<std::byte, greeting_size>;

/// This side's greeting. `as_server` is sent as RFC 23 requires; the peer's is ignored, because
/// libzmq always sends 0: the configuration alone decides about roles.
[[nodiscard]] greeting_bytes make_greeting(mechanism which, bool as_server) noexcept;

/// What is known from the beginning of a peer's stream.
struct greeting_view {
    bool signature = false; ///< the peer is of 2.0 or later
    /// Known as early as possible; for a 3.x peer when its whole greeting has arrived.
    std::optional<version> speaks{};
    bool may_send_rest = false; ///< the major version is 3 or treated like it
    bool complete = false;      ///< all 64 bytes are there
    /// The minimum of further bytes that tell more; 0 if all is known.
    std::size_t need = 0;
};

/// Reads the first bytes of a stream, as many as there are. The result for more bytes of the same
/// stream never contradicts an earlier one.
[[nodiscard]] greeting_view inspect_greeting(byte_view stream) noexcept;

/// Returns whether a complete greeting names the mechanism: all 20 bytes must be equal.
[[nodiscard]] result<void> check_mechanism(byte_view whole_greeting, mechanism own) noexcept;

} // namespace slk::zmtp

#endif
