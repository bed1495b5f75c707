// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_SOCKET_HPP
#define SERVERLINK_SOCKET_HPP

/// What all sockets have: endpoints, peers, their state, and an end.
///
/// A socket is for one thread at a time; handing it to another one is fine. Its peers may come and
/// go as they like: connect() returns at once and the links behind it heal by themselves, bind()
/// listens when it returns, and either side may be there first.
///
/// Messages of one peer arrive in the order in which they were sent, whole, and none of them twice.
/// What a broken connection had already taken is lost with it; everything else is queued, and the
/// socket says so, or it says why it did not queue it.

#include <serverlink/address.hpp>
#include <serverlink/context.hpp>
#include <serverlink/export.hpp>
#include <serverlink/link_status.hpp>
#include <serverlink/message.hpp>
#include <serverlink/result.hpp>
#include <serverlink/socket_options.hpp>
#include <serverlink/timeout.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace slk {

namespace messaging {
class socket_core;
}

/// What became of a message that was given to send() without an error.
enum class send_outcome : std::uint8_t {
    queued, ///< it is on its way to a peer
    dropped_no_route, ///< nobody has that routing id (a ROUTER that is not mandatory)
    dropped_full, ///< he has, but his queue is full (the same)
};

[[nodiscard]] SLK_API std::string_view name_of(send_outcome value) noexcept;

enum class endpoint_kind : std::uint8_t { bound, connected };

struct connect_options {
    /// Of a ROUTER: what it calls the peer there, who can be sent to at once.
    std::string routing_id{};
};

/// One bind() or connect().
struct endpoint_status {
    endpoint_kind kind = endpoint_kind::connected;
    /// As bind() has answered, or as it was given to connect().
    std::string endpoint{};
    /// Of connect(): the connecter's own status.
    link_status link{};
    /// Of connect(): the handshake with the peer is over, now.
    bool ready = false;
    /// Of bind(): peers that are connected through it, and connections that did not get through
    /// their handshake.
    std::size_t peers = 0;
    std::uint64_t handshake_failures = 0;
    /// Why the last handshake here failed.
    error last_handshake_failure{};
};

/// A peer: somebody whose handshake is over, or will be.
struct peer_status {
    std::string routing_id{}; ///< as he calls himself; at a ROUTER, as it calls him
    std::uint64_t generation = 0; ///< of that routing id, at a ROUTER
    std::string endpoint{}; ///< of ours, by which he came
    slk::address address{}; ///< his
    bool ready = false;
    std::uint64_t connections = 0; ///< times that he came
    std::uint64_t queued_total = 0; ///< messages queued for him so far
    std::uint64_t queued = 0; ///< of those, not yet taken by the system
    std::uint64_t received = 0; ///< messages received of him
    /// Of a socket that conflates: messages that newer ones have replaced, of those that were sent
    /// to him before they left, and of his before they were received. With inproc the sender
    /// counts both.
    std::uint64_t conflated_sent = 0;
    std::uint64_t conflated_received = 0;
    std::string user{}; ///< as he was let in by PLAIN
    std::vector<socket_property> properties{};
    error last_reason{}; ///< why he left, the last time
};

/// Messages and connections of a socket, since it was created.
struct socket_counters {
    std::uint64_t queued_total = 0;
    std::uint64_t received = 0;
    std::uint64_t dropped_no_route = 0;
    std::uint64_t dropped_full = 0;
    /// Queued for a peer who went for good before they were sent.
    std::uint64_t unsent = 0;
    /// Arrived, and thrown away unread: by disconnect(), a handover or close().
    std::uint64_t discarded = 0;
    /// Replaced by newer ones, as in peer_status.
    std::uint64_t conflated_sent = 0;
    std::uint64_t conflated_received = 0;
    /// Peers who came and were sent away: a second peer of a PAIR, a routing id that is taken.
    std::uint64_t rejected = 0;
    /// Connections that did not get through their handshake.
    std::uint64_t handshake_failures = 0;
};

/// What the end of a socket, or of an endpoint, has brought for each peer.
struct close_report {
    struct peer {
        std::string endpoint{};
        std::string routing_id{};
        std::uint64_t flushed = 0; ///< messages that were queued and the system has taken
        std::uint64_t unsent = 0; ///< messages that it has not
    };
    std::vector<peer> peers{};

    [[nodiscard]] SLK_API std::uint64_t unsent() const noexcept;
};

struct socket_events {
    bool readable = false; ///< a receive would not wait
    bool writable = false; ///< a send would not wait
};

class SLK_API socket {
public:
    socket(const socket&) = delete;
    socket& operator=(const socket&) = delete;
    socket(socket&& other) noexcept;
    socket& operator=(socket&& other) noexcept;
    /// As close(), with the option `linger`.
    ~socket();

