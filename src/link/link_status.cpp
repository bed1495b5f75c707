// SPDX-License-Identifier: MPL-2.0
#include <serverlink/link_status.hpp>

#include <cstdio>

namespace slk {

namespace {

std::string in_milliseconds(duration value)
{
    const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(value).count();
    return std::to_string(count) + " ms";
}

} // namespace

std::string_view name_of(link_state state) noexcept
{
    switch (state) {
    case link_state::idle: return "idle";
    case link_state::binding: return "binding";
    case link_state::connecting: return "connecting";
    case link_state::tuning: return "tuning";
    case link_state::connected: return "connected";
    case link_state::backoff: return "backoff";
    }
    return "?";
}

std::string_view name_of(link_event event) noexcept
{
    switch (event) {
    case link_event::start: return "start";
    case link_event::stop: return "stop";
    case link_event::pause: return "pause";
    case link_event::resume: return "resume";
    case link_event::retry_now: return "retry_now";
    case link_event::woke: return "woke";
    case link_event::resolved: return "resolved";
    case link_event::bound: return "bound";
    case link_event::completed: return "completed";
    case link_event::tuned: return "tuned";
    case link_event::failed: return "failed";
    case link_event::deadline: return "deadline";
    case link_event::retry_due: return "retry_due";
    case link_event::useful: return "useful";
    case link_event::lost: return "lost";
    case link_event::stagger: return "stagger";
    }
    return "?";
}

std::string to_string(const link_transition& move, time_point origin)
{
    char at[32];
    std::snprintf(at, sizeof at, "%9.3fs", std::chrono::duration<double>(move.at - origin).count());
    std::string line(at);
    line += "  ";
    line += name_of(move.from);
    line += " -> ";
    line += name_of(move.to);
    line += "  (";
    line += name_of(move.event);
    line += ", attempt ";
    line += std::to_string(move.attempt);
    line += ')';
    if (move.reason)
        line += "  " + to_string(move.reason);
    if (move.delay > duration::zero())
        line += "  next in " + in_milliseconds(move.delay);
    return line;
}

std::string to_string(const link_status& status, time_point now)
{
    std::string line(name_of(status.state));
    line += status.paused ? ", paused" : "";
    line += " for " + in_milliseconds(now - status.since);
    line += ", attempt " + std::to_string(status.attempt);
    line += ", connection " + std::to_string(status.generation);
    if (status.peer.family != address_family::none)
        line += ", peer " + to_string(status.peer);
    if (status.next_attempt != never)
        line += ", next in " + in_milliseconds(status.next_attempt - now);
    // Of a connected link it is history.
    if (status.state == link_state::connected)
        return line;
    if (status.last_error)
        line += ", last error: " + to_string(status.last_error);
    if (status.last_error_address.family != address_family::none)
        line += " at " + to_string(status.last_error_address);
    return line;
}

} // namespace slk
