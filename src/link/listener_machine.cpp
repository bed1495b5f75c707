// SPDX-License-Identifier: MPL-2.0
#include "link/listener_machine.hpp"

namespace slk {

std::string_view name_of(listener_state state) noexcept
{
    switch (state) {
    case listener_state::idle: return "idle";
    case listener_state::opening: return "opening";
    case listener_state::listening: return "listening";
    case listener_state::pausing: return "pausing";
    }
    return "?";
}

} // namespace slk

namespace slk::link_detail {

namespace {

/// An error that a security module or a broken network gives for every accept takes no connection
/// out of the queue: without a pause the loop would spin.
constexpr int max_failures_in_a_row = 64;

} // namespace

std::span<const listener_transition> listener_transitions() noexcept
{
    using enum listener_state;

    // clang-format off
    static constexpr listener_transition transitions[] = {
        {idle, listener_event::opened, listening, ""},

        {listening, listener_event::accepted, listening, ""},
        {listening, listener_event::accept_failed, listening, "only that connection is lost"},
        {listening, listener_event::accept_failed, pausing, "no descriptors or memory, or repeated failures"},
        {listening, listener_event::accept_failed, opening, "the listening socket is broken"},
        {listening, listener_event::stop, idle, ""},

        {pausing, listener_event::accepted, pausing, "an accept that was posted before"},
        {pausing, listener_event::accept_failed, pausing, "an accept that was posted before"},
        {pausing, listener_event::accept_failed, opening, "the listening socket is broken"},
        {pausing, listener_event::pause_over, listening, ""},
        {pausing, listener_event::stop, idle, ""},

        {opening, listener_event::pause_over, opening, "the socket is opened"},
        {opening, listener_event::opened, listening, ""},
        {opening, listener_event::open_failed, opening, "tried again after a pause"},
        {opening, listener_event::accepted, opening, "an accept that was posted before"},
        {opening, listener_event::accept_failed, opening, "an accept that was posted before"},
        {opening, listener_event::stop, idle, ""},
    };
    // clang-format on
    return transitions;
}

std::string_view name_of(listener_event event) noexcept
{
    switch (event) {
    case listener_event::opened: return "opened";
    case listener_event::open_failed: return "open_failed";
    case listener_event::accepted: return "accepted";
    case listener_event::accept_failed: return "accept_failed";
    case listener_event::pause_over: return "pause_over";
    case listener_event::stop: return "stop";
    }
    return "?";
}

accept_failure classify_accept(const error& failure) noexcept
{
    if (failure == errc::too_many_descriptors || failure == errc::out_of_memory)
        return accept_failure::exhausted;
    // EBADF, EINVAL, ENOTSOCK and unknown codes: this socket will not accept any more.
    if (failure == errc::invalid_argument || failure == errc::invalid_state ||
        failure == errc::unknown)
        return accept_failure::broken;
    // accept(2): accept reports network errors that are pending on the new connection; they concern
    // that connection only.
    return accept_failure::this_connection;
}

listener_actions listener_machine::step(duration pause, time_point now, listener_event event,
                                        const error& failure) noexcept
{
    using enum listener_state;
    switch (event) {
    case listener_event::opened:
        if (state_ != idle && state_ != opening)
            return {};
        state_ = listening;
        return {.post = true};
    case listener_event::open_failed:
        if (state_ != opening)
            return {};
        return {.arm = after(now, pause)};
    case listener_event::accepted: failures_in_a_row_ = 0; return {.post = state_ == listening};
    case listener_event::accept_failed: {
        if (state_ != listening && state_ != pausing)
            return {};
        const accept_failure kind = classify_accept(failure);
        if (kind == accept_failure::broken) {
            state_ = opening;
            return {.close_socket = true, .arm = after(now, pause)};
        }
        if (state_ == pausing)
            return {};
        const bool exhausted = kind == accept_failure::exhausted;
        if (!exhausted && ++failures_in_a_row_ < max_failures_in_a_row)
            return {.post = true};
        failures_in_a_row_ = 0;
        state_ = pausing;
        return {.shed = exhausted, .arm = after(now, pause)};
    }
    case listener_event::pause_over:
        if (state_ == opening)
            return {.open = true};
        if (state_ != pausing)
            return {};
        state_ = listening;
        return {.post = true};
    case listener_event::stop:
        if (state_ == idle)
            return {};
        state_ = idle;
        return {.close_socket = true, .disarm = true};
    }
    return {};
}

} // namespace slk::link_detail
