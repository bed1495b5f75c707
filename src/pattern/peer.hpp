// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_PEER_HPP
#define SLK_PATTERN_PEER_HPP

/// What a pattern knows about a peer: its places in the orders of turns, and its name.

#include <cstddef>
#include <cstdint>
#include <string>

namespace slk::pattern {

struct peer {
    /// Places in the rotations; each rotation has its own.
    std::size_t receive_place = SIZE_MAX;
    std::size_t send_place = SIZE_MAX;

    /// ROUTER only: what it calls the peer. Empty: the peer has sent none.
    std::string routing_id;
    /// ROUTER only: counts the peers that it has met; never 0 for one that it knows. A peer that
    /// comes again is another one, unless connect() has given its name.
    std::uint64_t generation = 0;
    /// The routing id was given by connect(), and not by the peer.
    bool named = false;

protected:
    ~peer() = default;
};

} // namespace slk::pattern

#endif
