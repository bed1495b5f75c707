// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_SOCKET_PEER_REQUESTS_HPP
#define SLK_MESSAGING_SOCKET_PEER_REQUESTS_HPP

/// Subscriptions on their way: a publisher's socket gives its pattern what has arrived from the
/// peers; a subscriber's socket writes them into the pipes of inproc (a connection does that by
/// itself). For the socket's thread.

#include <serverlink/error.hpp>
#include <serverlink/message.hpp>

#include "pattern/pattern.hpp"

#include <span>

namespace slk::messaging {

class inbox;
class peer_events;
class pipe;
struct counters;

class peer_requests {
public:
    peer_requests(pattern::pattern& routes, inbox& reports, const peer_events& events) noexcept
        : pattern_(routes), reports_(reports), peer_events_(events)
    {
    }

    /// Of a message whose first part this is: whether the lane counts it. Requests of inproc have
    /// no mark.
    [[nodiscard]] static bool is_counted(const pipe& from, const message& first) noexcept;

    /// The pattern gets what has arrived. Errors: why the peer is to be disconnected.
    [[nodiscard]] result<void> take(pipe& peer);
    /// Whether connections of the peer that are over have left some.
    [[nodiscard]] bool has_last(const pipe& peer) const noexcept;
    /// What connections that are over have left; with inproc, whatever there is. If the peer would
    /// have to wait for the caller, its messages are discarded: it is not there to wait any more.
    void take_last(pipe& peer);
    /// The pattern may take more of those that it has left waiting.
    void resume() noexcept;

    /// Errors: out_of_memory.
    [[nodiscard]] result<void> send(pipe& to, bool subscribe, std::span<const std::byte> topic);
    /// All topics, to a peer that has come. Errors: out_of_memory (nothing was sent).
    [[nodiscard]] result<void> send_all(pipe& to);

private:
    [[nodiscard]] result<bool> take_one(pipe& peer, message& part, bool first);

    pattern::pattern& pattern_;
    inbox& reports_;
    const peer_events& peer_events_;
};

} // namespace slk::messaging

#endif
