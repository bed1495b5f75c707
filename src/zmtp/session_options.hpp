// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_ZMTP_SESSION_OPTIONS_HPP
#define SLK_ZMTP_SESSION_OPTIONS_HPP

/// What a session is told by its owner. The texts are views: they live as long as the session.

#include "zmtp/command.hpp"
#include "zmtp/frame.hpp"
#include "zmtp/greeting.hpp"
#include "zmtp/metadata.hpp"

#include <serverlink/clock.hpp>
#include <serverlink/result.hpp>

#include <optional>

namespace slk::zmtp {

struct session_options {
    mechanism security = mechanism::null;
    /// The role in PLAIN, whoever has connected to whom.
    bool as_server = false;
    credentials own_credentials{}; ///< of a PLAIN client
    /// With NULL too the owner decides about the peer, before READY is sent (RFC 27: the server has
    /// a domain).
    bool ask_with_null = false;

    own_metadata metadata{};

    /// Speak ZMTP 2.0 with a peer that knows no better. Then the greeting goes out in three
    /// pieces, each when enough of the peer's is known, which takes longer.
    bool accept_2_0 = false;

    frame_limits limits{};
    /// All of the peer's bytes between the greeting and the first message.
    std::size_t max_handshake_size = 65536;
    /// A message body of so many bytes or more that is not all there is announced instead of
    /// waited for, so that the rest can be received where it belongs.
    std::size_t large_body = 8192;

    /// Greeting and handshake together; 0: for ever.
    duration handshake_timeout = std::chrono::seconds(30);
    duration heartbeat_interval{}; ///< between PINGs; 0: none
    /// Silence after a PING that ends the session; 0: any; not given: as the interval.
    std::optional<duration> heartbeat_timeout{};
    duration heartbeat_ttl{}; ///< what our PINGs ask of the peer; at most max_ttl
};

/// invalid_argument in phase setup, with the option's name.
[[nodiscard]] result<void> check(const session_options& options) noexcept;

} // namespace slk::zmtp

#endif
