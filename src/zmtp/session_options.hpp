// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_ZMTP_SESSION_OPTIONS_HPP
#define SLK_ZMTP_SESSION_OPTIONS_HPP

/// The options of a session. The texts are views: they must outlive the session.

#include "zmtp/command.hpp"
#include "zmtp/curve/peer.hpp"
#include "zmtp/frame.hpp"
#include "zmtp/greeting.hpp"
#include "zmtp/metadata.hpp"

#include <serverlink/clock.hpp>
#include <serverlink/result.hpp>

#include <optional>

namespace slk::zmtp {

struct session_options {
    mechanism security = mechanism::null;
    /// The role in PLAIN and CURVE, whichever side has connected.
    bool as_server = false;
    credentials own_credentials{}; ///< of a PLAIN client
    const curve_settings* curve = nullptr; ///< CURVE only: the keys
    /// With NULL too the owner decides about the peer, before READY is sent (RFC 27: the server has
    /// a domain).
    bool ask_with_null = false;
    /// CURVE server: the owner is told of a HELLO (arrival_kind::hello) before it is looked at.
    bool ask_before_keys = false;

    /// Not ZMTP: the peer's bytes are its own. The session is ready at once and sends nothing; the
    /// owner makes frames of what it receives. It needs ready_last off and no heartbeats.
    bool raw = false;

    /// The owner is asked about each peer (arrival_kind::admit) when its metadata is known.
    bool ask_about_peer = false;
    /// With ask_about_peer: NULL holds READY back until the owner has admitted the peer. A peer
    /// sends no messages before that. Of two sides only one may do so: they would wait for ever.
    bool ready_last = false;

    own_metadata metadata{};

    /// Use ZMTP 2.0 with a peer that has no later version. The greeting then goes out in three
    /// pieces, each when enough of the peer's is known, which takes longer.
    bool accept_2_0 = false;

    frame_limits limits{};
    /// All of the peer's bytes between the greeting and the first message.
    std::size_t max_handshake_size = 65536;
    /// The peer's metadata, in READY or INITIATE.
    std::size_t max_metadata_size = 8192;
    /// A message body of `large_body` bytes or more that has not arrived completely is announced
    /// instead of waited for, so that the rest can be received at its destination.
    std::size_t large_body = 8192;

    /// Greeting and handshake together; 0: no limit.
    duration handshake_timeout = std::chrono::seconds(30);
    duration heartbeat_interval{}; ///< between PINGs; 0: none
    /// The silence after a PING that ends the session; 0: none; not set: the interval.
    std::optional<duration> heartbeat_timeout{};
    duration heartbeat_ttl{}; ///< the ttl in this side's PINGs; at most max_ttl
};

/// invalid_argument in phase setup, with the option's name as detail.
[[nodiscard]] result<void> check(const session_options& options) noexcept;

} // namespace slk::zmtp

#endif
