// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_METRICS_HPP
#define SERVERLINK_METRICS_HPP

/// The numbers of a socket, or of all sockets of a context, at one time; and the same as text for
/// Prometheus and its like.
///
///     SLK_TRY(const auto now, slk::metrics_of(context));
///     SLK_TRY(const std::string text, slk::open_metrics(now));
///
/// Any thread may ask, also while others use the sockets. Each number is exact, but they are not
/// all of one moment. All that is called a counter only grows while what it counts exists.

#include <serverlink/address.hpp>
#include <serverlink/clock.hpp>
#include <serverlink/context.hpp>
#include <serverlink/export.hpp>
#include <serverlink/link_status.hpp>
#include <serverlink/result.hpp>
#include <serverlink/socket.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace slk {

/// How long the answers to heartbeats took: from the time that the system had taken the PING to the
/// time that the PONG was read.
struct round_trips {
    /// The buckets' upper bounds; one more bucket has what took longer.
    static constexpr std::array<duration, 12> bounds{
        std::chrono::microseconds(100),  std::chrono::microseconds(250),
        std::chrono::microseconds(500),  std::chrono::milliseconds(1),
        std::chrono::microseconds(2500), std::chrono::milliseconds(5),
        std::chrono::milliseconds(10),   std::chrono::milliseconds(25),
        std::chrono::milliseconds(50),   std::chrono::milliseconds(100),
        std::chrono::milliseconds(250),  std::chrono::seconds(1)};
    std::array<std::uint64_t, bounds.size() + 1> counts{}; ///< of each bucket alone
    duration sum{}; ///< of all answers together
};

/// A connection of a peer, and the peer of a connect() between its connections. inproc has none: it
/// is in the numbers of the sockets only.
struct peer_metrics {
    std::string endpoint{}; ///< of the socket, as in endpoint_status
    std::uint64_t connection = 0; ///< as in slk::event
    slk::address address{}; ///< of the peer
    std::string routing_id{}; ///< as the peer has sent it
    bool ready = false; ///< the handshake is over
    bool stalled = false; ///< as in peer_status
    // Counters, over all connections of a peer of connect().
    std::uint64_t queued_total = 0; ///< messages that were queued for the peer
    std::uint64_t sent = 0; ///< of those, the ones that the system has taken
    std::uint64_t received = 0; ///< messages that the program has received
    std::uint64_t bytes_sent = 0; ///< of ZMTP, with its overhead
    std::uint64_t bytes_received = 0;
    // Present values.
    std::uint64_t queued = 0; ///< messages that wait to be sent
    duration round_trip{}; ///< of the last heartbeat; zero before the first answer
};

/// One bind() or connect() with its connections, those that have ended included.
struct endpoint_metrics {
    std::uint64_t number = 0; ///< tells apart endpoints with the same text
    endpoint_kind kind = endpoint_kind::connected; ///< which of the two it is
    std::string endpoint{}; ///< as in endpoint_status
    link_state link = link_state::idle; ///< connect() only, and not inproc
    // Counters.
    std::uint64_t attempts = 0; ///< connect() only: tries to connect
    std::uint64_t retries = 0; ///< connect() only: delays before another try
    std::uint64_t connections = 0;
    std::uint64_t handshakes_succeeded = 0;
    // The kinds of slk::event_kind.
    std::uint64_t handshakes_failed_no_detail = 0;
    std::uint64_t handshakes_failed_protocol = 0;
    std::uint64_t handshakes_failed_auth = 0;
    /// bind() only: connections that max_peers, max_pending_handshakes and their like have refused.
    std::uint64_t refused = 0;
    std::uint64_t accept_failures = 0; ///< bind() only
    std::uint64_t bytes_sent = 0; ///< of ZMTP, with its overhead
    std::uint64_t bytes_received = 0; ///< as above
    slk::round_trips round_trips{}; ///< of the heartbeats of all its connections
    // Present values.
    std::uint64_t ready_peers = 0; ///< their handshake is over
    std::uint64_t stalled_peers = 0;
    std::uint64_t queued = 0; ///< messages that wait to be sent to connections of the endpoint
};

/// The numbers of one socket.
struct socket_metrics {
    std::uint64_t number = 0; ///< slk::socket::number()
    std::string_view type{}; ///< "PUSH"
    socket_counters counters{}; ///< as socket::counters()
    std::vector<endpoint_metrics> endpoints{}; ///< of each bind() and connect()
    std::vector<peer_metrics> peers{}; ///< of each connection
};

/// All numbers of a context at one time.
struct context_metrics {
    memory_use memory{}; ///< what its queues hold
    std::vector<socket_metrics> sockets{}; ///< each of its sockets
};

/// A connection that begins or ends at the same time waits until this call has copied the numbers
/// of the connections, for which it allocates nothing; messages do not wait. Errors: invalid_state
/// (closed, or moved from), forked, out_of_memory.
[[nodiscard]] SLK_API result<socket_metrics> metrics_of(const socket& which);
/// Errors: as above, and cancelled (the context is gone).
[[nodiscard]] SLK_API result<context_metrics> metrics_of(const context& which);

/// What open_metrics() writes.
struct open_metrics_options {
    /// Also the numbers of each connection, labelled by its number, address and routing id. Each
    /// new connection begins a series of samples, so that strangers who connect to a bound endpoint
    /// can fill a database of them. Set it only where all peers are known.
    bool peers = false;
};

/// Returns the numbers as text in the format of OpenMetrics 1.0, for the content type
/// "application/openmetrics-text; version=1.0.0; charset=utf-8". Bytes of a routing id that are not
/// printable ASCII are written as \xHH. Errors: out_of_memory.
[[nodiscard]] SLK_API result<std::string> open_metrics(const socket_metrics& of,
                                                       const open_metrics_options& options = {});
[[nodiscard]] SLK_API result<std::string> open_metrics(const context_metrics& of,
                                                       const open_metrics_options& options = {});

} // namespace slk

#endif
