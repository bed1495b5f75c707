// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_PATTERN_PEERS_HPP
#define SLK_TESTS_PATTERN_PEERS_HPP

/// Peers with a name, some messages and some room, and what a socket does with its pattern.

#include "pattern/pattern.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace slk::testing {

struct named_peer final : pattern::peer {
    explicit named_peer(char called) noexcept : name(called) {}

    char name;
    unsigned messages = 0; ///< that wait to be received
    unsigned taken = 0; ///< messages that were received
    unsigned room = UINT32_MAX; ///< messages that its queue still takes
};

inline named_peer& as_named(pattern::peer& of) noexcept
{
    return static_cast<named_peer&>(of);
}

/// Looks at the peers' `room`.
struct peer_rooms final : pattern::room_check {
    [[nodiscard]] bool has_room(pattern::peer& entry) noexcept override
    {
        return as_named(entry).room > 0;
    }
};

/// Receives at most `max` messages, as a socket does: "a0 b0 ".
inline std::string receive(pattern::pattern& by, unsigned max = UINT32_MAX)
{
    std::string order;
    while (pattern::peer* const from = max > 0 ? by.receive_from() : nullptr) {
        named_peer& peer = as_named(*from);
        if (peer.messages == 0) {
            by.readable(peer, false);
            continue;
        }
        order += peer.name + std::to_string(peer.taken++) + ' ';
        --peer.messages;
        --max;
        by.received(peer);
    }
    return order;
}

/// Routes one message of one empty part. `to`: as the caller of a ROUTER names a peer, or null.
inline pattern::routing route(pattern::pattern& by, const peer_id* to = nullptr)
{
    static constexpr pattern::part_view part{};
    std::span<const pattern::part_view> parts(&part, 1);
    peer_rooms rooms;
    return by.route(parts, to, rooms);
}

inline bool can_send(pattern::pattern& by)
{
    peer_rooms rooms;
    return by.can_send(rooms);
}

/// Sends `count` messages, as a socket does: "abc", and '-' when the next one has to wait.
inline std::string send(pattern::pattern& by, unsigned count)
{
    std::string order;
    for (; count > 0; --count) {
        const bool expected = can_send(by);
        const pattern::routing where = route(by);
        REQUIRE((where.what != pattern::routing::kind::wait) == expected);
        if (where.what == pattern::routing::kind::wait)
            return order + '-';
        REQUIRE(where.what == pattern::routing::kind::one);
        named_peer& peer = as_named(*where.to);
        --peer.room;
        order += peer.name;
    }
    return order;
}

inline std::span<const std::byte> bytes_of(std::string_view text) noexcept
{
    return std::as_bytes(std::span(text.data(), text.size()));
}

inline void add_messages(pattern::pattern& to, named_peer& from, unsigned messages)
{
    from.messages += messages;
    to.readable(from, true);
}

} // namespace slk::testing

#endif
