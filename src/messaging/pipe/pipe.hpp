// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_PIPE_PIPE_HPP
#define SLK_MESSAGING_PIPE_PIPE_HPP

/// A pipe: a socket's end of the two lanes that it shares with one peer.
///
/// At the other end is a connection, which lives on a loop and joins the lanes with a stream; or,
/// with inproc, the pipe of another socket. Each end notifies the other.

#include <serverlink/socket.hpp>
#include <serverlink/socket_options.hpp>

#include "base/message_origin.hpp"
#include "base/reference.hpp"
#include "messaging/observe/inbox.hpp"
#include "messaging/observe/peer_registry.hpp"
#include "messaging/pipe/far_end.hpp"
#include "messaging/pipe/peer_count.hpp"
#include "messaging/pipe/peer_info.hpp"
#include "messaging/pipe/pipe_ends.hpp"
#include "pattern/peer.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <new>

namespace slk::messaging {

/// What a peer is to its socket. peer_table makes the moves.
enum class peer_state : std::uint8_t {
    unattached, ///< the pattern does not know it: no handshake yet, or it was disconnected
    suspended,  ///< no connection now, and no messages are queued for it (option immediate)
    queueing,   ///< no connection now; messages are queued for it
    connected,  ///< the handshake is over
    leaving,    ///< gone for good; what it has sent is still to be received
    ended,      ///< not in the peer table any more
};

/// The pattern knows the peer.
[[nodiscard]] constexpr bool is_attached(peer_state state) noexcept
{
    return state != peer_state::unattached && state != peer_state::ended;
}

/// How a pipe came about.
enum class pipe_origin : std::uint8_t {
    connect, ///< by connect(): it outlives its connections
    /// By connect(), but each connection has a pipe of its own: where peers are known by their
    /// routing ids, another one may come, and with inproc another socket. The pipe waits for the
    /// next one's, which takes over the queue if it is the same peer's.
    link,
    accept, ///< at a bound endpoint: it ends with its connection
};

class pipe;

/// What has happened with other pipes of the same peer; and what few pipes have beside.
struct pipe_history {
    message_counts earlier{}; ///< inproc only: what went through earlier pipes of this end
    std::uint64_t earlier_lapsed = 0; ///< inproc only: of those, the ones that were dropped unsent
    std::uint64_t requeued = 0; ///< messages that were taken back for other pipes
    reference<message_origin> origin; ///< see pipe::origin_of_messages()
    /// Not inproc: what had arrived when the socket parted from the connection, which may still
    /// receive into the lanes.
    std::unique_ptr<lane::lane> arrived;
    pipe* after = nullptr; ///< of an earlier connection: it is received before this one
    pipe* follower = nullptr; ///< of a later connection: it waits until this one was received
};

class pipe final : public far_end, public pattern::peer, public inbox_entry, public unread_events {
public:
    pipe(reference<pipe_lanes> lanes, std::size_t side, pipe_origin how,
         bool between_sockets) noexcept
        : origin(how), is_inproc(between_sockets), side_(static_cast<std::uint8_t>(side)),
          lanes_(std::move(lanes)),
          out(lanes_->toward[side], lanes_->slot_of(side), lanes_->shared.get()),
          in(lanes_->toward[1 - side], lanes_->slot_of(1 - side))
    {
        by_inproc = between_sockets;
    }

    [[nodiscard]] const reference<pipe_lanes>& lanes() const noexcept { return lanes_; }
    /// inproc only: the lanes have got slots after this pipe was made.
    void conflate() noexcept;

    /// Accepted peers only: the pipe counts there as long as it exists, or until count_out(). On
    /// the loop's thread.
    void count_in(const reference<peer_count>& peers) noexcept
    {
        peers->value.fetch_add(1, std::memory_order_relaxed);
        counted_in_ = peers;
    }
    void count_out() noexcept
    {
        if (counted_in_)
            counted_in_->value.fetch_sub(1, std::memory_order_relaxed);
        counted_in_ = {};
    }

    /// inproc only: this end is over, and another pipe takes its place at the same lanes; signals
    /// go there. It lives until the pipe at the other end signals it directly, or has ended.
    void forward_to(pipe& next) noexcept
    {
        lanes_->next_far.store(&next, std::memory_order_seq_cst);
        reports_to_.store(nullptr, std::memory_order_seq_cst);
    }
    /// Where this pipe signals. Once; with inproc that may be later than the first message.
    void report_to(reference<inbox> owner) noexcept
    {
        owner_ = std::move(owner);
        reports_to_.store(owner_.get(), std::memory_order_seq_cst);
    }

