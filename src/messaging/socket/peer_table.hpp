// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_SOCKET_PEER_TABLE_HPP
#define SLK_MESSAGING_SOCKET_PEER_TABLE_HPP

/// The peers of a socket, each with its pipe and its state. It makes all moves between the states
/// of a peer (peer_state), and tells the pattern of them. For the socket's thread.
///
/// Peers come again. What an earlier connection of a peer has left unread is received before what
/// the next one brings, where the peer can be recognised: by its link, or by its routing id. What
/// was queued for a peer that is gone goes to the others if the pattern allows it, or waits here
/// for the next one.

#include "base/try_allocate.hpp"
#include "messaging/observe/inbox.hpp"
#include "messaging/observe/peer_registry.hpp"
#include "messaging/pipe/pipe.hpp"
#include "messaging/socket/peer_events.hpp"
#include "messaging/socket/peer_requests.hpp"
#include "messaging/socket/waiting_messages.hpp"
#include "pattern/pattern.hpp"

#include <set>
#include <span>
#include <vector>

namespace slk::messaging {

class endpoint_table;

class peer_table final : private pattern::room_check {
public:
    /// `endpoints`: whose texts are those of the events; may not be complete yet.
    peer_table(pattern::pattern& routes, inbox& reports, lane::chunk_pools& pools,
               const endpoint_table& endpoints) noexcept
        : pattern_(routes), counters_(reports.counters()), places_(reports.places()), pools_(pools),
          events_(reports, endpoints), requests_(routes, reports, events_),
          waiting_(routes, reports, pools)
    {
    }
    peer_table(const peer_table&) = delete;
    peer_table& operator=(const peer_table&) = delete;

    [[nodiscard]] std::span<const reference<pipe>> all() const noexcept { return pipes_; }
    /// Begins, or ends, to look whether the last peer goes that can be sent to: it costs a look at
    /// the others each time that one goes.
    void watch_receivers(bool on) noexcept
    {
        watches_receivers_ = on;
        lost_receivers_ = false;
    }
    [[nodiscard]] bool has_lost_receivers() const noexcept { return lost_receivers_; }

    [[nodiscard]] const peer_events& events() const noexcept { return events_; }

    // --- high-water marks ---

    /// `no_mark_adds_nothing`: to the queues of others by inproc.
    void set_marks(const high_water& send, const high_water& receive,
                   bool no_mark_adds_nothing) noexcept;
    [[nodiscard]] const high_water& receive_marks() const noexcept { return receive_marks_; }
    /// The marks for messages to this peer.
    [[nodiscard, gnu::always_inline]] high_water send_marks(const pipe& to) const noexcept
    {
        if (!to.is_inproc || to.state != peer_state::connected) [[likely]]
            return send_marks_;
        // Nothing is between the two sockets: the queue may hold what both of them may.
        const high_water far = to.far_marks();
        return {sum(send_marks_.messages, far.messages), sum(send_marks_.bytes, far.bytes)};
    }

    /// A message that each new peer is sent, as on the wire; null: none.
    void set_welcome(reference<message_detail::owned_memory> framed, std::size_t size) noexcept
    {
        welcome_ = std::move(framed);
        welcome_size_ = size;
    }

    // --- peers come and go ---

    /// Whether a peer whose routing id another one has stays connected.
    void set_mutes_duplicates(bool on) noexcept { mutes_duplicates_ = on; }
    /// Makes room for one more peer. Returns false when memory is exhausted.
    [[nodiscard]] bool reserve() noexcept { return try_reserve_more(pipes_); }
    /// The pipe of a connect(), or of an accepted peer. Returns false when memory is exhausted.
    [[nodiscard]] bool add(pipe& entry) noexcept;
    /// The peer takes part before its handshake is over. Errors: those of pattern::attach().
    result<void> attach_unconnected(pipe& peer);
    /// The handshake is over. Returns false where it is to be called again: there was no memory for
    /// a peer of inproc, which would not come again.
    [[nodiscard]] bool connected(pipe& peer, peer_connected&& how);
    /// The peer has stopped reading, or reads again.
    void stalled(pipe& peer, bool is_stalled) noexcept;
    /// The connection is over. `may_return`: the next connection may be the same peer's.
    void disconnected(pipe& peer, bool for_good, const error& reason, bool may_return);
    /// Nothing more is sent to the peer. It ends now, or when what has arrived was received.
    void retire(pipe& peer);
    /// The peer has something to be received. It may have to wait for its turn.
    void readable(pipe& peer) noexcept
    {
        if (peer.after() == nullptr)
            pattern_.readable(peer, true);
    }
    /// Where peers send requests: the pattern gets those that have arrived.
    void take_requests(pipe& peer);
    /// The pattern may take more of those that it has left waiting.
    void resume_requests() noexcept { requests_.resume(); }
    /// Where this socket sends requests: one more, to the peers of inproc. A peer that there is no
    /// memory for is disconnected, and gets all of them when it comes again.
    void send_request(bool subscribe, std::span<const std::byte> topic);
    /// All that the peer had sent when others have followed it was received: they have their turn.
    void caught_up(pipe& peer) noexcept { end_turn_before(peer); }
    /// Returns true once after a peer has left its place: another one may take it.
    [[nodiscard]] bool take_place_freed() noexcept { return std::exchange(place_freed_, false); }
    /// The peer is over, or its endpoint: counts what has expired of that it was not sent.
    void count_expired(pipe& peer) noexcept;
    /// Ends the peer: what has arrived and was not received is thrown away.
    void end(pipe& peer);
    /// Parts from the peer, and throws away what has arrived. The connection goes on.
    void part_from(pipe& peer);
    /// Not inproc. Parts from the peer for good: what is queued for it is left to its connection.
    /// `keeps`: what has arrived is still received; else it is thrown away.
    void give_away(pipe& peer, bool keeps);
    /// Disconnects the peer, and throws away what has arrived. A peer of connect() may come again.
    void drop(pipe& peer, const error& reason);

