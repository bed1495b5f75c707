// SPDX-License-Identifier: MPL-2.0
#include "event_output.hpp"

#include "message_text.hpp"
#include "output.hpp"
#include "tools/support/json.hpp"

#include <chrono>

namespace slk::tool {

std::string event_line(const event& what, time_point origin)
{
    return seconds_text(what.at - origin) + "  " + to_string(what);
}

std::string event_json(const event& what, time_point origin)
{
    json_object object;
    const auto text = [&](std::string_view key, const std::string& value) {
        if (!value.empty())
            object.text(key, value);
    };
    const auto number = [&](std::string_view key, std::uint64_t value) {
        if (value != 0)
            object.number(key, value);
    };
    object.number("time", std::chrono::duration<double>(what.at - origin).count());
    object.text("event", name_of(what.kind));
    text("endpoint", what.endpoint);
    if (what.address.family != address_family::none)
        object.text("address", to_string(what.address));
    number("connection", what.connection);
    text("peer", what.routing_id.empty() ? "" : id_text(what.routing_id));
    number("generation", what.generation);
    if (what.kind == event_kind::link_state || what.kind == event_kind::connect_delayed ||
        what.kind == event_kind::connect_retried) {
        object.text("from", name_of(what.from));
        object.text("to", name_of(what.to));
        object.number("attempt", what.attempt);
    }
    if (what.kind == event_kind::connect_retried)
        object.number("next_ms", milliseconds(what.delay));
    if (what.kind == event_kind::name_lookup) {
        object.text("name", what.name);
        object.number("took_ms", milliseconds(what.delay));
    }
    if (what.kind == event_kind::subscribed || what.kind == event_kind::unsubscribed)
        object.text("topic", id_text(what.topic));
    if (!what.text.empty())
        object.text("text", id_text(what.text));
    if (what.kind == event_kind::dropped)
        object.text("drop", name_of(what.drop));
    number("count", what.count);
    if (what.reason) {
        object.text("reason", name_of(what.reason.code));
        object.text("detail", to_string(what.reason));
    }
    return object.str();
}

namespace {

[[nodiscard]] std::string_view state_of(const peer_status& peer)
{
    return peer.stalled ? "stalled" : peer.ready ? "ready" : "not connected";
}

} // namespace

std::string peer_line(const peer_status& peer)
{
    std::string line = "peer";
    if (peer.address.family != address_family::none)
        line += " " + to_string(peer.address);
    if (!peer.routing_id.empty())
        line += " [" + id_text(peer.routing_id) + "]";
    line += " at " + peer.endpoint + ": " + std::string(state_of(peer)) + ", queued " +
            std::to_string(peer.queued) + ", sent " + std::to_string(peer.sent) + ", received " +
            std::to_string(peer.received);
    if (peer.subscriptions > 0)
        line += ", topics " + std::to_string(peer.subscriptions);
    if (!peer.ready && peer.last_reason)
        line += " (" + to_string(peer.last_reason) + ")";
    return line;
}

std::string peer_json(const peer_status& peer)
{
    json_object object;
    object.text("event", "peer");
    object.text("endpoint", peer.endpoint);
    if (peer.address.family != address_family::none)
        object.text("address", to_string(peer.address));
    if (!peer.routing_id.empty())
        object.text("peer", id_text(peer.routing_id));
    object.text("state", state_of(peer));
    object.number("queued", peer.queued);
    object.number("sent", peer.sent);
    object.number("received", peer.received);
    object.number("topics", std::uint64_t{peer.subscriptions});
    if (!peer.ready && peer.last_reason)
        object.text("reason", to_string(peer.last_reason));
    return object.str();
}

} // namespace slk::tool
