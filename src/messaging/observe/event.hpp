// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_OBSERVE_EVENT_HPP
#define SLK_MESSAGING_OBSERVE_EVENT_HPP

/// An event: one change of a peer or of an endpoint, as a value. It says which one, where, when,
/// and why. Connections make events on their loop's thread; the socket reads them from its inbox.

#include <serverlink/address.hpp>
#include <serverlink/clock.hpp>
#include <serverlink/error.hpp>

#include "base/list.hpp"
#include "base/reference.hpp"
#include "messaging/pipe/far_end.hpp"
#include "messaging/pipe/peer_info.hpp"

#include <cstdint>
#include <memory>
#include <variant>

namespace slk::messaging {

class pipe;

/// The handshake with the pipe's peer is over.
struct peer_connected {
    reference<pipe> peer;
    peer_info info;
    /// inproc only: what the other socket may hold unread, in messages and bytes; 0: no limit.
    std::uint32_t far_mark = 0;
    std::uint64_t far_bytes = 0;
    /// inproc only: the other end, where it is another one than before.
    reference<far_end> far{};
};

/// The connection of the pipe's peer is over.
struct peer_disconnected {
    reference<pipe> peer;
    bool for_good = false; ///< no other connection follows: the pipe ends
};

/// The pipe's peer has stopped reading, or reads again.
struct peer_stalled {
    reference<pipe> peer;
    bool stalled = false;
};

/// A message was set aside because the pipe's peer has ended one connection after the other in it.
struct message_refused {
    reference<pipe> peer;
};

/// A connection ended before its handshake did.
struct handshake_failed {
    std::uint64_t count = 1; ///< equal events in a row are counted in one
};

using event_detail = std::variant<peer_connected, peer_disconnected, peer_stalled, message_refused,
                                  handshake_failed>;

struct event {
    event_detail what;
    std::uint64_t endpoint = 0; ///< the number of the endpoint that it happened at
    address where{};            ///< of the peer, as far as it is known
    time_point when{};
    error why{};
};

/// An event on its way. One that must not be lost is made before it is needed.
struct queued_event : list_node {
    event report;
};

class event_queue {
public:
    event_queue() = default;
    event_queue(const event_queue&) = delete;
    event_queue& operator=(const event_queue&) = delete;
    ~event_queue()
    {
        while (pop() != nullptr) {
        }
    }

    [[nodiscard]] bool empty() const noexcept { return all_.empty(); }
    /// Of a queue that is not empty.
    [[nodiscard]] event& last() const noexcept { return all_.back().report; }
    void push(std::unique_ptr<queued_event> next) noexcept { all_.push_back(*next.release()); }
    /// Moves all events of `other` to the end.
    void take(event_queue& other) noexcept { all_.take(other.all_); }
    /// Null: there is none.
    [[nodiscard]] std::unique_ptr<queued_event> pop() noexcept
    {
        return std::unique_ptr<queued_event>(all_.empty() ? nullptr : &all_.pop_front());
    }

private:
    list<queued_event> all_;
};

} // namespace slk::messaging

#endif
