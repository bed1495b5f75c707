// SPDX-License-Identifier: MPL-2.0
#include "http/page_state.hpp"

#include "http/json_text.hpp"

#include <serverlink/address.hpp>
#include <serverlink/config.hpp>

#include <chrono>
#include <utility>

namespace slk::http {

namespace {

double seconds(duration value)
{
    return std::chrono::duration<double>(value).count();
}

std::string version_text()
{
    return std::to_string(SLK_VERSION_MAJOR) + '.' + std::to_string(SLK_VERSION_MINOR) + '.' +
           std::to_string(SLK_VERSION_PATCH);
}

std::string address_text(const address& value)
{
    return value.family == address_family::none ? std::string() : to_string(value);
}

void add_socket_counters(json_text& to, const socket_counters& of)
{
    to.open_object("counters");
    to.number("queued_total", of.queued_total);
    to.number("received", of.received);
    to.number("dropped_no_route", of.dropped_no_route);
    to.number("dropped_full", of.dropped_full);
    to.number("unsent", of.unsent);
    to.number("dropped_stale", of.dropped_stale);
    to.number("expired", of.expired);
    to.number("discarded", of.discarded);
    to.number("set_aside", of.refused);
    to.number("rejected", of.rejected);
    to.close_object();
}

void add_endpoint(json_text& to, const endpoint_metrics& of)
{
    to.open_object();
    to.number("number", of.number);
    to.text("endpoint", of.endpoint);
    to.number("connections", of.connections);
    to.number("handshakes_succeeded", of.handshakes_succeeded);
    to.number("handshakes_failed", of.handshakes_failed_no_detail + of.handshakes_failed_protocol +
                                       of.handshakes_failed_auth);
    to.number("bytes_sent", of.bytes_sent);
    to.number("bytes_received", of.bytes_received);
    if (of.kind == endpoint_kind::connected) {
        to.text("state", name_of(of.link));
        to.number("attempts", of.attempts);
        to.number("retries", of.retries);
    } else {
        to.number("refused", of.refused);
        to.number("accept_failures", of.accept_failures);
    }
    to.close_object();
}

void add_peer(json_text& to, const peer_metrics& of)
{
    to.open_object();
    to.text("endpoint", of.endpoint);
    to.number("connection", of.connection);
    to.text("address", address_text(of.address));
    to.text("routing_id", of.routing_id);
    to.boolean("ready", of.ready);
    to.boolean("stalled", of.stalled);
    to.number("queued_total", of.queued_total);
    to.number("sent", of.sent);
    to.number("received", of.received);
    to.number("queued", of.queued);
    if (of.round_trip > duration::zero())
        to.number("round_trip", seconds(of.round_trip));
    to.close_object();
}

void add_socket(json_text& to, const socket_metrics& of)
{
    to.open_object();
    to.number("number", of.number);
    to.text("type", of.type);
    add_socket_counters(to, of.counters);
    to.open_list("endpoints");
    for (const endpoint_metrics& each : of.endpoints)
        add_endpoint(to, each);
    to.close_list();
    to.open_list("peers");
    for (const peer_metrics& each : of.peers)
        add_peer(to, each);
    to.close_list();
    to.close_object();
}

void add_event(json_text& to, const event& of, std::uint64_t number, time_point origin)
{
    to.open_object();
    to.number("number", number);
    to.number("at", seconds(of.at - origin));
    to.text("kind", name_of(of.kind));
    to.text("endpoint", of.endpoint);
    if (of.socket != 0)
        to.number("socket", of.socket);
    if (of.from != of.to) {
        to.text("from", name_of(of.from));
        to.text("to", name_of(of.to));
        to.number("attempt", of.attempt);
    }
    if (of.delay > duration::zero())
        to.number("delay", seconds(of.delay));
    if (of.reason)
        to.text("reason", to_string(of.reason));
    if (!of.routing_id.empty())
        to.text("routing_id", of.routing_id);
    if (of.address.family != address_family::none)
        to.text("address", to_string(of.address));
    if (of.count > 0)
        to.number("count", of.count);
    to.close_object();
}

void add_link(json_text& to, std::string_view name, const link_status& of)
{
    to.open_object();
    to.text("endpoint", name);
    to.text("state", name_of(of.state));
    to.number("attempts", of.attempt);
    to.number("retries", std::uint64_t{of.retries});
    to.number("connections", of.generation);
    to.text("address", address_text(of.peer));
    if (of.last_error && of.state != link_state::connected)
        to.text("reason", to_string(of.last_error));
    to.close_object();
}

void add_listener(json_text& to, std::string_view name, const listener_status& of)
{
    to.open_object();
    to.text("endpoint", name);
    to.text("state", name_of(of.state));
    to.number("accepted", of.accepted);
    to.number("failed", of.failed + of.shed);
    to.number("refused", of.refused);
    to.close_object();
}

} // namespace

event_set shown_events() noexcept
{
    return {event_kind::bind_failed,
            event_kind::accepted,
            event_kind::accept_failed,
            event_kind::accept_refused,
            event_kind::connect_delayed,
            event_kind::connect_retried,
            event_kind::link_state,
            event_kind::handshake_failed_no_detail,
            event_kind::handshake_failed_protocol,
            event_kind::handshake_failed_auth,
            event_kind::disconnected,
            event_kind::stalled,
            event_kind::recovered};
}

void page_state::push(event what)
{
    recent_.push_back({events_ + 1, std::move(what)});
    ++events_;
    if (recent_.size() > max_recent)
        recent_.pop_front();
}

void page_state::add(const event& what)
{
    event copied = what;
    const std::lock_guard lock(mutex_);
    push(std::move(copied));
}

void page_state::show(std::string_view name, const link_transition& move, const link_status& status)
{
    event what;
    what.kind = move.to == link_state::backoff      ? event_kind::connect_retried
                : move.to == link_state::connecting ? event_kind::connect_delayed
                                                    : event_kind::link_state;
    what.at = move.at;
    what.endpoint = name;
    what.address = status.peer;
    what.reason = move.reason;
    what.from = move.from;
    what.to = move.to;
    what.attempt = status.attempt;
    what.delay = move.delay;
    std::string key(name);
    const std::lock_guard lock(mutex_);
    links_[std::move(key)] = status;
    push(std::move(what));
}

void page_state::show(std::string_view name, const listener_status& status)
{
    std::string key(name);
    const std::lock_guard lock(mutex_);
    listeners_[std::move(key)] = status;
}

void page_state::forget(std::string_view name) noexcept
{
    const std::lock_guard lock(mutex_);
    if (const auto found = links_.find(name); found != links_.end())
        links_.erase(found);
    if (const auto found = listeners_.find(name); found != listeners_.end())
        listeners_.erase(found);
}

std::string page_state::json(const context_metrics& numbers, time_point now) const
{
    json_text to;
    to.open_object();
    to.text("version", version_text());
    to.number("time", seconds(now - origin_));
    to.open_object("memory");
    to.number("bytes", numbers.memory.bytes);
    to.number("max_bytes", numbers.memory.max_bytes);
    to.number("ended_connections", numbers.memory.ended_connections);
    to.close_object();
    to.open_list("sockets");
    for (const socket_metrics& each : numbers.sockets)
        add_socket(to, each);
    to.close_list();

    // A loop adds events: it does not wait while they are written.
    std::unique_lock lock(mutex_);
    const auto links = links_;
    const auto listeners = listeners_;
    const auto recent = recent_;
    const std::uint64_t events = events_;
    lock.unlock();
    to.open_list("links");
    for (const auto& [name, status] : links)
        add_link(to, name, status);
    to.close_list();
    to.open_list("listeners");
    for (const auto& [name, status] : listeners)
        add_listener(to, name, status);
    to.close_list();
    to.number("event_count", events);
    to.open_list("events");
    for (const numbered& each : recent)
        add_event(to, each.what, each.number, origin_);
    to.close_list();
    to.close_object();
    return to.take();
}

} // namespace slk::http
