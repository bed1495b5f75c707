// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_CLIENT_HPP
#define SERVERLINK_CLIENT_HPP

/// slk::client: asks services, with any number of requests under way at a time, each with a timeout
/// of its own.
///
///     SLK_TRY(auto asks, slk::client::create(context));
///     SLK_TRY(asks.connect("tcp://10.0.0.7:5556"));
///     SLK_TRY(auto reply, asks.request(std::move(parts), {.timeout = 1s, .repeatable = true}));
///
///     SLK_TRY(auto first, asks.start(std::move(one)));   // several at a time
///     SLK_TRY(auto second, asks.start(std::move(two)));
///     SLK_TRY(auto reply, second.wait());
///
/// A request goes to one of the peers that are connected, in turn; while there is none that has
/// room, it waits in the client. If its connection is lost, it fails, because the peer may have
/// done it; only one that is `repeatable` is sent again, to another peer if there is one.
///
/// On the wire a client is a DEALER, which a ROUTER, a REP or a slk::server may answer. A request
/// has an envelope, a number of 8 bytes and an empty part, which the peer returns with the reply.
/// Replies with another envelope are discarded and counted.
///
/// A client and its pending replies are for one thread at a time. Requests make progress during the
/// calls of any of them.

#include <serverlink/socket.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace slk {

namespace rpc {
class client_core;
class pending;
} // namespace rpc

/// How a request is sent, and for how long it may take.
struct request_options {
    /// From start() until the request ends: for a connection, room, repetitions and the reply.
    duration timeout = std::chrono::seconds(10);
    /// It does no harm if peers do the request more than once. It is sent again when the connection
    /// is lost before the reply has come, and after `attempt_timeout`.
    bool repeatable = false;
    /// repeatable only: a peer that has not replied for this time is given up. 0: never.
    duration attempt_timeout = duration::zero();
    /// repeatable only: times that it is sent; at least 1.
    std::uint32_t max_attempts = 3;

    /// errc::invalid_argument, with the option's name as detail.
    [[nodiscard]] SLK_API result<void> validate() const;
};

/// A request that was started. It may outlive the client, which ends it. Moved, not copied.
class SLK_API pending_reply {
public:
    pending_reply(pending_reply&& other) noexcept;
    pending_reply& operator=(pending_reply&& other) noexcept;
    /// As cancel().
    ~pending_reply();

    /// The request has ended: wait() does not wait. Does nothing else.
    [[nodiscard]] bool done() const noexcept;
    /// Waits for the end of the request, and returns the reply; once. Errors:
    ///
    /// - in_progress: `limit` has ended the waiting, and not the request. With no_wait it looks for
    ///   what has arrived.
    /// - timed_out: the time of the request is over. The phase is `connect` if it was never sent,
    ///   because no peer was connected or had room; or `transfer` if no reply has come.
    /// - connection_aborted: its connection was lost, and it is not repeated. The peer may have
    ///   done it, or may still do it.
    /// - cancelled: by cancel(), the stop token of `limit`, the client's end or its context's.
    /// - out_of_memory: the reply was lost; or, while done() is false, the wait.
    /// - invalid_state: the reply was returned before.
    [[nodiscard]] result<multipart> wait(const timeout& limit = {});
    /// Ends the request. A peer that has it already may still do it; its reply is discarded.
    void cancel() noexcept;
    /// Times that the request was sent.
    [[nodiscard]] std::uint32_t attempts() const noexcept;

    /// Used by the library only.
    [[nodiscard]] rpc::pending* core() const noexcept { return of_; }

private:
    friend class client;
    explicit pending_reply(rpc::pending* of) noexcept : of_(of) {}

    rpc::pending* of_;
};

/// The options of a client.
struct client_options {
    /// Those of a DEALER. `immediate` is always set.
    dealer_options socket{};
    /// Requests that may be under way; more are errc::would_block. At least 1.
    std::uint32_t max_requests = 16384;
};

/// Since the client was created.
struct client_counters {
    std::uint64_t requests = 0; ///< started
    std::uint64_t replies = 0; ///< that were passed to their requests
    std::uint64_t repeated = 0; ///< times that a request was sent again
    std::uint64_t unmatched = 0; ///< replies to no request that is under way
};

class SLK_API client {
public:
    /// Errors: as dealer::create().
    [[nodiscard]] static result<client> create(context& in, client_options options = {});
    client(client&& other) noexcept;
    client& operator=(client&& other) noexcept;
    /// Ends all requests, and closes the socket.
    ~client();

    // As those of slk::socket.
    [[nodiscard]] result<void> connect(std::string_view endpoint);
    [[nodiscard]] result<std::string> bind(std::string_view endpoint);
    [[nodiscard]] result<close_report> disconnect(std::string_view endpoint,
                                                  duration timeout = duration::zero());
    [[nodiscard]] result<close_report> unbind(std::string_view endpoint,
                                              duration timeout = duration::zero());
    [[nodiscard]] result<void> wait_ready(const timeout& limit = {});
    [[nodiscard]] std::vector<endpoint_status> endpoints();
    [[nodiscard]] std::vector<peer_status> peers();

    /// Starts a request, which has at least one part, and does not wait. On an error the parts are
    /// still the caller's. Errors: would_block (max_requests), invalid_argument (no parts, an
    /// option), out_of_memory, invalid_state (closed), cancelled (the context was shut down).
    [[nodiscard]] result<pending_reply> start(multipart&& parts,
                                              const request_options& options = {});
    [[nodiscard]] result<pending_reply> start(std::string_view part,
                                              const request_options& options = {});
    /// Sends a request and waits for the reply. Errors: those of start() and pending_reply::wait().
    [[nodiscard]] result<multipart> request(multipart&& parts, const request_options& options = {},
                                            std::stop_token stop = {});
    [[nodiscard]] result<multipart>
    request(std::string_view part, const request_options& options = {}, std::stop_token stop = {});

    /// Waits until at least one request has ended since the last call, and returns the number of
    /// those that have. Errors: timed_out, would_block, cancelled, out_of_memory.
    [[nodiscard]] result<std::size_t> wait_any(const timeout& limit = {});
    /// Requests that are under way.
    [[nodiscard]] std::size_t outstanding() const noexcept;
    /// The numbers of this client up to now.
    [[nodiscard]] client_counters counters() const noexcept;

    /// Ends all requests, with errc::cancelled, and the socket.
    close_report close(duration timeout = duration::zero());

    /// Used by the library only.
    [[nodiscard]] messaging::socket_core* core() const noexcept;

private:
    explicit client(rpc::client_core* core) noexcept : core_(core) {}

    rpc::client_core* core_;
};

} // namespace slk

#endif
