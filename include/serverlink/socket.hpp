// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_SOCKET_HPP
#define SERVERLINK_SOCKET_HPP

/// What all sockets have in common: endpoints, peers, options, state, and an end.
///
/// A socket is for one thread at a time; it may be handed to another thread between calls. Its
/// peers may come and go: connect() returns at once and the link behind it heals by itself, bind()
/// listens when it returns, and either side may be there first.
///
/// The messages of one peer arrive whole, in the order in which they were sent, and none of them
/// twice. What a broken connection had already taken is lost with it. Everything else is queued; if
/// a message is not queued, the result of the call says why.
///
/// When a peer has connected again, what its earlier connection brought is received first, and
/// counts in the same high-water mark. At the connecting side that holds for every peer of an
/// endpoint of connect(). At the bound side it holds for peers that send a routing id (DEALER and
/// ROUTER); others cannot be recognised: each of their connections is a peer of its own, with its
/// own mark, and takes its turn beside what an earlier one has left.
///
/// A peer that cannot be admitted (a PAIR that has a peer, a ROUTER that has another peer with the
/// routing id) is rejected in the handshake, before it sends messages: its queue stays as it is,
/// and it connects again later. A peer that speaks ZMTP 2.0 sends its messages along with its
/// routing id; those that it has sent by then are lost with the connection.

#include <serverlink/address.hpp>
#include <serverlink/context.hpp>
#include <serverlink/export.hpp>
#include <serverlink/link_status.hpp>
#include <serverlink/listener.hpp>
#include <serverlink/message.hpp>
#include <serverlink/received_batch.hpp>
#include <serverlink/result.hpp>
#include <serverlink/socket_options.hpp>
#include <serverlink/socket_watch.hpp>
#include <serverlink/timeout.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace slk {

namespace messaging {
class socket_core;
}

/// What became of a message, when send() returned without an error.
enum class send_outcome : std::uint8_t {
    queued, ///< for a peer, or for several
    /// A ROUTER without `mandatory`: no peer has that routing id. REP: the peer is gone that the
    /// reply is for. PUB and XPUB: no peer has subscribed to it. XSUB: there is no peer.
    dropped_no_route,
    /// A ROUTER without `mandatory`, and REP: the peer's queue is full. PUB and XPUB: the queues of
    /// all peers that have subscribed to it are full. XSUB: those of all peers are.
    dropped_full,
};

[[nodiscard]] SLK_API std::string_view name_of(send_outcome value) noexcept;

/// Which of the two calls has made an endpoint.
enum class endpoint_kind : std::uint8_t { bound, connected };

/// Options of one connect().
struct connect_options {
    /// ROUTER and STREAM only: what it calls the peer there. A ROUTER can send messages to that
    /// peer at once.
    std::string routing_id{};
};

/// One bind() or connect().
struct endpoint_status {
    /// Bind() or connect().
    endpoint_kind kind = endpoint_kind::connected;
    /// As bind() returned it, or as it was given to connect().
    std::string endpoint{};
    /// connect() only: the status of the link.
    link_status link{};
    /// bind() only, and not inproc: the status of the listener, which counts what it accepts, and
    /// pauses when there are no descriptors.
    listener_status listener{};
    /// connect() only: the handshake with the peer is over, and the connection is up.
    bool ready = false;
    /// Peers that are connected by this endpoint.
    std::size_t peers = 0;
    /// Connections of this endpoint whose handshake failed, and why the last one did.
    std::uint64_t handshake_failures = 0;
    error last_handshake_failure{}; ///< why the last one failed
};