    /// Throws away what has arrived, and all parts of a message that was received in part.
    void discard_unread(pipe& peer);
    /// The same for all peers, and for what has arrived until now.
    void discard_arrived() noexcept override;
    /// All that has arrived from the peer was read: it has no turn until it signals.
    void read_all(pipe& peer) noexcept;
    /// inproc only: this socket neither reads from the peer's lanes nor writes to them any more.
    /// Throws away what the other one has left, if that has ended before.
    void leave_lanes(pipe& peer);
    /// The peer whose message is being received part by part; null between messages.
    pipe* mid_message = nullptr;

    // --- messages of peers that are gone ---

    /// Whether what was queued for a peer that goes is kept for others.
    void set_requeue(bool on) noexcept { waiting_.set_on(on); }
    /// Gives the messages that wait to peers that have room. After each change.
    void send_waiting() { waiting_.send(*this); }
    /// Messages that wait for a peer.
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.count(); }
    /// They are counted as unsent. Returns their number.
    std::size_t give_up_waiting() noexcept { return waiting_.give_up(); }

private:
    [[nodiscard]] static std::uint64_t sum(std::uint64_t own, std::uint64_t far) noexcept
    {
        return own == 0 || far == 0 ? 0 : far == adds_nothing ? own : own + far;
    }
    result<void> attach(pipe& peer);
    result<void> take_in(pipe& peer, bool first);
    void reject(pipe& peer, const error& reason);
    void mute(pipe& peer);
    void disconnect(pipe& peer, const error& reason);
    void detach(pipe& peer);
    void leave(pipe& peer);
    [[nodiscard]] reference<far_end> remove(pipe& peer) noexcept;
    void stop_sending(pipe& peer);
    void look_for_receivers(const pipe& without) noexcept;
    void report_disconnected(pipe& peer);
    void greet(pipe& peer);
    void welcome(pipe& peer);
    [[nodiscard]] bool is_only_one(const pipe& peer) const noexcept;
    void count_stale(std::uint64_t messages, const pipe& peer) noexcept;
    void count_missed_welcome(pipe& peer) noexcept;
    void count_unsent(pipe& peer);
    void send_all_requests(pipe& peer);
    [[nodiscard]] bool keep_arrived(pipe& peer);
    void discard(pipe& peer);
    void count_discarded(pipe& peer, std::uint64_t messages) noexcept;
    void show_receive_marks(pipe& peer) noexcept;
    [[nodiscard]] high_water unread_before(const pipe& peer) const noexcept;

    void take_place(pipe& peer);
    void free_place(pipe& peer) noexcept;
    [[nodiscard]] pipe* predecessor(const pipe& peer) const noexcept;
    [[nodiscard]] pipe* last_left_by(const pipe& peer) const noexcept;
    [[nodiscard]] bool reserve_latest(pipe& peer) noexcept;
    void become_latest(pipe& peer) noexcept;
    void stop_being_latest(pipe& peer) noexcept;
    result<void> attach_after(pipe& before, pipe& peer);
    void follow(pipe& peer, pipe& before) noexcept;
    void end_turn_before(pipe& peer) noexcept;
    void leave_turns(pipe& peer) noexcept;

    [[nodiscard]] bool has_room(pattern::peer& entry) noexcept override;

    pattern::pattern& pattern_;
    messaging::counters& counters_;
    peer_registry& places_;
    lane::chunk_pools& pools_;
    peer_events events_;
    peer_requests requests_;
    waiting_messages waiting_;
    bool watches_receivers_ = false;
    bool lost_receivers_ = false;
    bool place_freed_ = false;
    bool mutes_duplicates_ = false;
    reference<message_detail::owned_memory> welcome_;
    std::size_t welcome_size_ = 0; ///< with its header
    std::vector<reference<pipe>> pipes_;
    /// Orders pipes by the peer: its link, or else its routing id.
    struct peer_order {
        [[nodiscard]] bool operator()(const pipe* left, const pipe* right) const noexcept;
    };
    using latest_pipes = std::set<pipe*, peer_order>;
    void replace(latest_pipes::iterator known, pipe& by) noexcept;
    /// For each peer that can be recognised the pipe that its next connection may have to follow.
    latest_pipes latest_;
    high_water send_marks_{};
    high_water receive_marks_{};
    bool no_mark_adds_nothing_ = false;
};

} // namespace slk::messaging

#endif
