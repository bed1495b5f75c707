// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_EVENTS_HPP
#define SERVERLINK_EVENTS_HPP

/// slk::event_stream: what happens in a socket, or in all sockets of a context, event by event.
///
///     SLK_TRY(auto events, slk::event_stream::of(socket));
///     while (auto next = events.next(1s))
///         std::puts(slk::to_string(*next).c_str());
///
/// There are three ways to get them: next() waits for the next event; slk::wait() waits for a
/// stream together with sockets and descriptors (wait_item::events); and a handler is called for
/// each (event_options::handler).
///
/// A stream holds a limited number of events that were not read. What does not fit is lost, and an
/// event says how many were (event_kind::events_lost); a loop never waits for a reader. While no
/// stream wants a kind of event, nothing is made for it.
///
/// The order is that of each thread that reports: all events of one connection come in their order,
/// and so do those of one link. A connection has one of `accepted` and `connected`; then one of the
/// handshake events, unless this side ended it before; then `disconnected`, which is the last one.

#include <serverlink/address.hpp>
#include <serverlink/clock.hpp>
#include <serverlink/context.hpp>
#include <serverlink/error.hpp>
#include <serverlink/export.hpp>
#include <serverlink/link_status.hpp>
#include <serverlink/result.hpp>
#include <serverlink/socket.hpp>
#include <serverlink/timeout.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace slk {

namespace messaging {
class event_watch;
}

/// What has happened. In parentheses: the members of slk::event that it sets beside `at`, `number`,
/// `socket` and `endpoint`. "Loop" and "socket": the thread that reports it. Those of a loop come
/// at once, also while nobody uses the socket; the others come in a call of the socket.
enum class event_kind : std::uint8_t {
    // Endpoints of bind().
    listening, ///< bind() has succeeded (address, descriptor). Socket.
    bind_failed, ///< bind() has failed (reason). Socket.
    accepted, ///< a connection has come (connection, address, descriptor). Loop.
    /// A connection was lost before it was accepted, or the listener pauses for want of descriptors
    /// or memory; it goes on by itself (reason). Loop.
    accept_failed,
    /// A connection was turned away by max_peers, max_accepts_per_second and their like (address,
    /// reason). Loop.
    accept_refused,
    /// A listener has ended, or a try to connect has (address, reason). Socket, loop.
    closed,

    // Links: endpoints of connect(). Each move of a link is one of the first three (from, to,
    // attempt, address, reason; loop). inproc has none.
    connect_delayed, ///< the link has begun to connect
    connect_retried, ///< the link waits for `delay`, and then tries again
    link_state, ///< any other move: to binding, tuning, connected, idle or a paused backoff
    connected, ///< the connection begins (connection, address, descriptor). Loop.
    /// A name was looked up (name, count: the addresses found; address: the first one; delay: the
    /// time that it took; reason). Loop.
    name_lookup,

    // Connections; inproc has none.
    handshake_succeeded, ///< (connection, address, routing_id as the peer has sent it). Loop.
    /// The connection ended, or was ended, before the handshake was over (connection, address,
    /// reason). Loop.
    handshake_failed_no_detail,
    /// The peer broke the protocol, or the ZAP handler did; as above.
    handshake_failed_protocol,
    /// Credentials were refused, here or by the peer; as above, and text.
    handshake_failed_auth,
    disconnected, ///< the connection has ended (connection, address, routing_id, reason). Loop.

    // Peers.
    peer_added, ///< messages flow (address, routing_id and generation as the socket uses them)
    /// They no longer do, and the peer's topics are gone (as above, and reason). Both: socket.
    peer_removed,
    stalled, ///< the peer has stopped reading (connection, address, routing_id). Loop.
    recovered, ///< the peer reads again; as above
    /// The peer has answered a PING (connection, address, routing_id; delay: the time that it
    /// took). Loop.
    heartbeat_answered,
    heartbeat_missed, ///< the connection ends because the peer was silent; as above. Loop.
    /// A message was set aside, as in peer_status::refused (connection, address, routing_id, count,
    /// reason). Loop.
    set_aside,
    /// PUB, XPUB: the peer has a new topic (topic, address, routing_id); not with the option
    /// `manual`,
    /// where the program itself subscribes. Socket.
    subscribed,
    unsubscribed, ///< the peer has one topic less; as above
    /// Messages were lost (drop, count; routing_id of the peer, where it is about one). While such
    /// an event is unread it counts further ones. Socket; `stale` and
    /// `expired`: loop, too; with inproc the thread of the other socket.
    dropped,

