// SPDX-License-Identifier: MPL-2.0

// Events as lines of a log.

#include <serverlink/log.hpp>

#include "base/call_user.hpp"
#include "base/try_allocate.hpp"
#include "messaging/context/context_core.hpp"
#include "messaging/observe/event_watch.hpp"

#include <algorithm>
#include <initializer_list>
#include <utility>

namespace slk {

namespace {

/// A link that ends for a reason has failed; one that is stopped has not.
bool has_failed(const event& what) noexcept
{
    return what.reason && what.reason != errc::cancelled && what.reason != errc::end_of_stream;
}

/// The most important level that events of the kind may have.
log_level max_level_of(event_kind kind) noexcept
{
    event failed;
    failed.kind = kind;
    failed.to = link_state::idle;
    failed.reason = {errc::timed_out, phase::none};
    event plain;
    plain.kind = kind;
    return std::max(level_of(failed), level_of(plain));
}

event_set kinds_from(log_level level) noexcept
{
    event_set kinds;
    for (std::size_t number = 0; number < event_kind_count; ++number)
        if (const auto kind = static_cast<event_kind>(number); max_level_of(kind) >= level)
            kinds = kinds.with(kind);
    return kinds;
}

log_line line_of(const event& what, log_level level)
{
    return {what.at, level, component_of(what.kind), what.socket, to_string(what)};
}

/// The backend of a loop, and those that were refused.
result<void> describe(const loop& one, std::size_t number, log_level least,
                      std::vector<log_line>& into) noexcept
{
    const auto add = [&](log_level level, std::initializer_list<std::string_view> text) {
        if (level < least)
            return true;
        log_line line{one.now(), level, "loop", 0, joined(text)};
        return !line.text.empty() && try_push_back(into, std::move(line));
    };
    const std::string which =
        joined({"loop ", std::string_view(number_text(static_cast<std::int64_t>(number)))});
    bool whole = !which.empty();
    for (const refused_backend& each : one.refused_backends())
        whole = whole &&
                add(log_level::warning, {which, " falls back to ", one.backend(), ": ", each.name,
                                         " is not available (", to_string(each.reason), ")"});
    whole = whole && add(log_level::info, {which, " runs on ", one.backend()});
    return whole ? result<void>() : fail(errc::out_of_memory, phase::setup);
}

} // namespace

std::string_view name_of(log_level value) noexcept
{
    switch (value) {
    case log_level::debug: return "debug";
    case log_level::info: return "info";
    case log_level::warning: return "warning";
    case log_level::error: return "error";
    }
    return "unknown";
}

log_level level_of(const event& what) noexcept
{
    switch (what.kind) {
    case event_kind::bind_failed:
    case event_kind::set_aside: return log_level::error;
    case event_kind::accept_failed:
    case event_kind::accept_refused:
    case event_kind::handshake_failed_no_detail:
    case event_kind::handshake_failed_protocol:
    case event_kind::handshake_failed_auth:
    case event_kind::stalled:
    case event_kind::heartbeat_missed:
    case event_kind::dropped:
    case event_kind::events_lost: return log_level::warning;
    case event_kind::listening:
    case event_kind::connect_retried:
    case event_kind::peer_added:
    case event_kind::recovered: return log_level::info;
    case event_kind::closed:
    case event_kind::peer_removed: return has_failed(what) ? log_level::warning : log_level::info;
    case event_kind::name_lookup:
    case event_kind::disconnected: return has_failed(what) ? log_level::warning : log_level::debug;
    case event_kind::link_state:
        return what.to == link_state::idle && has_failed(what) ? log_level::error
                                                               : log_level::debug;
    case event_kind::accepted:
    case event_kind::connect_delayed:
    case event_kind::connected:
    case event_kind::handshake_succeeded:
    case event_kind::subscribed:
    case event_kind::unsubscribed:
    case event_kind::heartbeat_answered:
    case event_kind::stopped: return log_level::debug;
    }
    return log_level::error;
}

std::string_view component_of(event_kind what) noexcept
{
    switch (what) {
    case event_kind::listening:
    case event_kind::bind_failed:
    case event_kind::accept_failed:
    case event_kind::accept_refused:
    case event_kind::closed: return "endpoint";
    case event_kind::connect_delayed:
    case event_kind::connect_retried:
    case event_kind::link_state:
    case event_kind::name_lookup: return "link";
    case event_kind::accepted:
    case event_kind::connected:
    case event_kind::disconnected: return "connection";
    case event_kind::handshake_succeeded:
    case event_kind::handshake_failed_no_detail:
    case event_kind::handshake_failed_protocol:
    case event_kind::handshake_failed_auth: return "handshake";
    case event_kind::peer_added:
    case event_kind::peer_removed:
    case event_kind::stalled:
    case event_kind::recovered:
    case event_kind::heartbeat_answered:
    case event_kind::heartbeat_missed:
    case event_kind::subscribed:
    case event_kind::unsubscribed: return "peer";
    case event_kind::set_aside:
    case event_kind::dropped: return "message";
    case event_kind::events_lost: return "log";
    case event_kind::stopped: return "socket";
    }
    return "unknown";
}

std::string to_string(const log_line& line)
{
    return joined({name_of(line.level), " ", line.component, ": ", line.text});
}

result<void> log_options::validate() const
{
    if (level > log_level::error)
        return fail(errc::invalid_argument, phase::setup, "level is not one of its values");
    event_options events;
    events.capacity = capacity;
    return events.validate();
}

result<log_stream> log_stream::of(const context& which, log_options options)
{
    SLK_TRY(options.validate());
    if (which.core() == nullptr)
        return fail(errc::invalid_state, phase::setup, "the context is empty");
    std::vector<log_line> first;
    std::size_t number = 0;
    for (const auto& each : which.core()->loops())
        SLK_TRY(describe(*each->loop, number++, options.level, first));
    event_options wanted;
    wanted.capacity = options.capacity;
    wanted.kinds = kinds_from(options.level);
    const log_level level = options.level;
    if (options.handler) {
        for (const log_line& line : first)
            call_user("log_options::handler", [&] { options.handler(line); });
        first.clear();
        const bool whole = try_allocate([&] {
            wanted.handler = [level, handler = std::move(options.handler)](const event& what) {
                if (const log_level its = level_of(what); its >= level)
                    handler(line_of(what, its));
            };
        });
        if (!whole)
            return fail(errc::out_of_memory, phase::setup);
    }
    SLK_TRY(auto events, event_stream::of(which, std::move(wanted)));
    return log_stream(std::move(events), std::move(first), level);
}

result<log_line> log_stream::next(const timeout& limit)
{
    if (first_read_ < first_.size())
        return std::move(first_[first_read_++]);
    const bool is_limited = limit.max_wait > duration::zero() &&
                            limit.max_wait != duration::max() && events_.core() != nullptr;
    const auto now = [&] { return events_.core()->context()->now(); };
    const time_point until = is_limited ? after(now(), limit.max_wait) : never;
    for (timeout left = limit;;) {
        SLK_TRY(const event what, events_.next(left));
        if (const log_level its = level_of(what); its >= level_)
            return line_of(what, its);
        if (is_limited)
            left.max_wait = std::max(until - now(), duration(1));
    }
}

bool log_stream::readable() const noexcept
{
    return first_read_ < first_.size() || events_.readable();
}

} // namespace slk
