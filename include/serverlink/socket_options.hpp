// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_SOCKET_OPTIONS_HPP
#define SERVERLINK_SOCKET_OPTIONS_HPP

/// The options of sockets. They are validated when they are set, and nothing is clamped.
///
/// They may be set at any time (socket::set_options). Each bind() and connect() takes the options
/// as they are then; a later change affects later calls only. An option that is marked live acts at
/// once.

#include <serverlink/authentication.hpp>
#include <serverlink/clock.hpp>
#include <serverlink/curve.hpp>
#include <serverlink/export.hpp>
#include <serverlink/peer_filter.hpp>
#include <serverlink/reconnect.hpp>
#include <serverlink/result.hpp>
#include <serverlink/tuning.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slk {

/// A user and a password, for PLAIN.
struct plain_credentials {
    std::string user{}; ///< at most 255 bytes
    std::string password{}; ///< at most 255 bytes; overwritten when it is destroyed

    SLK_API ~plain_credentials();
};

/// The keys of CURVE (serverlink/curve.hpp).
struct curve_options {
    /// The secret key of this side, a server or a client. Its public half is what the other side
    /// knows.
    curve_secret_key own{};
    /// curve_client only: the server's public key.
    curve_public_key server{};
    /// curve_server only: the clients that are accepted. If there are none, no authenticator and no
    /// ZAP handler (zap_use), any client is: what it sends is encrypted, and nobody knows whose.
    std::vector<curve_public_key> accepted{};
};

/// Who may connect, and how what is sent is protected.
struct security_options {
    /// Has to be the same on both sides, one the client and one the server.
    security_mechanism mechanism = security_mechanism::null;
    /// plain_client only.
    plain_credentials own{};
    /// plain_server only: the credentials that are accepted.
    std::vector<plain_credentials> accepted{};
    /// curve_client and curve_server only. Without CURVE in this build bind() and connect() fail
    /// with not_supported.
    curve_options curve{};
    // A plain_server that is bound answers a refused client after a delay, which doubles with each
    // refusal of its address, from 50 ms to 2 s, and ends a minute after the last one; but not
    // later than after half of the time that the handshake has left. Other clients of the address
    // are answered up to 1 s late then. While too many refusals wait, further passwords of the
    // address are not looked at, and the client comes again. `try_again` and `failed` are answered
    // at once, and do not count. A plain_server that connects has no delay.

    /// Is asked instead of `accepted`: by a plain_server or curve_server about each client; by a
    /// socket without a mechanism about each peer, but only if there is a zap_domain. Called on the
    /// context's threads, several at a time: all other connections of the thread wait until it
    /// returns, so one that takes time answers later (authentication_request::answer_later()). It
    /// must not throw (serverlink/loop.hpp).
    authenticator_function authenticator{};
    /// Instead of an authenticator and of `accepted`. Off by default, because a name that anybody
    /// in the context may bind should not decide unasked, and because when_bound lets peers in
    /// while nobody decides. The library that stands in for libzmq has it on.
    zap_use zap = zap_use::never;
    /// Is passed to the authenticator, or to the ZAP handler; at most 255 bytes. Several sockets
    /// may have the same one.
    std::string zap_domain{};
};

/// What becomes of messages that have waited for a peer when it is back.
enum class queue_policy : std::uint8_t {
    keep, ///< they are sent
    drop_all, ///< none of them is sent
    keep_newest, ///< only the last one is sent, whole with all its parts
};