/// A peer: one whose handshake is over, or one that a connect() is for.
struct peer_status {
    /// The routing id that the peer has sent; for a ROUTER, the one that it uses for the peer.
    std::string routing_id{};
    std::uint64_t generation = 0; ///< ROUTER and STREAM only: of that routing id
    std::string endpoint{}; ///< of this socket, by which the peer came
    slk::address address{}; ///< of the peer
    bool ready = false; ///< the connection is up
    std::uint64_t connections = 0; ///< times that the peer has connected
    std::uint64_t queued = 0; ///< messages that wait to be sent
    std::uint64_t queued_total = 0; ///< messages that were queued for the peer since the beginning
    std::uint64_t sent = 0; ///< of those, the ones that the system has taken
    /// PUB, XPUB and XSUB only: messages that were for the peer, and that it has missed because its
    /// queue was full (send_high_water_mark, send_high_water_bytes, context_options::max_memory).
    std::uint64_t dropped = 0;
    std::uint32_t subscriptions = 0; ///< PUB and XPUB only: different topics
    /// Of the sent ones, those of connections that have ended: the peer has not shown that it has
    /// read them, so that they may be lost.
    std::uint64_t unconfirmed = 0;
    /// Messages that were set aside, and are lost: the peer has ended three connections in a row in
    /// the middle of each, within 10 s after they were ready, as it does when a message is too
    /// large for it.
    std::uint64_t refused = 0;
    error last_refusal{}; ///< how the connection ended in the last one of them
    /// Messages that were queued for the peer, and dropped before they were sent (options
    /// on_reconnect and expires_after).
    std::uint64_t lapsed = 0;
    /// The connection is up, but the peer neither says anything nor takes what waits for it,
    /// although its system is alive.
    bool stalled = false;
    std::uint64_t received = 0; ///< messages of the peer that were received
    /// Conflating sockets only: messages that newer ones have replaced before they were sent, and
    /// before they were received. With inproc the sender counts both.
    std::uint64_t conflated_sent = 0;
    /// Messages that newer ones have replaced before they were received.
    std::uint64_t conflated_received = 0;
    std::string user{}; ///< PLAIN server only: as the peer was accepted
    std::vector<socket_property> properties{}; ///< of its handshake, and of the authenticator
    error last_reason{}; ///< why the last connection ended
};

/// Messages and connections of a socket, since it was created.
struct socket_counters {
    std::uint64_t queued_total = 0; ///< messages queued for peers
    std::uint64_t received = 0; ///< messages
    /// As in send_outcome. PUB, XPUB and XSUB: messages that were for no peer; and for each message
    /// the number of peers that have missed it.
    std::uint64_t dropped_no_route = 0;
    std::uint64_t dropped_full = 0; ///< as above
    /// Messages that were queued for a peer that went for good before they were sent.
    std::uint64_t unsent = 0;
    /// Messages that had waited for a peer, and were dropped when it was back (option
    /// on_reconnect).
    std::uint64_t dropped_stale = 0;
    /// Messages that were dropped because their deadline had passed (option expires_after).
    std::uint64_t expired = 0;
    // As in peer_status.
    std::uint64_t unconfirmed = 0;
    std::uint64_t refused = 0;
    std::uint64_t stalls = 0; ///< times that a peer has stalled
    /// Messages that were queued for a peer that went for good, and that go to other peers or to
    /// the next one instead (option requeue).
    std::uint64_t requeued = 0;
    /// Messages that arrived and were thrown away unread: by disconnect(), a handover or close();
    /// by a SUB that has no such topic; by a REQ or REP that they are no reply or request for.
    std::uint64_t discarded = 0;
    /// As in peer_status.
    std::uint64_t conflated_sent = 0;
    std::uint64_t conflated_received = 0; ///< as above
    /// Peers that were turned away: a second peer of a PAIR, a routing id that is taken, one more
    /// than max_peers, max_peers_per_address or max_accepts_per_second (or that per address). This
    /// counts as a handshake that failed, too.
    std::uint64_t rejected = 0;
    /// Connections whose handshake failed, or that were closed before it.
    std::uint64_t handshake_failures = 0;
    /// Times that a peer has connected: its handshake was over. And times that the connection of
    /// such a peer has ended. Of peers that came, left nothing to be received and went while the
    /// socket was not used, these two numbers are all that is known.
    std::uint64_t connected = 0;
    std::uint64_t disconnected = 0; ///< times that such a connection has ended
};

