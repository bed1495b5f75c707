// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_SERVER_HPP
#define SERVERLINK_SERVER_HPP

/// slk::server: receives requests, and replies to each of them at any time and in any order.
///
///     SLK_TRY(auto serves, slk::server::create(context));
///     SLK_TRY(serves.bind("tcp://*:5556"));
///     while (auto request = serves.receive())
///         SLK_TRY(request->reply(answer_to(request->parts())));
///
/// On the wire a server is a ROUTER, which a REQ, a DEALER or a slk::client may ask. A request
/// begins with an envelope, the parts up to the first one that is empty; the reply gets the same
/// envelope. What has no envelope, or nothing behind it, is discarded and counted.
///
/// A server and its requests are for one thread at a time.

#include <serverlink/router.hpp>

#include <cstdint>
#include <string_view>

namespace slk {

namespace rpc {
class server_core;
}

/// A request that was received. It may outlive the server. Moved, not copied; without a reply to it
/// nothing is sent.
class SLK_API received_request {
public:
    received_request(received_request&& other) noexcept;
    received_request& operator=(received_request&& other) noexcept;
    ~received_request();

    /// At least one part. They are the caller's, to be moved from.
    [[nodiscard]] multipart& parts() noexcept { return parts_; }
    /// Returns the peer that the request came from.
    [[nodiscard]] const peer_id& peer() const noexcept { return peer_; }

    /// Sends the reply; once. It is dropped if the connection is gone that the request came by
    /// (dropped_no_route), or if the peer's queue has no room within `limit` (dropped_full).
    /// Errors, after which it may be tried again: invalid_argument (no parts), out_of_memory,
    /// cancelled. And invalid_state (there was a reply already, or the server is closed).
    [[nodiscard]] result<send_outcome> reply(multipart&& parts, const timeout& limit = no_wait);
    [[nodiscard]] result<send_outcome> reply(message&& part, const timeout& limit = no_wait);
    [[nodiscard]] result<send_outcome> reply(std::string_view part, const timeout& limit = no_wait);
    /// Whether the peer's queue has room for the reply. Errors: no_route, peer_replaced (the
    /// connection is gone), invalid_state (there was a reply already, or the server is closed).
    [[nodiscard]] result<bool> has_room();

    /// Used by the library only.
    [[nodiscard]] messaging::socket_core* core() const noexcept;

private:
    friend class rpc::server_core;
    received_request() noexcept = default;

    rpc::server_core* to_ = nullptr; ///< null: there was a reply
    peer_id peer_;
    multipart envelope_;
    multipart parts_;
};

/// Since the server was created.
struct server_counters {
    std::uint64_t requests = 0; ///< received
    std::uint64_t replies = 0; ///< queued for their peers
    std::uint64_t dropped = 0; ///< replies whose peer is gone, or had no room
    std::uint64_t malformed = 0; ///< messages that were no requests
};

class SLK_API server {
public:
    /// `options`: those of a ROUTER; `mandatory` is always set, and there are no notices of peers.
    /// Errors: as router::create().
    [[nodiscard]] static result<server> create(context& in, router_options options = {});
    server(server&& other) noexcept;
    server& operator=(server&& other) noexcept;
    /// As close(), with the option `linger`.
    ~server();

    // As those of slk::socket.
    [[nodiscard]] result<std::string> bind(std::string_view endpoint);
    [[nodiscard]] result<void> connect(std::string_view endpoint);
    [[nodiscard]] result<close_report> unbind(std::string_view endpoint,
                                              duration timeout = duration::zero());
    [[nodiscard]] result<close_report> disconnect(std::string_view endpoint,
                                                  duration timeout = duration::zero());
    [[nodiscard]] result<void> wait_ready(const timeout& limit = {});
    [[nodiscard]] std::vector<endpoint_status> endpoints();
    [[nodiscard]] std::vector<peer_status> peers();

    /// Receives the next request. Errors: timed_out, would_block, cancelled, invalid_state
    /// (closed), out_of_memory (a request may be lost then).
    [[nodiscard]] result<received_request> receive(const timeout& limit = {});
    /// Returns the numbers of this server up to now.
    [[nodiscard]] server_counters counters() const noexcept;

    /// Waits up to `timeout` until the replies that are queued were read, as socket::close().
    close_report close(duration timeout);

    /// Used by the library only.
    [[nodiscard]] messaging::socket_core* core() const noexcept;

private:
    explicit server(rpc::server_core* core) noexcept : core_(core) {}

    rpc::server_core* core_;
};

} // namespace slk

#endif
