// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LINK_CONNECTER_MACHINE_HPP
#define SLK_LINK_CONNECTER_MACHINE_HPP

/// The connecter's state machine, and nothing else: no clock, no random source, no socket.
///
///    actions = machine.step(options, moment, input)
///
/// The driver (connecter.cpp) performs the actions and reports their outcomes as the next input.
/// The machine promises:
///
///  - In flight is a name lookup, or up to max_at_once connects, each on its own socket to another
///    address of the name (RFC 8305).
///  - The first connect that succeeds wins; the others are dropped at once, and their completions
///    are no input.
///  - The completions of operations that a stop or the deadline cancels are awaited: the state is
///    left only when the last one has come, whichever it is.
///  - One attempt is one cycle over all addresses, under one deadline; it ends in exactly one of
///    connected, backoff or idle.
///  - In `idle` and `backoff` nothing is open and nothing is in flight; in `backoff`, unless the
///    link is paused, the timer is armed.

#include <serverlink/link_status.hpp>
#include <serverlink/reconnect.hpp>

#include <cstdint>
#include <span>

namespace slk::link_detail {

/// The input is not about one of the attempt's addresses.
inline constexpr std::uint32_t no_candidate = UINT32_MAX;

/// An event, with the data that the machine needs.
struct connecter_input {
    link_event event = link_event::start;
    error failure{};              ///< failed, lost
    std::uint32_t candidates = 0; ///< resolved: how many addresses there are
    /// bound, completed, failed: which of them. A lookup that failed has none.
    std::uint32_t candidate = no_candidate;
};

/// What reason() is about after a step.
enum class reason_subject : std::uint8_t {
    unchanged,
    no_address, ///< there is no reason, or it is a lookup's or the owner's
    candidate,  ///< the address connecter_actions::failed_candidate
};

/// The time and 64 random bits, as values.
struct moment {
    time_point now{};
    std::uint64_t random = 0;
};

/// What the driver is to do, in this order. The driver closes a socket whose opening or connect
/// failed; the connected one is closed when the machine says so.
struct connecter_actions {
    bool disarm = false;       ///< the timer
    bool cancel = false;       ///< the lookup or the connects in flight; their completions follow
    bool drop_others =
        false;  ///< cancel and close the connects in flight; their completions are no input
    bool close_socket = false; ///< the connected one; if it was handed over, end the stream
    bool resolve = false;      ///< next input: resolved or failed
    bool open = false; ///< candidate()'s new socket, bound; next input, at once: bound or failed
    bool connect = false; ///< candidate(), opened just now; next input: completed or failed
    bool tune = false; ///< next input: tuned or failed
    bool hand_over = false; ///< the connection becomes the user's; last input: lost
    time_point arm = never; ///< the timer; its input is deadline, or retry_due in backoff
    /// The race's own timer, which needs no disarming: outside of a race `stagger` does nothing.
    time_point arm_stagger = never;
    /// Which of the attempt's addresses reason() is about; in `lost`, the one that was connected.
    reason_subject subject = reason_subject::unchanged;
    std::uint32_t failed_candidate = no_candidate;
};

/// One legal move. Where a state and an event appear in several rows, the machine's data decides:
/// whether addresses are left, whether a stop is pending, and what the policy says.
struct connecter_transition {
    link_state from;
    link_event event;
    link_state to;
    const char* when; ///< the condition, in words; empty if there is none
};

/// The specification: docs/states.md and its diagram are made from it, the tests walk it.
[[nodiscard]] std::span<const connecter_transition> connecter_transitions() noexcept;

class connecter_machine {
public:
    /// The maximum of connects in flight. Further addresses wait until one has failed.
    static constexpr std::uint32_t max_at_once = 4;
    /// Further addresses of a name are not tried.
    static constexpr std::uint32_t max_candidates = 255;

    /// An input without a row for the present state changes nothing and asks for nothing.
    connecter_actions step(const reconnect_options& options, moment at,
                           const connecter_input& input) noexcept;