/// The options of all sockets.
struct socket_options {
    /// Messages that may wait in this socket for each peer; 0: no limit. Live.
    std::uint32_t send_high_water_mark = 1000;
    /// Messages of each peer that may wait to be received; then its connection is not read any
    /// further, and the peer has to wait. 0: no limit. Live.
    std::uint32_t receive_high_water_mark = 1000;
    /// inproc: a receive_high_water_mark of 0 adds nothing to the queue of the other socket, whose
    /// send_high_water_mark is then all that it may hold. Without it that queue has no limit.
    bool adds_no_limit_by_inproc = false;
    /// inproc: the types of the two sockets have to suit each other, as with tcp and ipc. Without
    /// it, if the other socket has not got it either, any two are connected; what a type does not
    /// do (subscribe, reply...), its peer misses.
    bool checks_types_by_inproc = true;
    /// High-water marks in bytes on the wire. There is room for a message while fewer messages and
    /// fewer bytes wait than the marks say; a single message always has room, however large it is.
    /// 0: no limit. Live.
    std::uint64_t send_high_water_bytes = 0;
    /// As above, of the messages of each peer that wait to be received.
    std::uint64_t receive_high_water_bytes = 0;
    /// A send that does not wait (no_wait) looks at most once a millisecond for the room that the
    /// system has made by tcp and ipc. So a burst of such sends ends at the high-water mark, as
    /// with libzmq. Otherwise it goes on for as long as the system takes messages meanwhile. PAIR,
    /// DEALER, PUSH, REQ; ROUTER with `mandatory`; PUB and XPUB with `no_drop`. Live.
    bool bursts_end_at_mark = false;
    /// PUSH, DEALER and PAIR: what was queued for a peer of bind() that has gone, or for an
    /// endpoint that is taken back while there are others, and that the system has not taken, goes
    /// to the other peers in its order, or waits for the next one. At most the send high-water mark
    /// waits so; the rest counts as unsent, as everything does without this option. A ROUTER's
    /// messages are for one peer, and never go to another. They move only during a call on the
    /// socket, which may be any one: send(), receive(), wait(), events(), close(). Live.
    bool requeue = true;
    /// What is sent to a peer that was lost and is back. connect(), also with inproc: what is
    /// queued for the peer when the handshake is over, unless it is the first one of this endpoint.
    /// Also what has waited here for the next peer (option requeue), if the peer is the only one.
    /// What the system had taken in part belongs to it, because the peer has not got it whole.
    /// Dropped messages are counted (socket_counters::dropped_stale), and reported
    /// (drop_reason::stale). A REQ whose request is dropped waits for a reply all the same; see
    /// `relaxed`.
    queue_policy on_reconnect = queue_policy::keep;
    /// A message that has waited for that long, from when it was queued, is dropped instead of
    /// sent, whole with all its parts; the order of the others stays. 0: never; else in whole
    /// milliseconds, at least one. message::expire_after() is for a single message. Time during
    /// which the machine sleeps does not count. Not together with a clock of loop_options::time in
    /// a context with threads. Live. Not for a PULL, SUB, XSUB or STREAM.
    ///
    /// A message is dropped when its turn to be sent comes; one that the peer waits for at once,
    /// and one whose peer is away, when the time has passed; where it waits for another peer to
    /// come, in the next call on the socket. Until then it takes up room. Of one
    /// that the system has taken a part of, the rest is sent. With inproc it is dropped when the
    /// receiver would read it. Dropped messages are counted (socket_counters::expired), and
    /// reported (drop_reason::expired). A REQ whose request has expired waits for a reply all the
    /// same; see `relaxed`.
    duration expires_after = duration::zero();
    /// PUSH, PULL, DEALER, PUB and SUB only (else invalid_argument): only the newest message waits
    /// for each peer, and of each peer, whole with all its parts. An older one that was not sent
    /// yet, or was not received, is replaced, and counted. The high-water marks do not count then,
    /// and each peer always has room. With inproc it is enough that one side conflates.
    /// Subscriptions are never replaced; a newer message replaces an older one of another topic,
    /// too, of those that the peer has subscribed to.
    bool conflate = false;

    /// A peer is given up when nothing was heard of it for this time although it was sent a PING
    /// (RFC 23) and has read everything before that, or has sent as many messages as it was sent,
    /// which may be the answers. A peer that may not have read all that it was sent may be busy: it
    /// is given up when its system does not acknowledge anything for this time, where the system
    /// tells (Linux); elsewhere when the system gives the connection up. The same holds for a peer
    /// that never answers PINGs (ZMTP 3.0); one of ZMTP 2.0 is left to the system. 0: never; else
    /// 3 ms to 30 days.
    duration peer_timeout = std::chrono::seconds(30);
    /// A PING is sent after this time without anything from the peer. 0: a third of peer_timeout;
    /// else less than peer_timeout, and a peer of ZMTP 3.0 has to answer it, too.
    duration heartbeat_interval = duration::zero();
    /// The peer is told this time with each PING, in tenths of a second: it gives this side up when
    /// it hears nothing for as long. At most 65.5 s are told. Not set: peer_timeout; 0: nothing.
    std::optional<duration> heartbeat_ttl{};
    /// A peer that reads nothing is given up after it has been stalled for this time (see
    /// peer_status::stalled), which is looked for only with a peer_timeout. 0: never.
    duration stalled_timeout = duration::zero();
    /// Greeting and handshake must be over within this time; 0: no limit.
    duration handshake_timeout = std::chrono::seconds(10);
    // Limits of each bound endpoint. What they end or refuse counts as a failed handshake, with the
    // option's name as detail.

