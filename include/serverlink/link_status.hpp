// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_LINK_STATUS_HPP
#define SERVERLINK_LINK_STATUS_HPP

/// The state of a link, as a value that any thread may read at any time.

#include <serverlink/address.hpp>
#include <serverlink/clock.hpp>
#include <serverlink/error.hpp>
#include <serverlink/export.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace slk {

/// The states of the connecter; docs/states.md shows the moves between them.
enum class link_state : std::uint8_t {
    idle,       ///< nothing is open or planned; last_error is the reason if it was stopped
    binding,    ///< the name is looked up, a new socket is opened and bound
    connecting, ///< the system connects
    tuning,     ///< the system reports a connection; it is checked and configured
    connected,  ///< the stream belongs to the user
    backoff,    ///< waiting for the next attempt; nothing is open
};
/// The number of states.
inline constexpr std::size_t link_state_count = 6;

/// The events that move a link.
enum class link_event : std::uint8_t {
    start,
    stop,
    pause,
    resume,
    retry_now,
    woke,      ///< the machine was suspended and is back
    resolved,  ///< addresses are known
    bound,     ///< a socket is open and bound
    completed, ///< the system connected, to one of the addresses
    tuned,
    failed,    ///< the step under way failed, or ended after a cancel
    deadline,  ///< the attempt's time is over
    retry_due, ///< the delay of the backoff is over
    useful,    ///< the connection proved useful
    lost,      ///< the connection is gone
    stagger,   ///< no address has connected yet: the next one joins the race
};
/// The number of events.
inline constexpr std::size_t link_event_count = 16;

[[nodiscard]] SLK_API std::string_view name_of(link_state state) noexcept;
[[nodiscard]] SLK_API std::string_view name_of(link_event event) noexcept;

/// What a link does, and why, at one moment.
struct link_status {
    /// What it does.
    link_state state = link_state::idle;
    /// Link::pause() was called: no attempt begins.
    bool paused = false;
    /// In `connected`: the connection has proved useful (reconnect_options::useful_when).
    bool useful = false;
    /// The time at which the state was entered.
    time_point since{};
    /// Attempts begun since the link was created. One attempt tries every address of the name.
    std::uint64_t attempt = 0;
    /// Delays in a row without a useful and stable connection between them.
    std::uint32_t retries = 0;
    /// In `backoff`: the time of the next attempt; slk::never while paused. slk::never in other
    /// states.
    time_point next_attempt = never;
    /// The number of connections passed to the user so far; 0 before the first.
    std::uint64_t generation = 0;
    /// The latest failure of a step, kept while a later attempt is under way. start() clears it;
    /// errc::ok if there was none since.
    error last_error{};
    /// The address that `last_error` is about; without a family if it is about none.
    address last_error_address{};
    /// The address that the link tries or is connected to; none in `idle` and `backoff`.
    address peer{};
    /// This side's address while connected.
    address local{};
};

static_assert(std::is_trivially_copyable_v<link_status>);

/// The failure of one address of a name.
struct address_failure {
    slk::address address{}; ///< of the name
    error reason{}; ///< why it failed

    friend bool operator==(const address_failure&, const address_failure&) = default;
};

/// One move of the flight recorder.
struct link_transition {
    std::uint64_t number = 0; ///< 1 for the first move since the link was created
    time_point at{}; ///< when it happened
    link_state from = link_state::idle; ///< the state before
    link_state to = link_state::idle; ///< the state after
    link_event event = link_event::start; ///< what caused it
    std::uint32_t attempt = 0; ///< low 32 bits of link_status::attempt
    /// The failure that ended the state, if there was one.
    error reason{};
    /// On entering `backoff`: the length of the wait; otherwise zero.
    duration delay{};
};

static_assert(std::is_trivially_copyable_v<link_transition>);

/// Returns one line: "  12.345s  connecting -> backoff  failed  attempt 3  connect:
/// connection_refused (native 111)  next in 140 ms". `origin` is the time that is printed as zero.
/// Both texts are empty, or lack a part, when memory is exhausted.
[[nodiscard]] SLK_API std::string to_string(const link_transition& move, time_point origin);
/// Returns one line for the whole status; without the last error while the link is connected.
[[nodiscard]] SLK_API std::string to_string(const link_status& status, time_point now);

} // namespace slk

#endif
