// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_LINK_HPP
#define SERVERLINK_LINK_HPP

/// slk::link: an outbound connection, over TCP or ipc, that establishes itself, reports its state
/// as a value, and heals.
///
///     auto options = slk::link_options{.to = *slk::endpoint::parse("tcp://db.example:5432")};
///     auto link = slk::link::create(loop, options, {.connected = [&](slk::stream s) { ... }});
///     (*link).start();
///
/// The link is the connecter of docs/states.md: idle, binding, connecting, tuning, connected,
/// backoff. It never gives up by surprise: what ends it is stop(), or a rule of its retry_policy,
/// and then `idle` comes with the reason.

#include <serverlink/endpoint.hpp>
#include <serverlink/export.hpp>
#include <serverlink/link_status.hpp>
#include <serverlink/loop.hpp>
#include <serverlink/reconnect.hpp>
#include <serverlink/result.hpp>
#include <serverlink/stream.hpp>
#include <serverlink/tuning.hpp>

#include <functional>
#include <string>
#include <vector>

namespace slk {

namespace link_detail {
class connecter;
}

struct link_options {
    endpoint to{};
    reconnect_options reconnect{};
    tuning_options tuning{};

    /// errc::invalid_argument, with what is wrong as detail.
    [[nodiscard]] SLK_API result<void> validate() const;
};

/// Called on the loop's thread. A handler may call anything of the link, and destroy it.
struct link_handlers {
    /// Every change of state, with the status as it is now.
    std::function<void(const link_transition&, const link_status&)> state_changed{};
    /// The link is connected: the stream is handed over, once for each connection. The link is
    /// lost when a transfer fails, or when the stream is closed or destroyed; it then goes on by
    /// its policy. The link closes the stream when it is stopped or destroyed. Without this
    /// handler the link keeps the connection up by itself and drops what arrives.
    std::function<void(stream)> connected{};
};

/// A handle. Its calls may be made from any thread; what they ask for happens on the loop's
/// thread soon afterwards, in the order of the calls. Once the loop is gone they do nothing.
class SLK_API link {
public:
    /// Errors: invalid_argument (an option), not_supported (ipc on Windows or in a simulation),
    /// loop_closed, out_of_memory. Nothing is started yet.
    [[nodiscard]] static result<link> create(loop& on, link_options options,
                                             link_handlers handlers = {});

    link(link&& other) noexcept;
    link& operator=(link&& other) noexcept;
    /// Stops the link. When it returns no handler is running on another thread, and none will be
    /// called. Does not wait for anything else.
    ~link();

    /// Begins, or begins again with a fresh backoff after the link was stopped.
    void start();
    /// Ends the attempt, the connection or the waiting. What is in flight is cancelled and waited
    /// for, so `idle` may come a little later.
    void stop();
    /// In backoff: the next attempt comes after U[0, base], and the backoff begins anew. In idle:
    /// as start(). Otherwise, and while paused, nothing.
    void retry_now();
    /// No new attempt begins until resume(). A connection stays, an attempt under way goes on.
    void pause();
    void resume();
    /// For usefulness::confirmed: the present connection is good.
    void confirm_useful();

    /// Never waits for the loop; consistent in itself.
    [[nodiscard]] link_status status() const noexcept;
    /// The flight recorder: the last moves, oldest first, at most `flight_recorder_size`.
    [[nodiscard]] std::vector<link_transition> recent_transitions() const;
    static constexpr std::size_t flight_recorder_size = 8;
    /// The addresses that failed in the latest attempt, in the order of failing. Each attempt
    /// begins with none. Any thread; copies under a lock.
    [[nodiscard]] std::vector<address_failure> address_failures() const;
    /// The status, the failed addresses and the flight recorder as text, for people.
    [[nodiscard]] std::string report() const;

    /// Where it connects to, as given to create().
    [[nodiscard]] const endpoint& target() const noexcept;

private:
    explicit link(link_detail::connecter* core) noexcept : core_(core) {}

    link_detail::connecter* core_ = nullptr;
};

} // namespace slk

#endif