    /// Connections whose handshake is under way; at least 1. One more, and the one that has said
    /// least is reset: one that has sent nothing before one that has sent its greeting; of several,
    /// the one without progress for the longest time. One that has made progress within the last
    /// 50 ms is passed over; if all have, the oldest is reset of those that have said as much as
    /// most others. It loses no message: where many handshakes are under way, a client sends none
    /// before its own is over on this side.
    std::uint32_t max_pending_handshakes = 256;
    /// The same for the connections of one address, so that one address cannot take all places; 0:
    /// no limit. An IPv6 address means its first 64 bits. Many clients behind one address (NAT, a
    /// proxy) share it only while their handshakes last. ipc: no limit.
    std::uint32_t max_pending_handshakes_per_address = 128;
    /// Peers that are connected, or that have gone and left something to be received, or a routing
    /// id that they had taken over and the socket does not know of yet. More are refused. 0: no
    /// limit.
    std::uint32_t max_peers = 16384;
    /// Peers of one address that are connected. By default there is no limit (0), because many
    /// clients may be behind one address, or all on this machine; where each client has an address
    /// of its own, a limit keeps one of them from taking all of max_peers. ipc: no limit.
    std::uint32_t max_peers_per_address = 0;
    /// Connections that are accepted within a second. After a quiet second this number may come at
    /// once, and then one whenever its share of a second has passed; more are closed at once,
    /// before anything is read. 0: no limit.
    std::uint32_t max_accepts_per_second = 0;
    /// The same for the connections of one address, of which an IPv6 address means its first 64
    /// bits, so that one that comes again and again costs little. ipc: no limit.
    std::uint32_t max_accepts_per_second_per_address = 0;
    /// curve_server only: HELLOs of clients that are looked at within a second; they count like
    /// accepts. Each costs up to four multiplications on the curve. The connection of one more ends
    /// before the first of them, and the peer comes again. 0: no limit.
    std::uint32_t max_curve_handshakes_per_second = 0;
    std::uint32_t max_curve_handshakes_per_second_per_address = 0; ///< those of one address

    /// Limits of a message that a peer sends by tcp or ipc; 0: no limit. A peer that exceeds one is
    /// disconnected when the header of the part that does so has arrived. The reason is
    /// message_too_large with the name of the limit as detail; link_status::last_error has it where
    /// this socket has connected. A message that this socket sends is not compared with them: the
    /// limits of the peer decide about it.
    ///
    /// Bytes of a message, all its parts together. An image of 8K in 16 bit colour has 200 MB; what
    /// is larger is better sent as several messages, because a message is in memory as a whole.
    std::uint64_t max_message_size = std::uint64_t{256} << 20;
    /// Parts of a message. Envelopes have up to ten, a table that is sent as columns has thousands.
    /// A part costs its receiver up to 72 bytes, however small it is (slk::message).
    std::uint32_t max_message_parts = 65536;
    /// Bytes of one part.
    std::uint64_t max_part_size = 0;
    /// Bytes of the handshake of a peer; 64 to 65536.
    std::size_t max_handshake_size = 65536;
    /// Bytes of the metadata of a peer (READY, INITIATE), of which the properties are kept as long
    /// as the peer is known; 64 to 65536.
    std::size_t max_metadata_size = 8192;
    /// Speak ZMTP 2.0 with peers that know no newer version (libzmq 2.x and 3.x).
    bool accept_zmtp_2_0 = false;

