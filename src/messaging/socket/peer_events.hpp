// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_SOCKET_PEER_EVENTS_HPP
#define SLK_MESSAGING_SOCKET_PEER_EVENTS_HPP

/// Reports what happens to the peers of a socket to its event streams. For the socket's thread.

#include <serverlink/error.hpp>
#include <serverlink/events.hpp>

#include <cstdint>
#include <string_view>

namespace slk::messaging {

class endpoint_table;
class inbox;
class pipe;

class peer_events {
public:
    /// `endpoints`: whose texts are those of the events; may not be complete yet.
    peer_events(inbox& reports, const endpoint_table& endpoints) noexcept
        : reports_(reports), endpoints_(endpoints)
    {
    }

    void report(event_kind kind, const pipe& peer, const error& reason = {},
                std::string_view topic = {}) const noexcept;
    /// The time for the socket.
    [[nodiscard]] time_point now() const noexcept;
    /// Nothing if `count` is 0.
    void report_dropped(drop_reason why, std::uint64_t count, const pipe& peer) const noexcept;

private:
    inbox& reports_;
    const endpoint_table& endpoints_;
};

} // namespace slk::messaging

#endif