/// What became of the messages for each peer when a socket or an endpoint was closed. Messages that
/// waited for a peer, and got none before the socket was closed, have an entry without an endpoint.
struct close_report {
    /// What became of the messages for one peer.
    struct peer {
        std::string endpoint{}; ///< as in peer_status
        std::string routing_id{}; ///< as in peer_status
        std::uint64_t flushed = 0; ///< messages that were queued, and that the system has taken
        std::uint64_t unsent = 0; ///< messages that it has not taken
        /// Of the flushed ones, those that the peer has not shown to have read. They are delivered
        /// or lost; with inproc there are none.
        std::uint64_t unconfirmed = 0;
        std::uint64_t refused = 0; ///< as in peer_status
        error last_refusal{}; ///< as in peer_status
        std::uint64_t requeued = 0; ///< messages that go to other peers (option requeue)
        std::uint64_t lapsed = 0; ///< as in peer_status
    };
    /// One entry for each peer.
    std::vector<peer> peers{};

    // The sums over all peers.
    [[nodiscard]] SLK_API std::uint64_t unsent() const noexcept;
    [[nodiscard]] SLK_API std::uint64_t unconfirmed() const noexcept;
};

/// Which calls would not wait.
struct socket_events {
    bool readable = false; ///< a receive would not wait
    bool writable = false; ///< a send would not wait
};

/// What all kinds of sockets have in common.
class SLK_API socket {
public:
    socket(const socket&) = delete;
    socket& operator=(const socket&) = delete;
    socket(socket&& other) noexcept;
    socket& operator=(socket&& other) noexcept;
    /// As close(), with the option `linger`.
    ~socket();

    // --- options ---

    /// Returns the options as they are now. They are the socket's: until its options are set again,
    /// or its end.
    [[nodiscard]] const socket_options& options() const noexcept;
    /// Replaces the options. Each bind() and connect() takes them as they are then; those that are
    /// marked live act at once. Errors: invalid_argument (with the option's name), invalid_state
    /// (closed), cancelled, out_of_memory.
    [[nodiscard]] result<void> set_options(const socket_options& options);
    // Each changes one live option; errors as above.
    [[nodiscard]] result<void> set_send_high_water_mark(std::uint32_t messages);
    [[nodiscard]] result<void> set_receive_high_water_mark(std::uint32_t messages);
    [[nodiscard]] result<void> set_send_high_water_bytes(std::uint64_t bytes);
    [[nodiscard]] result<void> set_receive_high_water_bytes(std::uint64_t bytes);

    // --- endpoints ---

    /// Listens, and returns the endpoint: a wildcard has become a real address and port. An error
    /// of the system has the endpoint as its detail. Errors:
    /// invalid_argument, not_supported (the endpoint), address_in_use, address_not_available,
    /// permission_denied, ...
    [[nodiscard]] result<std::string> bind(std::string_view endpoint);
    /// Returns at once; the link tries until the peer is there. Errors: invalid_argument,
    /// not_supported (the endpoint).
    [[nodiscard]] result<void> connect(std::string_view endpoint, const connect_options& how = {});
    /// Takes a bound endpoint back: the one that bind() has returned, or the same place in another
    /// spelling (tcp://*:5555 for tcp://0.0.0.0:5555). The port is free on return.
    /// The peers that came by it have up to `timeout` to read what is queued for them, as with
    /// close(); then they are disconnected. What has arrived from them stays readable. Errors:
    /// invalid_argument.
    [[nodiscard]] result<close_report> unbind(std::string_view endpoint,
                                              duration timeout = duration::zero());
    /// Takes back all connect() calls with this text, or if there are none, those to the same place
    /// in another spelling; otherwise as unbind().
    [[nodiscard]] result<close_report> disconnect(std::string_view endpoint,
                                                  duration timeout = duration::zero());
    /// As disconnect(), but returns at once. What has arrived from the peer and was not received is
    /// discarded. What is queued for it is sent in the background for up to `linger`, also when the
    /// peer comes only then; zero: nothing is. The socket has nothing to do with it any more: the
    /// peer's routing id is free, and another connect() to the same place is to another peer. With
    /// a ROUTER, what is queued for a peer without a name of connect_options that is not connected
    /// is dropped. Errors: invalid_argument.
    [[nodiscard]] result<void> disconnect_in_background(std::string_view endpoint, duration linger);
    /// As unbind(), but returns at once, as disconnect_in_background() for all peers of the
    /// endpoint; except that what has arrived from them stays readable.
    [[nodiscard]] result<void> unbind_in_background(std::string_view endpoint, duration linger);
    /// Takes a bound endpoint back, and keeps the peers that came by it. The port is free on
    /// return. Errors: invalid_argument.
    [[nodiscard]] result<void> stop_listening(std::string_view endpoint);
    /// The endpoint that the last bind() returned, or that the last connect() was given. Empty when
    /// memory is exhausted.
    [[nodiscard]] std::string last_endpoint() const;