    /// Messages are queued only for connected peers: as long as a peer of connect() is not
    /// connected, they go to others, or the sender waits.
    bool immediate = false;
    /// The context's threads that may carry the connections of this socket: bit n stands for thread
    /// n, from 0 on; 0: all of them. A thread that the context does not have is invalid_argument.
    std::uint64_t affinity = 0;
    /// How long the destructor may wait until what is queued was sent; see socket::close(). Live.
    duration linger = std::chrono::seconds(1);
    /// The descriptor of socket::event_handle() is readable only while there is news that no call
    /// has seen: each call of the socket that looks for messages or room, events() too, clears it
    /// also if there are messages left. For programs that look at events() until it returns
    /// nothing, as those for libzmq do. On Windows the handle is a socket then, for select(), if
    /// the first call of event_handle() finds this set. Live.
    bool event_handle_shows_news = false;
    /// Used by the library only: frame_socket::origin() tells where messages came from.
    bool tells_origin = false;
    /// A send or a receive that waits, wait_ready() and wait_subscribers() return errc::interrupted
    /// when a handler of a signal has run on their thread while it slept, whether or not the
    /// handler was installed with SA_RESTART. Then nothing was sent or received. Without it they go
    /// on waiting, as slk::wait() always does. No effect on Windows, whose handlers run on other
    /// threads. Live.
    bool interruptible = false;

    /// Who may connect, and encryption.
    security_options security{};
    /// How a ROUTER knows this socket: at most 255 bytes, not beginning with a zero byte.
    std::string routing_id{};
    /// Are shown to the peers. At most 253, with 30,000 bytes in all; and no more than
    /// max_metadata_size takes, which the peers have to raise too.
    std::vector<socket_property> properties{};

    /// When connect() tries again.
    reconnect_options reconnect{};
    /// connect() only: a property of the handshake, X-Retries-After-Error, tells the peer that this
    /// side takes an ERROR for a reason and connects again later. Without it a serverlink peer that
    /// rejects this side only ends the connection, and the handshake has no property but those of
    /// ZMTP and of the program.
    bool tells_retries = true;
    /// Settings of the connections.
    tuning_options tuning{};
    /// bind() only: connections that the system keeps until they are accepted.
    int backlog = 1024;
    /// Of bound endpoints: which peers are accepted. It counts for those that are bound later.
    peer_filter accepts{};
    /// bind() to an IPv6 wildcard only: take IPv4 connections as well.
    bool dual_stack = false;
    /// bind() by tcp and ipc only: a descriptor that listens already, at whatever address; the
    /// socket owns it from then on. -1: a new one.
    std::intptr_t listening_descriptor = -1;

    // PUB and XPUB only: elsewhere they are invalid_argument if set to something else. What a peer
    // by tcp or ipc may subscribe to; one that exceeds a limit is disconnected, with
    // message_too_large and the name of the limit as the reason. Topics count in
    // context_options::max_memory: while that is used up, a peer by tcp or ipc that has 64 KiB of
    // them and adds one is disconnected, and may come again.

    /// Bytes of a topic; 0: as many as a frame of the protocol may have, 65526. Live.
    std::uint32_t max_topic_size = 0;
    /// Different topics of each peer, each of which takes up to 100 bytes; 0: no limit. Live.
    std::uint32_t max_subscriptions = std::uint32_t{1} << 20;
    /// Bytes of all topics of each peer; 0: no limit. Live.
    std::uint64_t max_subscription_bytes = std::uint64_t{64} << 20;
    /// Different lengths of each peer's topics of more than 64 bytes; 0: no limit. Each length
    /// costs each message that is not shorter a lookup. Live.
    std::uint32_t max_topic_lengths = 256;

    /// A message whose peers do not all have room goes to none of them: send() waits until they
    /// have, or is errc::would_block or timed_out. The socket is still always writable. Live.
    bool no_drop = false;
    /// A new peer is sent this message at once, whatever it subscribes to; a SUB receives it if it
    /// has subscribed to it. A peer of connect() is sent it once. At most 65536 bytes; empty: no
    /// message. Live.
    std::string welcome_message{};

    // PUB, XPUB and XSUB only: elsewhere it is invalid_argument if set.

    /// In a message of several parts, subscriptions may be behind other parts only if the first
    /// part is one. Without it each part that begins with a byte 1 or 0 is a subscription. Live.
    bool only_first_subscribe = false;

    // PUB, XPUB and SUB only: elsewhere it is invalid_argument if set.

    /// A message goes to the peers that have not subscribed to it; a SUB receives those that match
    /// none of its topics. Both sides have to set it. Live.
    bool invert_matching = false;

    // XPUB only: elsewhere they are invalid_argument if set.

    /// A peer's subscriptions are all reported, and have no effect: the caller subscribes for the
    /// peer whose report it has received last (xpub::subscribe()). What peers have subscribed to
    /// before stays as it is. Live.
    bool manual = false;
    /// As `manual`; and the first message after such a report goes only to that peer, if it
    /// matches. So a peer that subscribes can be sent the last value at once.
    bool manual_last_value = false;

