// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_ZMTP_GREETING_HPP
#define SLK_ZMTP_GREETING_HPP

/// The greeting: 64 bytes each way, and what the peer's say about its version.
///
/// RFC 23 (ZMTP 3.1), "greeting": signature (10), version (2), mechanism (20), as-server (1),
/// filler (31). The first ten bytes are also a header of ZMTP 1.0, so that peers of every version
/// can be told apart, the oldest by the first byte alone.

#include "zmtp/bytes.hpp"

#include <serverlink/error.hpp>
#include <serverlink/result.hpp>

#include <optional>

namespace slk::zmtp {

inline constexpr std::size_t greeting_size = 64;
inline constexpr std::size_t signature_size = 10;
/// What is known after the signature and the first byte of the version.
inline constexpr std::size_t major_size = 11;

enum class mechanism : std::uint8_t { null, plain };

/// The version that a connection speaks.
enum class version : std::uint8_t {
    v1_0, ///< recognised, and refused
    v2_0, ///< no handshake and no commands
    v3_0, ///< as 3.1, but subscriptions are messages
    v3_1,
};

[[nodiscard]] std::string_view name_of(mechanism which) noexcept;
[[nodiscard]] std::string_view name_of(version which) noexcept;

using greeting_bytes = std::array<std::byte, greeting_size>;

/// Our own. `as_server` goes out as RFC 23 says; what the peer says there is ignored, because
/// libzmq always says 0: roles come from the configuration alone.
[[nodiscard]] greeting_bytes make_greeting(mechanism which, bool as_server) noexcept;

/// What the beginning of a peer's stream tells.
struct greeting_view {
    bool signature = false; ///< the peer is of 2.0 or later
    /// Known as early as possible; of a 3.x peer when it has sent its whole greeting.
    std::optional<version> speaks{};
    bool may_send_rest = false; ///< the major version is 3 or treated like it
    bool complete = false;      ///< all 64 bytes are there
    /// At least so many more bytes are needed to know more; 0 if all is known.
    std::size_t need = 0;
};

/// Looks at the first bytes of a stream, as many as there are. The answer for more bytes of the
/// same stream never contradicts an earlier one.
[[nodiscard]] greeting_view inspect_greeting(byte_view stream) noexcept;

/// Whether a complete greeting names the mechanism: all 20 bytes must be the same.
[[nodiscard]] result<void> check_mechanism(byte_view whole_greeting, mechanism own) noexcept;

} // namespace slk::zmtp

#endif
