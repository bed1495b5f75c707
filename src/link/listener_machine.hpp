// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LINK_LISTENER_MACHINE_HPP
#define SLK_LINK_LISTENER_MACHINE_HPP

/// The listener's state machine: what an error of accept means, and when to go on.
///
///    actions = machine.step(pause, now, input)
///
/// It is pure, as the connecter's is: time comes in, actions go out.

#include <serverlink/clock.hpp>
#include <serverlink/error.hpp>
#include <serverlink/listener.hpp>

#include <cstdint>
#include <span>
#include <string_view>

namespace slk::link_detail {

enum class listener_event : std::uint8_t {
    opened,        ///< the socket listens
    open_failed,   ///< it could not be opened again
    accepted,
    accept_failed, ///< one connection is gone; or there is no descriptor; or the socket is broken
    pause_over,
    stop,
};
inline constexpr std::size_t listener_event_count = 6;

[[nodiscard]] std::string_view name_of(listener_event event) noexcept;

/// What an error of accept means for the listener.
enum class accept_failure : std::uint8_t {
    this_connection, ///< the client is gone: go on
    exhausted,       ///< no descriptor or memory: shed, pause
    broken,          ///< the listening socket itself: open a new one
};

[[nodiscard]] accept_failure classify_accept(const error& failure) noexcept;

struct listener_actions {
    bool post = false;         ///< accepts, up to the number in the options
    bool shed = false;         ///< waiting connections, by the reserve descriptor
    bool close_socket = false;
    bool open = false;         ///< a new listening socket; next input: opened or open_failed
    time_point arm = never;    ///< the timer; its input is pause_over
    bool disarm = false;
};

struct listener_transition {
    listener_state from;
    listener_event event;
    listener_state to;
    const char* when;
};

[[nodiscard]] std::span<const listener_transition> listener_transitions() noexcept;

class listener_machine {
public:
    listener_actions step(duration pause, time_point now, listener_event event,
                          const error& failure = {}) noexcept;

    [[nodiscard]] listener_state state() const noexcept { return state_; }

private:
    listener_state state_ = listener_state::idle;
    int failures_in_a_row_ = 0;
};

} // namespace slk::link_detail

#endif
