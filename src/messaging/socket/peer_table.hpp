// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_SOCKET_PEER_TABLE_HPP
#define SLK_MESSAGING_SOCKET_PEER_TABLE_HPP

/// The peers of a socket, each with its pipe and its state. It makes all moves between the states
/// of a peer (peer_state), and tells the pattern of them. For the socket's thread.

#include "base/try_allocate.hpp"
#include "messaging/observe/counters.hpp"
#include "messaging/pipe/pipe.hpp"
#include "pattern/pattern.hpp"

#include <span>
#include <vector>

namespace slk::messaging {

class peer_table {
public:
    peer_table(pattern::pattern& routes, messaging::counters& counts,
               lane::chunk_pools& pools) noexcept
        : pattern_(routes), counters_(counts), pools_(pools)
    {
    }

    [[nodiscard]] std::span<const reference<pipe>> all() const noexcept { return pipes_; }
    /// Whether connect() has given this routing id to a peer.
    [[nodiscard]] bool has_name(std::string_view routing_id) const noexcept;

    // --- high-water marks ---

    void set_marks(const high_water& send, const high_water& receive) noexcept;
    [[nodiscard]] const high_water& receive_marks() const noexcept { return receive_marks_; }
    /// The marks for messages to this peer.
    [[nodiscard]] high_water send_marks(const pipe& to) const noexcept
    {
        if (!to.is_inproc || to.state != peer_state::connected) [[likely]]
            return send_marks_;
        // Nothing is between the two sockets: the queue may hold what both of them may.
        return {sum(send_marks_.messages, to.far_marks.messages),
                sum(send_marks_.bytes, to.far_marks.bytes)};
    }

    // --- peers come and go ---

    /// Makes room for one more peer. Returns false when memory is exhausted.
    [[nodiscard]] bool reserve() noexcept { return try_reserve_more(pipes_); }
    /// The pipe of a connect(), or of an accepted peer. Returns false when memory is exhausted.
    [[nodiscard]] bool add(pipe& entry) noexcept;
    /// The peer takes part before its handshake is over. Errors: those of pattern::attach().
    result<void> attach_unconnected(pipe& peer);
    /// The handshake is over. Returns false where it must be called again, with the same `how`:
    /// there was no memory for a peer of inproc, which would not come again.
    [[nodiscard]] bool connected(pipe& peer, peer_connected& how);
    /// The peer has stopped reading, or reads again.
    void stalled(pipe& peer, bool is_stalled) noexcept;
    /// The connection is over.
    void disconnected(pipe& peer, bool for_good, const error& reason);
    /// Nothing more is sent to the peer. It ends now, or when what has arrived was received.
    void retire(pipe& peer);
    /// Ends the peer: what has arrived and was not received is thrown away.
    void end(pipe& peer);
    /// Disconnects the peer, and throws away what has arrived. A peer of connect() may come again.
    void drop(pipe& peer, const error& reason);

    /// Throws away what has arrived, and all parts of a message that was received in part.
    void discard_unread(pipe& peer);
    /// The peer whose message is being received part by part; null between messages.
    pipe* mid_message = nullptr;

private:
    [[nodiscard]] static std::uint64_t sum(std::uint64_t own, std::uint64_t far) noexcept
    {
        return own == 0 || far == 0 ? 0 : own + far;
    }
    result<void> attach(pipe& peer);
    result<void> take_in(pipe& peer, bool first);
    void reject(pipe& peer, const error& reason);
    void disconnect(pipe& peer, const error& reason);
    void detach(pipe& peer);
    void probe(pipe& peer);
    void count_unsent(pipe& peer);
    void show_receive_marks(pipe& peer) noexcept;

    pattern::pattern& pattern_;
    messaging::counters& counters_;
    lane::chunk_pools& pools_;
    std::vector<reference<pipe>> pipes_;
    high_water send_marks_{};
    high_water receive_marks_{};
};

} // namespace slk::messaging

#endif
