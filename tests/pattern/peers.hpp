// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_PATTERN_PEERS_HPP
#define SLK_TESTS_PATTERN_PEERS_HPP

/// Peers with a name, some messages and some room, for the tests of patterns; and sockets that are
/// nothing but their pattern.

#include "pattern/pattern.hpp"

#include <cstdint>
#include <string>

namespace slk::testing {

struct named_peer final : pattern::peer {
    explicit named_peer(char called) noexcept : name(called) {}

    char name;
    unsigned messages = 0; ///< that it has to be received
    unsigned taken = 0; ///< that were received
    unsigned room = UINT32_MAX; ///< messages that it still takes
};

inline named_peer& as_named(pattern::peer& of) noexcept
{
    return static_cast<named_peer&>(of);
}

/// Receives so many messages at most, as a socket does: "a0 b0 ".
inline std::string receive(pattern::pattern& by, unsigned most = UINT32_MAX)
{
    std::string order;
    while (pattern::peer* const from = most > 0 ? by.receive_from() : nullptr) {
        named_peer& who = as_named(*from);
        if (who.messages == 0) {
            by.readable(who, false);
            continue;
        }
        order += who.name + std::to_string(who.taken++) + ' ';
        --who.messages;
        --most;
        by.received(who);
    }
    return order;
}

/// Sends so many messages, as a socket does: "abc", and '-' when nobody has room.
inline std::string send(pattern::pattern& by, unsigned count)
{
    std::string order;
    while (count > 0) {
        pattern::peer* const to = by.send_to();
        if (to == nullptr)
            return order + '-';
        named_peer& who = as_named(*to);
        if (who.room == 0) {
            by.writable(who, false);
            continue;
        }
        --who.room;
        --count;
        order += who.name;
        by.sent(who);
    }
    return order;
}

inline void give(pattern::pattern& to, named_peer& who, unsigned messages)
{
    who.messages += messages;
    to.readable(who, true);
}

} // namespace slk::testing

#endif