    // The stream.
    events_lost, ///< that did not fit, or that there was no memory for (count)
    /// The socket is closed, and a stream of one socket ends with it; or end() was called. Socket.
    stopped,
};
/// The number of kinds.
inline constexpr std::size_t event_kind_count = 28;

/// Returns the enumerator's spelling.
[[nodiscard]] SLK_API std::string_view name_of(event_kind value) noexcept;

/// Why messages are lost.
enum class drop_reason : std::uint8_t {
    no_route, ///< send_outcome::dropped_no_route
    full, ///< send_outcome::dropped_full; for a PUB once for each peer that misses the message
    unsent, ///< the peer went for good before they were sent
    discarded, ///< they had arrived, and were thrown away unread
    stale, ///< they had waited for a peer that is back (socket_options::on_reconnect)
    expired, ///< their deadline had passed (socket_options::expires_after)
};
/// The number of reasons.
inline constexpr std::size_t drop_reason_count = 6;

[[nodiscard]] SLK_API std::string_view name_of(drop_reason value) noexcept;

/// One event. Members that a kind does not set keep these values.
struct event {
    event_kind kind = event_kind::events_lost; ///< decides which other members are set
    time_point at{}; ///< as slk::clock of the context's loops
    /// In the stream, from 1. There is a gap only where events were lost.
    std::uint64_t number = 0;
    std::uint64_t socket = 0; ///< slk::socket::number()
    std::string endpoint{}; ///< of the socket: as in endpoint_status
    std::uint64_t connection = 0; ///< numbers the connections of the socket
    slk::address address{}; ///< of the peer; of this side in `listening`
    std::intptr_t descriptor = -1; ///< it may be closed already
    std::string routing_id{}; ///< of the peer; bytes
    std::uint64_t generation = 0; ///< ROUTER and STREAM only: of that routing id
    /// errc::ok if there was none. In handshake_failed_protocol `native` is libzmq's number of what
    /// the peer, or the ZAP handler, did wrong (ZMQ_PROTOCOL_ERROR_ZMTP_*,
    /// ZMQ_PROTOCOL_ERROR_ZAP_*), or 0; in handshake_failed_auth it is the status of ZAP (RFC 27),
    /// or such a number if a key of CURVE does not fit.
    error reason{};
    std::string text{}; ///< what the authenticator, or the ZAP handler, has said about it
    link_state from = link_state::idle; ///< the link's state before
    link_state to = link_state::idle; ///< the link's state after
    std::uint64_t attempt = 0; ///< link_status::attempt
    duration delay{}; ///< a wait, or the time that something took, as the kind says
    std::string name{}; ///< the host
    std::string topic{}; ///< bytes
    drop_reason drop = drop_reason::no_route; ///< why messages were lost
    std::uint64_t count = 0; ///< of what the kind says
};

/// Returns one line for people: "connected tcp://127.0.0.1:5555 127.0.0.1:5555 connection 1". Bytes
/// that are not printable are written as \xHH. Empty when memory is exhausted.
[[nodiscard]] SLK_API std::string to_string(const event& what);

