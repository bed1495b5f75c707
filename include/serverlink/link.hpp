// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_LINK_HPP
#define SERVERLINK_LINK_HPP

/// slk::link: an outbound connection, over TCP or ipc, that establishes itself, reports its state
/// as a value, and reconnects.
///
///     auto link = slk::link::create(loop, "tcp://db.example:5432", {},
///                                   {.connected = [&](slk::stream s) { ... }});
///     (*link).start();
///
/// The link is the connecter of docs/states.md: idle, binding, connecting, tuning, connected,
/// backoff. Only stop() or a rule of its retry_policy ends it; it is then `idle`, and last_error
/// has the reason.

#include <serverlink/endpoint.hpp>
#include <serverlink/export.hpp>
#include <serverlink/link_status.hpp>
#include <serverlink/loop.hpp>
#include <serverlink/reconnect.hpp>
#include <serverlink/result.hpp>
#include <serverlink/stream.hpp>
#include <serverlink/tuning.hpp>

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace slk {

namespace link_detail {
class connecter;
}

/// Where a link connects to, and how.
struct link_options {
    /// The peer's endpoint: tcp or ipc.
    endpoint to{};
    /// When it tries again.
    reconnect_options reconnect{};
    /// Settings of the connection.
    tuning_options tuning{};

    /// errc::invalid_argument, with the option's fault as detail.
    [[nodiscard]] SLK_API result<void> validate() const;
};

/// A name was looked up.
struct lookup_report {
    std::string_view name; ///< the host, as in the endpoint
    /// In the order of the answer. After a failure of the name service: its last answer, which is
    /// used again.
    std::span<const address> addresses;
    duration took{}; ///< the time from the question to the answer
    error failure{}; ///< errc::ok if there was none
};

/// Called on the loop's thread; not after the link's destructor. A handler may call any function of
/// the link, and destroy it. It must not throw (serverlink/loop.hpp).
struct link_handlers {
    /// Called for every change of state, with the status after it.
    std::function<void(const link_transition&, const link_status&)> state_changed{};
    /// The link is connected: it passes the stream to the user, once for each connection. The link
    /// is lost when a transfer fails, or when the stream is closed or destroyed; it then reconnects
    /// by its policy. The link closes the stream when it is stopped or destroyed. Without this
    /// handler the link keeps the connection up and discards what it receives.
    std::function<void(stream)> connected{};
    /// Called for each answer of the name service. The lists are the caller's until it returns.
    std::function<void(const lookup_report&)> looked_up{};
};

/// A handle. Its functions may be called from any thread; they take effect on the loop's thread
/// soon afterwards, in the order of the calls. Once the loop is gone they do nothing.
class SLK_API link {
public:
    /// Creates a link that is not started yet. Errors: invalid_argument (an option), not_supported
    /// (ipc on Windows or in a simulation), loop_closed, forked, out_of_memory.
    [[nodiscard]] static result<link> create(loop& on, link_options options,
                                             link_handlers handlers = {});
    /// The same, to an endpoint as text; `options.to` is not used. Errors: also those of
    /// endpoint::parse().
    [[nodiscard]] static result<link>
    create(loop& on, std::string_view to, link_options options = {}, link_handlers handlers = {});

    link(link&& other) noexcept;
    link& operator=(link&& other) noexcept;
    /// Stops the link. On return no handler is running on another thread, and none will be called.
    /// Waits for nothing else.
    ~link();

    /// Starts, or starts again with a fresh backoff after the link was stopped.
    void start();
    /// Ends the attempt, the connection or the wait. Operations in flight are cancelled and their
    /// completions awaited, so `idle` may come a little later.
    void stop();
    /// In backoff: the next attempt comes after U[0, base], and the backoff is reset. In idle: as
    /// start(). In the other states, and while paused, it does nothing.
    void retry_now();
    /// No new attempt begins until resume(). A connection stays, and an attempt under way goes on.
    void pause();
    /// Ends pause(): attempts begin again.
    void resume();
    /// For usefulness::confirmed: the present connection is useful.
    void confirm_useful();

    /// Never waits for the loop. All fields are of the same moment. In a child process (fork(2)):
    /// idle, with errc::forked as the last error.
    [[nodiscard]] link_status status() const noexcept;
    /// Returns the flight recorder: the last moves, oldest first, at most `flight_recorder_size`.
    [[nodiscard]] std::vector<link_transition> recent_transitions() const;
    /// Moves that a link remembers.
    static constexpr std::size_t flight_recorder_size = 8;
    /// Returns the addresses that failed in the latest attempt, in the order of failing. Each
    /// attempt begins with an empty list. Any thread; copies under a lock.
    [[nodiscard]] std::vector<address_failure> address_failures() const;
    /// Returns the status, the failed addresses and the flight recorder as text for people. This
    /// and the lists are empty, or lack a part, when memory is exhausted.
    [[nodiscard]] std::string report() const;

    /// Returns the endpoint that was given to create().
    [[nodiscard]] const endpoint& target() const noexcept;

private:
    explicit link(link_detail::connecter* core) noexcept : core_(core) {}

    link_detail::connecter* core_ = nullptr;
};

} // namespace slk

#endif