    // --- endpoints ---

    /// Listens, and answers where: a wildcard has become a real address and port. Errors:
    /// invalid_argument, not_supported (the endpoint), address_in_use, address_not_available,
    /// permission_denied, ...
    result<std::string> bind(std::string_view endpoint);
    /// Returns at once; who is not there yet is tried again and again. Errors: invalid_argument,
    /// not_supported (the endpoint).
    result<void> connect(std::string_view endpoint, const connect_options& how = {});
    /// Takes an endpoint back, by the text that bind() has answered: the port is free on return.
    /// Peers who came through it may be sent what is queued for them for so long; then they are
    /// disconnected. What of theirs was not received stays readable. Errors: invalid_argument.
    result<close_report> unbind(std::string_view endpoint, duration timeout = duration::zero());
    /// Takes back all connect() calls with that text, likewise.
    result<close_report> disconnect(std::string_view endpoint, duration timeout = duration::zero());
    /// What the last bind() has answered, or what the last connect() was given.
    [[nodiscard]] std::string last_endpoint() const;

    // --- state ---

    [[nodiscard]] std::vector<endpoint_status> endpoints() const;
    [[nodiscard]] std::vector<peer_status> peers() const;
    [[nodiscard]] socket_counters counters() const;
    /// Waits until the handshake is over at every endpoint that was connect()ed; where there is
    /// none, until there is a peer. Errors: timed_out, would_block, cancelled.
    result<void> wait_ready(const timeout& limit = {});

    // --- other event loops ---

    /// What the next calls would find.
    [[nodiscard]] socket_events events();
    /// A descriptor that is readable (Windows: an event object that is signalled) as long as there
    /// may be something for this socket: a message, room that there was not before, a peer that has
    /// come or gone. When it is, call receive() until it would block, or events(). It is
    /// level-triggered, and stays the socket's. In a context without threads it is the loop's own:
    /// then events() has to be called after poll_timeout() too, and not every backend has one.
    /// Errors: not_supported, too_many_descriptors.
    result<std::intptr_t> event_handle();
    /// In a context without threads: the longest time until a call is needed, which may be
    /// events(); otherwise duration::max().
    [[nodiscard]] duration poll_timeout() const;

    /// Each changes a live option; of a socket that conflates, without effect. Errors:
    /// invalid_state (closed), cancelled.
    result<void> set_send_high_water_mark(std::uint32_t messages);
    result<void> set_receive_high_water_mark(std::uint32_t messages);
    result<void> set_send_high_water_bytes(std::uint64_t bytes);
    result<void> set_receive_high_water_bytes(std::uint64_t bytes);

    // --- end ---

    /// Waits until everything that is queued has been taken by the system and delivered as far as
    /// it tells, but not for longer than that; then ends all connections. Messages that were not
    /// received are gone. Afterwards every call answers errc::invalid_state.
    close_report close(duration timeout);

    /// The library's own.
    [[nodiscard]] messaging::socket_core* core() const noexcept { return core_; }

protected:
    explicit socket(messaging::socket_core* core) noexcept : core_(core) {}

    // What the types of sockets have of these they make public.

    /// Queues one message of one part. Without a limit it waits for room. On an error the
    /// message is still the caller's, and nothing was queued. Errors: would_block, timed_out,
    /// cancelled, out_of_memory, invalid_state (closed).
    result<send_outcome> send(message&& whole, const timeout& limit = {});
    result<send_outcome> send(std::span<const std::byte> whole, const timeout& limit = {});
    result<send_outcome> send(std::string_view whole, const timeout& limit = {})
    {
        return send(std::as_bytes(std::span(whole.data(), whole.size())), limit);
    }
    /// The same for a message of several parts; one without any is invalid_argument.
    result<send_outcome> send(multipart&& whole, const timeout& limit = {});
    /// Queues messages of one part until all are queued or the limit ends it: the first of them,
    /// as many as it says, are queued and empty now. Cheaper than one by one. Errors: as above,
    /// if none was queued.
    result<std::size_t> send_batch(std::span<message> messages, const timeout& limit = {});

    /// The next part into `into`, whose content is replaced: a whole message, unless into.more();
    /// the parts that follow are there already. Errors: would_block, timed_out, cancelled,
    /// invalid_state (closed).
    result<void> receive(message& into, const timeout& limit = {});
    /// All parts of the next message.
    result<void> receive(multipart& into, const timeout& limit = {});
    /// Waits for the first part, then takes what else is there, as far as there is space. Says
    /// how many parts.
    result<std::size_t> receive_batch(std::span<message> into, const timeout& limit = {});

    messaging::socket_core* core_ = nullptr;
};

} // namespace slk

#endif