    /// The socket has parted from the pipe, and is not signalled any more. By the other end.
    void stop_reporting() noexcept { reports_to_.store(nullptr, std::memory_order_seq_cst); }

    // Called by the other end.
    void on_readable() noexcept override { signal(readable_signal); }
    void on_writable() noexcept override { signal(writable_signal); }
    void messages_expired(std::uint64_t count) noexcept override;
    void set_far_marks(std::uint64_t messages, std::uint64_t bytes) noexcept override
    {
        const bool other = far_messages_.exchange(messages, std::memory_order_seq_cst) != messages;
        if (far_bytes_.exchange(bytes, std::memory_order_seq_cst) != bytes || other)
            on_writable();
    }
    void pipe_closed(const error& reason) noexcept override;
    void disconnect(const error& reason) noexcept override { pipe_closed(reason); }

    static constexpr std::uint32_t readable_signal = 1;
    static constexpr std::uint32_t writable_signal = 2;
    /// By the socket, when it has taken the pipe from its inbox.
    [[nodiscard]] std::uint32_t take_signals() noexcept
    {
        return signals_.exchange(0, std::memory_order_seq_cst);
    }

    // The rest belongs to the socket's thread.

    /// inproc only: what the other socket may hold unread; 0: no limit.
    [[nodiscard]] high_water far_marks() const noexcept
    {
        return {far_messages_.load(std::memory_order_relaxed),
                far_bytes_.load(std::memory_order_relaxed)};
    }

    /// Makes the written messages visible to the other end, and notifies it. `send_now`: this
    /// thread sends them itself if that is possible without waiting.
    [[gnu::always_inline]] void publish(bool send_now) noexcept
    {
        if (out.publish())
            send_now ? far->send_or_notify() : far->on_readable();
        else if (send_now)
            (void)far->send_now();
    }

    /// Messages that were written and that this socket cannot lose any more.
    [[nodiscard]] std::uint64_t taken(const message_counts& sent) const noexcept
    {
        // The lanes of inproc outlive this socket: the peer reads, or discards, what is in them.
        return is_inproc && (ended_first || !is_severed())
                   ? sent.written - sent.replaced - requeued()
                   : sent.taken - requeued();
    }
    /// Messages that were written and that would be lost with this pipe.
    [[nodiscard]] std::uint64_t untaken(const message_counts& sent) const noexcept
    {
        const std::uint64_t all = sent.written - sent.replaced - requeued() - taken(sent);
        return all - std::min(all, out.settled());
    }
    [[nodiscard]] std::uint64_t requeued() const noexcept
    {
        return history ? history->requeued : 0;
    }
    /// The pipe of an earlier connection of the peer, which is received before this one; or null.
    [[nodiscard]] pipe* after() const noexcept { return history ? history->after : nullptr; }
    /// The pipe of a later connection, which waits until this one was received; or null.
    [[nodiscard]] pipe* follower() const noexcept { return history ? history->follower : nullptr; }
    /// Returns false when memory is exhausted.
    [[nodiscard]] bool make_history() noexcept
    {
        if (!history)
            history.reset(new (std::nothrow) pipe_history);
        return history != nullptr;
    }
    /// The other end neither reads nor writes any more.
    [[nodiscard]] bool is_severed() const noexcept
    {
        return is_inproc ? (lanes_->ended.load(std::memory_order_acquire) & bit(1U - side_)) != 0
                         : severed;
    }
    /// inproc only: the other socket learns that this end neither reads nor writes any more.
    /// Returns true if that socket's end was over before: it has left what it wrote since this end
    /// last read, and what this end wrote since, to this one.
    bool set_ended() noexcept
    {
        const unsigned before = lanes_->ended.fetch_or(bit(side_), std::memory_order_acq_rel);
        if ((before & bit(side_)) != 0)
            return false;
        ended_first = before == 0;
        return !ended_first;
    }
    [[nodiscard]] bool has_ended() const noexcept
    {
        return (lanes_->ended.load(std::memory_order_relaxed) & bit(side_)) != 0;
    }
    /// There may be more of the peer that was not received for want of room.
    [[nodiscard]] bool may_have_more() const noexcept
    {
        return lanes_->has_paused.load(std::memory_order_acquire);
    }
    /// What has arrived and is not read yet, as far as this thread can know.
    [[nodiscard]] high_water unread() const noexcept
    {
        return severed ? in.unread() : high_water{lanes_->unread_since_pause(), 0};
    }
    /// Messages that arrived and that nobody receives: they were thrown away, or subscriptions.
    void count_discarded(std::uint64_t messages) noexcept
    {
        discarded += messages;
        if (!is_inproc)
            lanes_->discarded.add_alone(messages);
    }
    /// Of what this peer sends by its present connection; null: by inproc, or there is no memory.
    [[nodiscard]] message_origin* origin_of_messages() noexcept
    {
        if (history && history->origin) [[likely]]
            return history->origin.get();
        return is_inproc ? nullptr : make_origin();
    }
    void forget_origin() noexcept
    {
        if (history)
            history->origin.reset();
    }
    /// The peer's place in the registry.
    [[nodiscard]] place_holder holder() const noexcept
    {
        return origin == pipe_origin::accept ? place_holder{.lanes = lanes_.get()}
                                             : place_holder{.endpoint = endpoint};
    }
    /// The routing id that connect() has given to the peer, or else its own, or else the one that
    /// the pattern has made for it.
    [[nodiscard]] const std::string& name() const noexcept
    {
        const bool is_made = routing_id.starts_with('\0') && !info.routing_id.empty();
        return routing_id.empty() || is_made ? info.routing_id : routing_id;
    }

