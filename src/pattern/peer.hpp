// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_PEER_HPP
#define SLK_PATTERN_PEER_HPP

/// What a pattern knows about a peer: its places in the orders of turns, and its name.

#include <serverlink/router.hpp>

#include "base/list.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace slk::pattern {

/// A message that the pattern itself has for the caller: a ROUTER's notice of a peer.
struct own_message : list_node {
    peer_id about;
    router_event what = router_event::message;
};

struct peer {
    peer() = default;
    peer(peer&&) noexcept = default;
    peer& operator=(peer&&) noexcept = default;

    /// Places in the rotations; each rotation has its own.
    std::size_t receive_place = SIZE_MAX;
    std::size_t send_place = SIZE_MAX;

    /// ROUTER only: what it calls the peer. Empty: the peer has sent none.
    std::string routing_id;
    /// ROUTER only: counts the peers that it has met; never 0 for one that it knows. A peer that
    /// comes again is another one, unless connect() has given its name.
    std::uint64_t generation = 0;
    /// PUB, XPUB and XSUB only: messages that the peer has missed because its queue was full. Of
    /// its word, one byte is left for what follows.
    std::uint64_t dropped : 56 = 0;
    /// The routing id was given by connect(), and not by the peer.
    bool named : 1 = false;
    /// STREAM only: a message of the peer was received.
    bool was_heard : 1 = false;
    bool by_inproc : 1 = false;
    bool was_probed : 1 = false; ///< by its connection (option probe_router)
    bool told_topics : 1 = false; ///< inproc only: those of this socket, when the two met
    /// PUB and XPUB only: messages that it has room for without another look.
    std::uint32_t known_room = 0;
    std::uint32_t connections = 0; ///< times that the peer connected
    /// ROUTER only: made when the peer connects, so that its end needs no memory.
    std::unique_ptr<own_message> end_notice;

protected:
    ~peer() = default;
};

} // namespace slk::pattern

#endif
