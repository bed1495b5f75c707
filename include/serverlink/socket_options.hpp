// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_SOCKET_OPTIONS_HPP
#define SERVERLINK_SOCKET_OPTIONS_HPP

/// The options of sockets. All of them are validated when they are set, and nothing is clamped.
///
/// What concerns connections is taken over by bind() and connect(), so that a later change affects
/// later calls only; what is live is marked so.

#include <serverlink/address.hpp>
#include <serverlink/clock.hpp>
#include <serverlink/export.hpp>
#include <serverlink/reconnect.hpp>
#include <serverlink/result.hpp>
#include <serverlink/tuning.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slk {

/// Who is at the other end. ZMTP 3.1 (RFC 23, RFC 24).
enum class security_mechanism : std::uint8_t {
    null,         ///< nobody asks
    plain_client, ///< sends user and password, in clear text
    plain_server, ///< asks for them
};

struct plain_credentials {
    std::string user{};     ///< at most 255 bytes
    std::string password{}; ///< at most 255 bytes
};

/// Somebody who wants to come in. The views live as long as the question.
struct authentication_request {
    std::string_view domain{}; ///< zap_domain, of the socket that asks
    security_mechanism mechanism = security_mechanism::null; ///< of the socket that asks
    address peer{}; ///< where he is
    std::string_view user{};     ///< of PLAIN
    std::string_view password{}; ///< of PLAIN
};

/// The numbers are ZAP's (RFC 27).
enum class authentication_answer : std::uint16_t {
    accepted = 200,
    try_again = 300, ///< he is not told, and comes again
    refused = 400,
    failed = 500, ///< it could not be found out
};

struct security_options {
    security_mechanism mechanism = security_mechanism::null;
    /// Of a plain_client.
    plain_credentials own{};
    /// Of a plain_server: who may come in.
    std::vector<plain_credentials> accepted{};
    /// Who is asked instead: by a plain_server about each client; without a mechanism about each
    /// peer, but only if there is a zap_domain. Called on the context's threads, several at a time,
    /// in the middle of a handshake: all other connections of the thread wait for the answer.
    std::function<authentication_answer(const authentication_request&)> authenticator{};
    /// What the authenticator is told, at most 255 bytes: several sockets may have the same one.
    std::string zap_domain{};
};

/// A property that is shown to the peer by the handshake; its name begins with "X-".
struct socket_property {
    std::string name{};
    std::string value{};
};

struct socket_options {
    /// Messages that may wait for each peer, in this socket; 0: any number. Live.
    std::uint32_t send_high_water_mark = 1000;
    /// Messages of each peer that may wait to be received; then its connection is not read any
    /// further, and the peer has to wait. 0: any number. Live.
    std::uint32_t receive_high_water_mark = 1000;
    /// The same two in bytes, as they are on the wire: there is room for a message while fewer
    /// bytes and fewer messages wait than the marks say. However large it is, one message has
    /// room. 0: any number. Live.
    std::uint64_t send_high_water_bytes = 0;
    std::uint64_t receive_high_water_bytes = 0;
    /// Of a PUSH, a PULL and a DEALER: what waits for a peer, or of a peer, is its newest message
    /// alone, whole with all its parts. An older one that has not left yet, or was not received, is
    /// replaced, and counted. No high-water mark counts then, and sending finds each peer with
    /// room. With inproc it is enough that one side says so. Other types of sockets:
    /// invalid_argument.
    bool conflate = false;

    /// A peer counts as dead when nothing has been heard of it for that long, although it was
    /// asked (PING, RFC 23): at the latest then the connection is given up. Only peers that speak
    /// ZMTP 3.1 are asked. 0: never; else 3 ms to 1 min (what a peer can be told).
    duration peer_timeout = std::chrono::seconds(30);
    /// Greeting and handshake must be over within that time; 0: any.
    duration handshake_timeout = std::chrono::seconds(10);
    /// Connections of one bound endpoint whose handshake is under way. More are closed at once.
    std::uint32_t max_pending_handshakes = 256;
    /// Bytes of one received part; a peer that announces a larger one loses its connection.
    std::uint64_t max_message_size = UINT64_MAX >> 1;
    /// Bytes of a peer's handshake.
    std::size_t max_handshake_size = 65536;
    /// Speak ZMTP 2.0 with peers that know no better (libzmq 2.x and 3.x).
    bool accept_zmtp_2_0 = false;

    /// A message is never queued for a peer whose handshake is not over: it goes to another one, or
    /// the sender waits. Concerns connect().
    bool immediate = false;
    /// The context's threads that may carry this socket's connections: bit n stands for the n-th,
    /// from 0 on; 0: all of them. One that the context does not have is invalid_argument.
    std::uint64_t affinity = 0;
    /// What the destructor allows for sending what is queued; see socket::close().
    duration linger = std::chrono::seconds(1);

    security_options security{};
    /// At most 255 bytes, not beginning with a zero byte: how a ROUTER knows this socket.
    std::string routing_id{};
    std::vector<socket_property> properties{};

    reconnect_options reconnect{};
    tuning_options tuning{};
    /// Of bound endpoints: connections that the system keeps until they are accepted.
    int backlog = 1024;
    /// Of bound IPv6 wildcards: take IPv4 connections as well.
    bool dual_stack = false;

    /// errc::invalid_argument, with the option's name as detail.
    [[nodiscard]] SLK_API result<void> validate() const;
};

/// Of a DEALER and a ROUTER.
struct probing_options : socket_options {
    /// Greet each new peer with an empty message, so that a ROUTER there learns the routing id
    /// without waiting for something to be sent.
    bool probe_router = false;
};

using pair_options = socket_options;
using push_options = socket_options;
using pull_options = socket_options;
using dealer_options = probing_options;

struct router_options : probing_options {
    /// Sending to somebody unknown is errc::no_route, and to somebody whose queue is full waits.
    /// Otherwise such messages are dropped, and counted. Live.
    bool mandatory = true;
    /// A newcomer with a routing id that is taken takes it over, and the one that had it is
    /// disconnected. Otherwise the newcomer is. Live.
    bool handover = false;
    /// An empty message tells that a peer has come. Live.
    bool notify_connect = false;
    /// An empty message tells that a peer has gone. Live.
    bool notify_disconnect = false;
};

} // namespace slk

#endif