    /// A peer is not listened to while as many reports wait to be received as xpub.hpp says. False:
    /// all that peers subscribe to takes effect, and their reports wait without a limit; for a
    /// program that may not receive them, and knows its peers. Live.
    bool holds_back_requests = true;
    /// Report each subscription. Without it a subscription is reported only if it is the first one
    /// to its topic, and a cancellation or the end of a peer only if it was the last one. Live.
    bool verbose = false;
    /// Report each cancellation, too, and each subscription of a peer that has gone. Live.
    bool verboser = false;

    // SUB and XSUB only: elsewhere it is invalid_argument if set.

    /// While there are patterns, peers are told the empty topic, once, and send everything; without
    /// it they are told the bytes that each pattern begins with. Takes effect with each pattern
    /// that is added later. Live.
    bool patterns_subscribe_all = false;

    // XSUB only: elsewhere it is invalid_argument if set.

    /// Peers are told of each subscription that is taken back, also if others to the same topic are
    /// left, or if there was none. Live.
    bool verbose_unsubscribe = false;

    // DEALER, ROUTER and REQ only: elsewhere it is invalid_argument if set.

    /// Send each new peer an empty message, so that a ROUTER there learns the routing id of this
    /// socket before a message is sent.
    bool probe_router = false;
    /// A connect() by inproc is over when the socket that it has met is closed, or gives the
    /// endpoint up; so it is with libzmq. Without this option it waits for the next socket that is
    /// bound there, and messages are queued for that one, unless `immediate` is set. Live.
    bool inproc_ends_with_peer = false;

    // REQ only: elsewhere they are invalid_argument if set. Live.

    /// A request may be sent before the reply to the one before has arrived, which is given up
    /// then. Without `correlate` its reply, if it comes later, is taken for that of the new one.
    bool relaxed = false;
    /// Each request has a number in its envelope, 4 bytes, and only a reply with the same number is
    /// received. The peer returns the envelope, as every REP does.
    bool correlate = false;

    // ROUTER only: elsewhere they are invalid_argument if set, but for `mandatory`.

    /// To send to an unknown peer is errc::no_route, to send to an earlier peer of a routing id
    /// (another generation) is errc::peer_replaced, and to send to a peer whose queue is full
    /// waits. Without it such messages are dropped, and counted. Live.
    bool mandatory = true;
    /// A new peer with a routing id that is taken gets it, and the peer that had it is
    /// disconnected when the socket is used the next time; but a name that connect() has given
    /// stays. Until then both count in max_peers and max_peers_per_address, which may refuse the
    /// new one. Without this option the new peer is rejected, and tries again later. Two peers that
    /// take an id from each other again and again have to wait for it: after eight times in a row
    /// the new one is rejected for a second, and then for twice as long each time. Live.
    bool handover = false;
    /// A peer that has lost its routing id by `handover`, or comes without it and finds it taken,
    /// stays connected. Nothing is received from it or sent to it until it connects again; so does
    /// libzmq. Without this option it is disconnected, or rejected.
    bool mute_duplicates = false;
    // Peers that came and went while the socket was not used give no such message, and one that
    // has come several times meanwhile gives one. socket_counters has the numbers.

    /// An empty message reports that a peer has connected. Live.
    bool notify_connect = false;
    /// An empty message reports that a peer has disconnected. Live.
    bool notify_disconnect = false;
    /// Both also of peers by inproc. Live.
    bool notify_inproc = true;

    // STREAM only: elsewhere they are invalid_argument if set to something else.

    /// An empty message reports that a peer has connected, and another one that it has gone.
    bool stream_notices = true;
    /// Bytes of one received message at most, 1 to 65536. It has what a receive has brought, which
    /// may be less.
    std::uint32_t max_chunk_size = 65536;

    /// errc::invalid_argument, with the option's name as detail.
    [[nodiscard]] SLK_API result<void> validate() const;
};

// The options of one kind of socket; the comments say which ones it has.
using pair_options = socket_options;
using push_options = socket_options;
using pull_options = socket_options;
using dealer_options = socket_options;
using router_options = socket_options;
using req_options = socket_options;
using rep_options = socket_options;
using pub_options = socket_options;
using sub_options = socket_options;
using xpub_options = socket_options;
using xsub_options = socket_options;
using stream_options = socket_options;

} // namespace slk

#endif
