// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_MESSAGE_SOCKET_HPP
#define SLK_TOOL_MESSAGE_SOCKET_HPP

/// A socket for messages whose type is a word on the command line, and the options of one.

#include "interruption.hpp"
#include "output.hpp"
#include "tools/support/command_line.hpp"

#include <serverlink/context.hpp>
#include <serverlink/dealer.hpp>
#include <serverlink/pair.hpp>
#include <serverlink/pull.hpp>
#include <serverlink/push.hpp>
#include <serverlink/router.hpp>

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
    /// Each type takes what concerns it.
    router_options options;
    loop_options loop;
    bool verbose = false;
};

/// TYPE is one of `types`: those that can do what the command does (`what`: "send"). `into` must
/// live until the command has run.
void add_socket_options(command& to, socket_settings& into, const std::string& what,
                        std::initializer_list<std::string_view> types);
/// Checks the settings without a socket. Throws usage_error.
void require_valid(const socket_settings& settings);

/// What a socket's end has brought.
struct socket_outcome {
    std::uint64_t unsent = 0;
    std::uint64_t discarded = 0;
    /// Whose messages were unsent: "tcp://...: 3".
    std::vector<std::string> losers;
};

/// Every call that waits ends with errc::cancelled after an interruption. Failures to open it are
/// thrown: std::runtime_error, or usage_error for an endpoint that cannot be right.
class message_socket {
public:
    /// All of them outlive it. With settings.verbose, what becomes of the endpoints is told.
    message_socket(const socket_settings& settings, interruption& ctrl_c, printer& notes);

    /// Binds and connects. `listening` is told where.
    void open(const std::function<void(const std::string& endpoint)>& listening);
    /// Until there is somebody at every endpoint; where all are bound, until somebody comes.
    result<void> wait_ready(duration timeout);
    /// `to`: the routing id, of a ROUTER, which waits for its peer.
    result<send_outcome> send(const std::string& to, multipart&& whole, duration timeout);
    /// `from` is told by a ROUTER, and empty otherwise.
    result<void> receive(std::string& from, multipart& whole, duration timeout);
    /// Nothing, for that long. False: interrupted.
    bool pause(duration timeout);
    /// Waits until all that is queued was taken; an interruption makes that short.
    socket_outcome close(duration timeout);

    /// Why there is nobody at the endpoints, each on a line of its own; may be empty.
    [[nodiscard]] std::string complaints();
    [[nodiscard]] time_point origin() const noexcept { return origin_; }

private:
    using any_socket = std::variant<std::monostate, pair, dealer, router, push, pull>;
    struct seen {
        link_state state = link_state::idle;
        std::uint64_t attempt = 0;
        bool ready = false;
        std::size_t peers = 0;
        std::uint64_t refused = 0;
    };

    [[nodiscard]] slk::socket& base();
    template <class Step>
    auto patiently(duration timeout, Step step) -> decltype(step(slk::timeout{}));
    result<void> wait_for_route(const std::string& id, duration timeout);
    [[nodiscard]] bool is_waiting();
    void tell_news();
    void tell_news(const endpoint_status& now, seen& before);

    const socket_settings& settings_;
    interruption& ctrl_c_;
    printer& notes_;
    time_point origin_;
    std::optional<context> context_;
    any_socket socket_;
    std::vector<seen> seen_;
};

} // namespace slk::tool

#endif