    // --- state ---

    /// Tells the sockets of a context apart, in events (serverlink/events.hpp); 0 for a socket that
    /// was moved from. Any thread.
    [[nodiscard]] std::uint64_t number() const noexcept;
    // Both lists are empty when memory is exhausted.
    [[nodiscard]] std::vector<endpoint_status> endpoints();
    [[nodiscard]] std::vector<peer_status> peers();
    /// Any thread, at any time in the life of the socket; does not wait. Each number is exact, but
    /// they are not all of one moment.
    [[nodiscard]] socket_counters counters() const noexcept;
    /// Waits until the handshake is over at every endpoint of connect(); if there is none, until
    /// there is a peer. Errors: timed_out, would_block, cancelled, interrupted.
    [[nodiscard]] result<void> wait_ready(const timeout& limit = {});

    // --- other event loops ---

    /// Which calls would not wait now.
    [[nodiscard]] socket_events events();
    /// A descriptor that is readable (Windows: an event object that is signalled) while there may
    /// be something for this socket: a message, new room, a peer that has come or gone. Then call
    /// receive() until it would block, or events(). It is level-triggered, and stays the socket's.
    /// In a context without threads it is the loop's: events() has to be called after
    /// poll_timeout() too, and not every backend has one. Errors: not_supported,
    /// too_many_descriptors.
    [[nodiscard]] result<std::intptr_t> event_handle();
    /// In a context without threads: the time after which a call is needed, which may be events();
    /// otherwise duration::max().
    [[nodiscard]] duration poll_timeout() const;

    /// Calls `work` on the loop's thread in each turn in which a receive or a send, as `wanted`
    /// says, would not wait: by level, so that a function that receives one message of several is
    /// called again. This thread uses the socket then, and nobody else may: receive with
    /// slk::no_wait there. The loop may be any one of the program, and a simulated one; where the
    /// context has no threads it must be that of context::on(). A socket has one watch. On the
    /// loop's thread, or on any one while no thread runs the loop. `work` must not throw; it may
    /// close the socket. The watch ends with the loop or the socket: the function is then destroyed
    /// without a call. Errors: invalid_argument (`work` is empty; another loop than that of a
    /// context without threads), already_exists, invalid_state (the socket is closed; another
    /// thread runs the loop), cancelled, loop_closed, forked, out_of_memory.
    [[nodiscard]] result<socket_watch> watch(loop& on, watch_for wanted,
                                             std::function<void(socket_events)> work);

    /// For programs whose loop has neither descriptors to wait for nor anything to do with
    /// slk::loop: calls `call` when there may be something for this socket, as event_handle() shows
    /// it, and then not again before events() was called. It is called by any thread, also by this
    /// one from inside of a call of a socket, and for the first time from inside of this call. It
    /// may only pass the news on, as by posting a task, and must not throw, wait, or use a socket.
    /// An empty function ends it: when that returns, no call is under way. Errors: not_supported (a
    /// context without threads), already_exists (the socket has a watch, or such a function; or
    /// this is a call from inside of it), invalid_state (closed), cancelled, out_of_memory, forked.
    [[nodiscard]] result<void> on_news(std::function<void()> call);

    // --- end ---