    [[nodiscard]] link_state state() const noexcept { return state_; }
    [[nodiscard]] bool paused() const noexcept { return paused_; }
    [[nodiscard]] bool useful() const noexcept { return useful_; }
    /// A lookup or connects are in flight: each completion will be an input.
    [[nodiscard]] bool awaiting() const noexcept { return looking_up_ || connects_ > 0; }
    /// The number of connects in flight.
    [[nodiscard]] std::uint32_t connects() const noexcept { return connects_; }
    /// The operations in flight were cancelled; their outcome no longer matters.
    [[nodiscard]] bool ending() const noexcept { return ending_ != end_kind::no; }
    [[nodiscard]] std::uint64_t attempt() const noexcept { return attempt_; }
    [[nodiscard]] std::uint32_t retries() const noexcept { return retries_; }
    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }
    /// The index of the address that was begun last, or has won.
    [[nodiscard]] std::uint32_t candidate() const noexcept { return candidate_; }
    /// Why the last attempt or connection ended.
    [[nodiscard]] const error& reason() const noexcept { return reason_; }
    [[nodiscard]] duration delay() const noexcept { return delay_; }
    [[nodiscard]] time_point next_attempt() const noexcept { return next_attempt_; }

    /// The discrete part of the state in 64 bits, without times and counters, for an exhaustive
    /// search.
    [[nodiscard]] std::uint64_t fingerprint() const noexcept;

private:
    enum class end_kind : std::uint8_t {
        no,
        attempt, ///< the deadline passed: then by policy
        link, ///< stop: then idle
        restart, ///< stop, then start: then a new attempt
    };

    connecter_actions start(const reconnect_options& options, moment at) noexcept;
    connecter_actions begin_attempt(const reconnect_options& options, moment at) noexcept;
    connecter_actions resolved(const reconnect_options& options, moment at,
                               std::uint32_t candidates) noexcept;
    connecter_actions bound(const reconnect_options& options, moment at,
                            std::uint32_t candidate) noexcept;
    connecter_actions completed(const reconnect_options& options, moment at,
                                std::uint32_t candidate) noexcept;
    connecter_actions failed(const reconnect_options& options, moment at, const error& failure,
                             std::uint32_t candidate) noexcept;
    connecter_actions open_next() noexcept;
    connecter_actions candidate_failed(const reconnect_options& options, moment at,
                                       const error& failure, std::uint32_t candidate) noexcept;
    connecter_actions run_out_of_time(const reconnect_options& options, moment at) noexcept;
    connecter_actions expire(const reconnect_options& options, moment at) noexcept;
    connecter_actions stop() noexcept;
    connecter_actions finish_ending(const reconnect_options& options, moment at) noexcept;
    connecter_actions end_attempt(const reconnect_options& options, moment at,
                                  const error& failure) noexcept;
    connecter_actions lose(const reconnect_options& options, moment at,
                           const error& failure) noexcept;
    connecter_actions go_idle(const error& reason) noexcept;
    connecter_actions wait_for_retry(moment at, duration delay) noexcept;
    [[nodiscard]] duration retry_delay(const reconnect_options& options, moment at,
                                       retry_rule rule) noexcept;
    [[nodiscard]] duration backoff_delay_now(const reconnect_options& options,
                                             moment at) const noexcept;

    link_state state_ = link_state::idle;
    end_kind ending_ = end_kind::no;
    bool looking_up_ = false;
    bool opening_ = false; ///< the outcome of an open is awaited
    bool failed_ = false; ///< an address has failed in this cycle, and reason_ says why
    bool paused_ = false;
    bool useful_ = false;
    std::uint8_t connects_ = 0; ///< in flight
    std::uint8_t candidate_ = 0;
    std::uint8_t begun_ = 0; ///< candidates opened so far in this cycle
    std::uint8_t candidates_ = 0; ///< of this cycle
    std::uint32_t retries_ = 0;
    std::uint64_t attempt_ = 0;
    std::uint64_t generation_ = 0;
    time_point attempt_began_{};
    time_point connected_at_{};
    time_point next_attempt_ = never;
    duration delay_{};
    error reason_{};
};

} // namespace slk::link_detail

#endif
