// SPDX-License-Identifier: MPL-2.0
#include "messaging/connection/connection_machine.hpp"

#include <utility>

namespace slk::messaging {

namespace {

using enum connection_state;
using enum connection_action;

// clang-format off
constexpr connection_transition transitions[] = {
    {waiting, connection_event::stream, handshaking, ""},
    {waiting, connection_event::close, closed, ""},

    {handshaking, connection_event::stream, handshaking, "the stream waits, if one may follow"},
    {handshaking, connection_event::handshaken, ready, ""},
    {handshaking, connection_event::lost, ending, ""},
    {handshaking, connection_event::close, ending, ""},

    {ready, connection_event::stream, ready, "the stream waits, if one may follow"},
    {ready, connection_event::lost, ending, ""},
    {ready, connection_event::close, ending, "the stream is drained, or closed"},

    {ending, connection_event::stream, ending, "the stream waits, if one may follow"},
    {ending, connection_event::lost, ending, "a stream that drains is closed"},
    {ending, connection_event::close, ending, "no other stream follows"},
    {ending, connection_event::returned, waiting, "no stream waits, and one may follow"},
    {ending, connection_event::returned, handshaking, "a stream waits"},
    {ending, connection_event::returned, closed, "no other stream follows"},
};
// clang-format on

} // namespace

std::span<const connection_transition> connection_transitions() noexcept
{
    return transitions;
}

std::string_view name_of(connection_state state) noexcept
{
    switch (state) {
    case waiting: return "waiting";
    case handshaking: return "handshaking";
    case ready: return "ready";
    case ending: return "ending";
    case closed: return "closed";
    }
    return "unknown";
}

std::string_view name_of(connection_event event) noexcept
{
    switch (event) {
    case connection_event::stream: return "stream";
    case connection_event::handshaken: return "handshaken";
    case connection_event::lost: return "lost";
    case connection_event::close: return "close";
    case connection_event::returned: return "returned";
    }
    return "unknown";
}

connection_actions connection_machine::step(const connection_input& input) noexcept
{
    switch (input.event) {
    case connection_event::stream: return begin();
    case connection_event::handshaken:
        if (state_ != handshaking)
            return {};
        state_ = ready;
        was_ready_ = true;
        return {report_connected};
    case connection_event::lost: return lose();
    case connection_event::close: return close(input.drain);
    case connection_event::returned: return end();
    }
    return {};
}

connection_actions connection_machine::begin() noexcept
{
    if (last())
        return {};
    if (state_ != waiting) {
        kept_ = true;
        return {keep_stream};
    }
    state_ = handshaking;
    return {connection_action::begin};
}

connection_actions connection_machine::lose() noexcept
{
    if (state_ == ending)
        return std::exchange(draining_, false) ? connection_actions{close_stream}
                                               : connection_actions{};
    if (!has_stream())
        return {};
    last_ = last_ || single_;
    connection_actions actions{close_stream};
    if (state_ == handshaking)
        actions.add(report_failed);
    state_ = ending;
    return actions;
}

connection_actions connection_machine::close(bool drain) noexcept
{
    last_ = true;
    kept_ = false;
    switch (state_) {
    case waiting: state_ = closed; return {finish};
    case handshaking: state_ = ending; return {close_stream};
    case ready:
        state_ = ending;
        draining_ = drain;
        return {drain ? drain_stream : close_stream};
    case ending:
        return !drain && std::exchange(draining_, false) ? connection_actions{close_stream}
                                                         : connection_actions{};
    case closed: return {};
    }
    return {};
}

connection_actions connection_machine::end() noexcept
{
    if (state_ != ending)
        return {};
    connection_actions actions;
    if (std::exchange(was_ready_, false))
        actions.add(report_disconnected);
    draining_ = false;
    if (last_) {
        state_ = closed;
        actions.add(finish);
    } else if (std::exchange(kept_, false)) {
        state_ = handshaking;
        actions.add(connection_action::begin);
    } else {
        state_ = waiting;
    }
    return actions;
}

std::uint32_t connection_machine::fingerprint() const noexcept
{
    return static_cast<std::uint32_t>(state_) | std::uint32_t{last_} << 8 |
           std::uint32_t{was_ready_} << 9 | std::uint32_t{draining_} << 10 |
           std::uint32_t{kept_} << 11 | std::uint32_t{single_} << 12;
}

} // namespace slk::messaging