    /// Waits up to `timeout` until every peer has read all that was queued for it, and ends all
    /// connections; the report tells what was not sent, and what was sent but perhaps not read.
    /// Messages that were not received are discarded. Every later call returns errc::invalid_state.
    close_report close(duration timeout);
    /// As close(), but returns at once: ports, files and names are free, and peers of inproc see
    /// the end. What is queued is sent in the background for up to `linger`, also when the peer
    /// comes only then; duration::max(): for as long as the context exists; zero: nothing is. What
    /// waits for a peer goes to a peer of connect() beyond its high-water mark, and if there is
    /// none it is dropped, as is what was queued for a peer of bind() that goes. Unlike with
    /// close() it does not go to other peers (option requeue), and the events of the socket end.
    /// context::wait_closed() waits for it. In a context without threads it goes on while a call of
    /// another socket or wait_closed() runs the loop. The socket does not count in max_sockets any
    /// more.
    void close_in_background(duration linger) noexcept;

    /// Used by the library only.
    [[nodiscard]] messaging::socket_core* core() const noexcept { return core_; }

protected:
    /// Used by the library only.
    explicit socket(messaging::socket_core* core) noexcept : core_(core) {}

    // Each socket class makes the calls that it supports public.

    /// Queues one message of one part, and waits for room if `limit` allows it. On an error nothing
    /// was queued, and the message is still the caller's. With a timeout of 20 ms or more a message
    /// of 32 KiB or more may keep the caller for up to 2 ms until the system takes it. Errors:
    /// would_block, timed_out, cancelled, interrupted (socket_options::interruptible),
    /// out_of_memory, invalid_state (closed).
    [[nodiscard]] result<send_outcome> send(message&& whole, const timeout& limit = {});
    [[nodiscard]] result<send_outcome> send(std::span<const std::byte> whole,
                                            const timeout& limit = {});
    [[nodiscard]] result<send_outcome> send(std::string_view whole, const timeout& limit = {})
    {
        return send(std::as_bytes(std::span(whole.data(), whole.size())), limit);
    }
    /// Queues one message of several parts. Errors: as above; invalid_argument without any part.
    [[nodiscard]] result<send_outcome> send(multipart&& whole, const timeout& limit = {});
    /// Queues messages of one part, copied from the caller's memory, until all are queued or the
    /// limit ends it. Returns their number. This is the fastest way to send many small messages.
    /// Errors: as above, if none was queued.
    [[nodiscard]] result<std::size_t>
    send_batch(std::span<const std::span<const std::byte>> messages, const timeout& limit = {});
    /// Queues messages of one part, as above; those that were queued are empty then.
    [[nodiscard]] result<std::size_t> send_batch(std::span<message> messages,
                                                 const timeout& limit = {});

    /// Receives the next part into `into`, and replaces its content. It is a whole message unless
    /// into.more(); the parts that follow have arrived too. Errors: would_block, timed_out,
    /// cancelled, interrupted (socket_options::interruptible), invalid_state (closed),
    /// out_of_memory (nothing was received).
    [[nodiscard]] result<void> receive(message& into, const timeout& limit = {});
    /// Receives all parts of the next message. Errors: as above; out_of_memory, and if it has more
    /// than 4 parts, the message is lost then.
    [[nodiscard]] result<void> receive(multipart& into, const timeout& limit = {});
    /// Waits for one part, and receives what else has arrived, at most `max` parts, as views into
    /// the memory where it arrived. Returns the number of parts. This is the fastest way to receive
    /// many small messages. Errors: as above; invalid_argument if `max` is 0.
    [[nodiscard]] result<std::size_t> receive_batch(received_batch& into, std::size_t max,
                                                    const timeout& limit = {});
    /// Waits for one part, and receives what else has arrived into messages, as many as there is
    /// space for.
    [[nodiscard]] result<std::size_t> receive_batch(std::span<message> into,
                                                    const timeout& limit = {});

    /// Used by the library only.
    messaging::socket_core* core_ = nullptr;
};

} // namespace slk

#endif
