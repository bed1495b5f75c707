// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_MESSAGE_SOCKET_HPP
#define SLK_TOOL_MESSAGE_SOCKET_HPP

/// A message socket whose type is a word on the command line, and its options.

#include "http_page.hpp"
#include "interruption.hpp"
#include "output.hpp"
#include "tools/support/command_line.hpp"

#include <serverlink/context.hpp>
#include <serverlink/dealer.hpp>
#include <serverlink/events.hpp>
#include <serverlink/log.hpp>
#include <serverlink/pair.hpp>
#include <serverlink/pub.hpp>
#include <serverlink/pull.hpp>
#include <serverlink/push.hpp>
#include <serverlink/rep.hpp>
#include <serverlink/req.hpp>
#include <serverlink/router.hpp>
#include <serverlink/stream_socket.hpp>
#include <serverlink/sub.hpp>
#include <serverlink/xpub.hpp>
#include <serverlink/xsub.hpp>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace slk::tool {

struct socket_settings {
    std::string type;
    std::vector<std::string> bind;
    std::vector<std::string> connect;
    std::vector<std::string> subscribe; ///< sub and xsub; empty: everything, unless `patterns`
    std::vector<std::string> patterns; ///< sub
    /// Each type of socket uses those that it has.
    router_options options;
    loop_options loop;
    std::optional<std::string> http; ///< the address of a page
    bool verbose = false;
    bool events = false;
    bool peers = false;
    std::optional<log_level> log; ///< lines of at least this level are shown
    bool json = false; ///< events, peers and the log are printed as JSON

    /// Something is shown while the socket waits.
    [[nodiscard]] bool shows_changes() const noexcept { return verbose || events || peers || log; }
};

/// TYPE is one of `types`: those that can do what the command does (`what`: "send"). If there is
/// only one, the command line does not name it. `into` must live until the command has run.
void add_socket_options(command& to, socket_settings& into, const std::string& what,
                        std::initializer_list<std::string_view> types);
/// Checks the settings without a socket, and completes them. Throws usage_error.
void require_valid(socket_settings& settings);

/// The messages that a socket has lost by its end.
struct socket_outcome {
    std::uint64_t unsent = 0;
    std::uint64_t discarded = 0;
    std::uint64_t lapsed = 0; ///< dropped before they were sent
    /// "tcp://...: 3", for each peer with unsent messages.
    std::vector<std::string> unsent_by_peer;
};

/// Every call that waits ends with errc::cancelled after an interruption. Failures to open the
/// socket are thrown: std::runtime_error, or usage_error for an endpoint that is wrong.
class message_socket {
public:
    /// The arguments outlive the socket. `notes` shows what the settings ask for: changes of the
    /// endpoints, events, peers.
    message_socket(const socket_settings& settings, interruption& ctrl_c, printer& notes);

    /// Binds and connects. `listening` is called with each bound endpoint.
    void open(const std::function<void(const std::string& endpoint)>& listening);
    /// Waits until every endpoint has a peer; if all are bound, until one peer has connected.
    result<void> wait_ready(duration timeout);
    /// PUB and XPUB: waits until every peer has subscribed to something.
    result<void> wait_subscribed(duration timeout);
    /// `to`: the routing id for a ROUTER, which waits for that peer. A STREAM sends the parts one
    /// behind the other to its peer of connect(), of which there is one.
    result<send_outcome> send(const std::string& to, multipart&& whole, duration timeout);
    /// `from` becomes the routing id if this is a ROUTER or STREAM, else it becomes empty.
    result<void> receive(std::string& from, multipart& whole, duration timeout);
    /// Waits. False: interrupted.
    bool pause(duration timeout);
    /// Waits until all queued messages have been sent; not for long after an interruption.
    socket_outcome close(duration timeout);

    /// Why endpoints have no peer, a line for each such endpoint; may be empty.
    [[nodiscard]] std::string missing_peers();
    /// The exit code after a time-out: exit_refused if an endpoint is without a peer for that
    /// reason, else exit_timed_out.
    [[nodiscard]] int missing_code();
    [[nodiscard]] time_point origin() const noexcept { return origin_; }

private:
    using any_socket = std::variant<std::monostate, pair, dealer, router, push, pull, pub, sub,
                                    xpub, xsub, req, rep, stream_socket>;
    struct endpoint_view {
        link_state state = link_state::idle;
        std::uint64_t attempt = 0;
        bool ready = false;
        std::size_t peers = 0;
        std::uint64_t handshake_failures = 0;
    };

    [[nodiscard]] slk::socket& base();
    template <class Step>
    auto wait_in_steps(duration timeout, Step step) -> decltype(step(slk::timeout{}));
    void subscribe();
    void discard_reports();
    result<void> wait_for_peer(const std::string& id, duration timeout);
    [[nodiscard]] bool is_waiting();
    void show_changes();
    [[nodiscard]] bool show_events();
    void show_peers();
    void show_log();
    void show_changes(const endpoint_status& now, endpoint_view& before);

    const socket_settings& settings_;
    interruption& ctrl_c_;
    printer& notes_;
    time_point origin_;
    std::optional<context> context_;
    any_socket socket_;
    std::optional<http_page> page_;
    std::optional<event_stream> events_;
    std::optional<log_stream> log_;
    std::vector<endpoint_view> shown_;
};

} // namespace slk::tool

#endif
