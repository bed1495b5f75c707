// SPDX-License-Identifier: MPL-2.0

// What a socket can tell about itself.

#include "messaging/socket_core.hpp"
#include "messaging/waiter.hpp"

#include <algorithm>

namespace slk::messaging {

std::vector<endpoint_status> socket_core::endpoints()
{
    look_around();
    std::vector<endpoint_status> told;
    for (const auto& each : endpoints_) {
        endpoint_status status;
        status.kind = each->kind;
        status.endpoint = each->text;
        if (each->connection)
            status.link = each->connection->status();
        status.ready = each->leads && each->leads->connected;
        status.peers = static_cast<std::size_t>(std::ranges::count_if(pipes_, [&](const auto& who) {
            return who->endpoint == each->number && who->connected;
        }));
        status.handshake_failures = each->handshake_failures;
        status.last_handshake_failure = each->last_handshake_failure;
        told.push_back(std::move(status));
    }
    return told;
}

std::vector<peer_status> socket_core::peers()
{
    look_around();
    std::vector<peer_status> told;
    for (const auto& each : pipes_) {
        pipe& who = *each;
        peer_status status;
        status.routing_id = who.routing_id.empty() ? who.about.routing_id : who.routing_id;
        status.generation = who.generation;
        if (const endpoint_entry* const at = find(who.endpoint); at != nullptr)
            status.endpoint = at->text;
        status.address = who.about.peer;
        status.ready = who.connected;
        status.connections = who.connections;
        const newest_message::counts sent = who.sent();
        status.queued_total = sent.put;
        status.queued = sent.put - sent.replaced - sent.taken;
        status.received = who.in().consumed() - who.discarded;
        status.conflated_sent = sent.replaced;
        status.conflated_received = conflated_of(who);
        status.user = who.about.user;
        status.properties = who.about.properties;
        status.last_reason = who.last_reason;
        told.push_back(std::move(status));
    }
    return told;
}

socket_counters socket_core::counters()
{
    look_around();
    socket_counters sum = counters_;
    for (const auto& each : pipes_) {
        const newest_message::counts sent = each->sent();
        sum.queued_total += sent.put;
        sum.conflated_sent += sent.replaced;
        sum.conflated_received += conflated_of(*each);
        sum.received += each->in().consumed() - each->discarded;
        sum.discarded += each->discarded;
    }
    return sum;
}

result<void> socket_core::wait_ready(const timeout& limit)
{
    SLK_TRY(usable());
    const auto ready = [&] {
        bool any_connected = false;
        for (const auto& each : endpoints_) {
            if (each->kind != endpoint_kind::connected)
                continue;
            any_connected = true;
            if (!each->leads || !each->leads->connected)
                return false;
        }
        return any_connected ||
               std::ranges::any_of(pipes_, [](const auto& each) { return each->connected; });
    };
    waiter waiting(*context_, *box_, limit);
    for (take_news(); !ready(); take_news())
        SLK_TRY(waiting.wait());
    return {};
}

result<void> socket_core::set_marks(const marks& changed)
{
    SLK_TRY(usable());
    take_news();
    if (settings_->options().conflate)
        return {};
    options_.send_high_water_mark = changed.send.value_or(options_.send_high_water_mark);
    options_.receive_high_water_mark = changed.receive.value_or(options_.receive_high_water_mark);
    options_.send_high_water_bytes = changed.send_bytes.value_or(options_.send_high_water_bytes);
    options_.receive_high_water_bytes =
        changed.receive_bytes.value_or(options_.receive_high_water_bytes);
    for (const auto& each : pipes_) {
        if (changed.receive || changed.receive_bytes)
            show_receive_mark(*each);
        // A peer that was full may have room now.
        if ((changed.send || changed.send_bytes) && each->attached)
            pattern_->writable(*each, true);
    }
    return {};
}

} // namespace slk::messaging