/// Some kinds of events.
class event_set {
public:
    constexpr event_set() = default;
    constexpr event_set(std::initializer_list<event_kind> kinds) noexcept
    {
        for (const event_kind each : kinds)
            bits_ |= bit(each);
    }
    /// Returns the set of all kinds.
    [[nodiscard]] static constexpr event_set all() noexcept
    {
        event_set made;
        made.bits_ = (std::uint32_t{1} << event_kind_count) - 1;
        return made;
    }
    /// Returns this set and one more kind.
    [[nodiscard]] constexpr event_set with(event_kind kind) const noexcept
    {
        event_set made = *this;
        made.bits_ |= bit(kind);
        return made;
    }
    /// Returns this set without a kind.
    [[nodiscard]] constexpr event_set without(event_kind kind) const noexcept
    {
        event_set made = *this;
        made.bits_ &= ~bit(kind);
        return made;
    }
    /// Returns whether a kind is in the set.
    [[nodiscard]] constexpr bool has(event_kind kind) const noexcept
    {
        return (bits_ & bit(kind)) != 0;
    }
    /// Returns the set as bits: bit n stands for the kind with the number n.
    [[nodiscard]] constexpr std::uint32_t bits() const noexcept { return bits_; }

private:
    static constexpr std::uint32_t bit(event_kind kind) noexcept
    {
        return std::uint32_t{1} << static_cast<unsigned>(kind);
    }

    std::uint32_t bits_ = 0;
};

/// Which events a stream has, and where they go.
struct event_options {
    /// The kinds that the stream has; `events_lost` and `stopped` are always among them.
    event_set kinds = event_set::all();
    /// Unread events that the stream holds, 1 to 1,000,000. What a peer has chosen may be long: an
    /// event counts once more for each `text_per_place` bytes of its topic and routing id.
    std::size_t capacity = 2048;
    /// Bytes of text that count as one event.
    static constexpr std::size_t text_per_place = 256;
    /// If set, it is called for each event, in their order and one at a time, instead of next(): on
    /// the thread of the context's first loop, or in a context without threads in a call that runs
    /// the loop. That loop waits meanwhile, so it should not take long. It must not call a socket
    /// that another thread uses, and must not throw (serverlink/loop.hpp). It may destroy the
    /// stream.
    std::function<void(const event&)> handler{};

    /// errc::invalid_argument, with the option's name as detail.
    [[nodiscard]] SLK_API result<void> validate() const;
};

/// A handle: moved, not copied. For one thread at a time, which need not be the socket's; but in a
/// context without threads it is the thread that uses the sockets. A socket and a context may have
/// several streams. Each begins with what happens after of().
///
/// fork(2): as slk::context. next() returns errc::forked.
class SLK_API event_stream {
public:
    /// The events of one socket. Any thread. Errors: invalid_argument (an option), invalid_state
    /// (the socket is closed), cancelled, forked, out_of_memory.
    [[nodiscard]] static result<event_stream> of(const socket& which, event_options options = {});
    /// The events of all sockets of a context, also of those that are created later. Errors: as
    /// above.
    [[nodiscard]] static result<event_stream> of(const context& which, event_options options = {});

    event_stream(event_stream&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
    event_stream& operator=(event_stream&& other) noexcept;
    /// What was not read is forgotten. On return the handler is not running on another thread, and
    /// will not be called again.
    ~event_stream();

    /// Waits for the next event. Errors: would_block, timed_out, cancelled (also: the context was
    /// shut down, and everything was read), end_of_stream (the socket is closed, or the context is
    /// gone, and everything was read), invalid_state (there is a handler), forked.
    [[nodiscard]] result<event> next(const timeout& limit = {});
    /// Whether next() would return an event, or the end, at once.
    [[nodiscard]] bool readable() const noexcept;
    /// Nothing that happens from now on is added, and `stopped` comes behind what was reported so
    /// far. Any thread. Errors: forked, invalid_state (an empty stream).
    [[nodiscard]] result<void> end();
    /// Events that were lost so far. Any thread.
    [[nodiscard]] std::uint64_t lost() const noexcept;
    /// A descriptor that is readable (Windows: an event object that is signalled) while readable()
    /// returns true, and stays the stream's. In a context without threads it is the loop's, as with
    /// socket::event_handle(). Errors: not_supported, too_many_descriptors, forked.
    [[nodiscard]] result<std::intptr_t> event_handle();

    /// Used by the library only.
    [[nodiscard]] messaging::event_watch* core() const noexcept { return core_; }

private:
    explicit event_stream(messaging::event_watch* core) noexcept : core_(core) {}

    messaging::event_watch* core_ = nullptr;
};

} // namespace slk

#endif
