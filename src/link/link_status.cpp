// SPDX-License-Identifier: MPL-2.0
#include <serverlink/link_status.hpp>

#include "base/try_allocate.hpp"

#include <cstdio>

namespace slk {

namespace {

number_text in_milliseconds(duration value) noexcept
{
    return number_text(std::chrono::duration_cast<std::chrono::milliseconds>(value).count());
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
    const number_text attempt(move.attempt), delay = in_milliseconds(move.delay);
    const std::string reason = move.reason ? to_string(move.reason) : std::string();
    const bool waits = move.delay > duration::zero();
    return joined({at, "  ", name_of(move.from), " -> ", name_of(move.to), "  (",
                   name_of(move.event), ", attempt ", attempt, ")", move.reason ? "  " : "", reason,
                   waits ? "  next in " : "", waits ? std::string_view(delay) : "",
                   waits ? " ms" : ""});
}

std::string to_string(const link_status& status, time_point now)
{
    const auto text_of = [](const address& value) {
        return value.family != address_family::none ? to_string(value) : std::string();
    };
    const number_text since = in_milliseconds(now - status.since);
    const number_text attempt(static_cast<std::int64_t>(status.attempt));
    const number_text generation(static_cast<std::int64_t>(status.generation));
    const bool waits = status.next_attempt != never;
    const number_text next = in_milliseconds(waits ? status.next_attempt - now : duration::zero());
    const std::string peer = text_of(status.peer);
    // Of a connected link it is history.
    const bool failed = status.state != link_state::connected;
    const std::string failure =
        failed && status.last_error ? to_string(status.last_error) : std::string();
    const std::string failed_at = failed ? text_of(status.last_error_address) : std::string();
    return joined({name_of(status.state), status.paused ? ", paused" : "", " for ", since, " ms",
                   ", attempt ", attempt, ", connection ", generation,
                   peer.empty() ? "" : ", peer ", peer, waits ? ", next in " : "",
                   waits ? std::string_view(next) : "", waits ? " ms" : "",
                   failure.empty() ? "" : ", last error: ", failure,
                   failed_at.empty() ? "" : " at ", failed_at});
}

} // namespace slk