    const pipe_origin origin;
    const bool is_inproc;
    peer_state state = peer_state::unattached;
    bool stalled = false; ///< connected, and not reading
    bool counts_bytes = false; ///< bytes that are received have a mark
    bool immediate : 1 = false; ///< the option, as connect() found it
    bool reported : 1 = false; ///< to the pattern: it is connected
    bool holds_place : 1 = false; ///< in the registry
    bool severed : 1 = false; ///< the connection has ended for good
    bool ended_first : 1 = false; ///< inproc only: before the other end, which has the rest
    bool is_muted : 1 = false; ///< connected, and no peer of the socket
    bool is_full : 1 = false; ///< PUB only: there was no room when a message came
    queue_policy on_reconnect : 2 = queue_policy::keep; ///< the option, as the endpoint found it

private:
    // Here they need no room of their own.
    const std::uint8_t side_; ///< index in the lanes
    std::atomic<std::uint32_t> signals_{0};

public:
    std::uint32_t until_look = 1; ///< messages until the other end is told of room
    std::uint64_t endpoint = 0; ///< the number of the endpoint that it came by
    std::size_t place = SIZE_MAX; ///< in the peer table
    std::uint64_t discarded = 0; ///< of count_discarded()
    std::uint64_t bytes_sent = 0; ///< ROUTER only: of messages that were queued, their parts
    std::uint64_t bytes_received = 0; ///< of parts that the caller has received
    std::unique_ptr<pipe_history> history; ///< few pipes have one
    error last_reason{}; ///< why the last connection ended
    error last_refusal{}; ///< how the peer refused a message
    reference<pipe> next_leaving; ///< of the pipes of endpoints that are being closed
    reference<pipe> next_postponed; ///< of those that there was no memory for
    reference<far_end> far;
    peer_info info;

private:
    /// In pipe_lanes::ended.
    [[nodiscard]] static constexpr std::uint8_t bit(unsigned side) noexcept
    {
        return static_cast<std::uint8_t>(1U << side);
    }

    ~pipe() override { count_out(); }

    [[nodiscard]] message_origin* make_origin() noexcept;

    void signal(std::uint32_t which) noexcept
    {
        inbox* const to = reports_to_.load(std::memory_order_seq_cst);
        if (to == nullptr) [[unlikely]] {
            far_end* const next = lanes_->next_far.load(std::memory_order_seq_cst);
            if (next != nullptr && next != this)
                static_cast<pipe*>(next)->signal(which);
            return;
        }
        if (signals_.fetch_or(which, std::memory_order_seq_cst) != 0)
            return;
        retain(); // the list's
        to->signal(*this);
    }

    const reference<pipe_lanes> lanes_;
    reference<inbox> owner_;
    reference<peer_count> counted_in_;
    std::atomic<inbox*> reports_to_{nullptr};
    std::atomic<std::uint64_t> far_messages_{0}; ///< of far_marks()
    std::atomic<std::uint64_t> far_bytes_{0};

public:
    pipe_out out;
    pipe_in in;
};

} // namespace slk::messaging

#endif
