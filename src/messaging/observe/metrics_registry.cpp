// SPDX-License-Identifier: MPL-2.0
#include "messaging/observe/metrics_registry.hpp"

#include "base/try_allocate.hpp"
#include "messaging/pipe/pipe.hpp"
#include "messaging/pipe/pipe_lanes.hpp"

#include <algorithm>
#include <utility>

namespace slk::messaging {

void round_trip_counts::add(duration time) noexcept
{
    const auto bucket = std::ranges::lower_bound(round_trips::bounds, time);
    counts_[static_cast<std::size_t>(bucket - round_trips::bounds.begin())].add_alone(1);
    sum_.add_alone(static_cast<std::uint64_t>(std::max(time, duration::zero()).count()));
}

round_trips round_trip_counts::snapshot() const noexcept
{
    round_trips all;
    for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket)
        all.counts[bucket] = counts_[bucket].value();
    all.sum = duration(static_cast<duration::rep>(sum_.value()));
    return all;
}

void metrics_registry::remove(connection_record& of) noexcept
{
    const std::lock_guard lock(guard_);
    if (!of.linked())
        return;
    of.unlink();
    --connection_count_;
    of.endpoint->bytes_sent.add(of.lanes->bytes.sent.value());
    of.endpoint->bytes_received.add(of.lanes->bytes.received.value());
}

result<void> metrics_registry::read(socket_metrics& into)
{
    copies all;
    bool whole = true;
    while (whole && !copy(all))
        whole = reserve(all);
    whole = whole && try_reserve(into.endpoints, all.endpoints.size()) &&
            try_reserve(into.peers, all.connections.size());
    for (endpoint_copy& each : all.endpoints) {
        whole = whole && try_assign(each.of.endpoint, each.text->text());
        if (whole)
            into.endpoints.push_back(std::move(each.of));
    }
    for (connection_copy& each : all.connections) {
        whole = whole && try_assign(each.of.endpoint, each.endpoint->text()) &&
                (!each.routing_id || try_assign(each.of.routing_id, each.routing_id->text()));
        if (whole)
            into.peers.push_back(std::move(each.of));
    }
    if (!whole)
        return fail(errc::out_of_memory, phase::none);
    return {};
}

/// Makes room for all there is now, and for some that may come meanwhile. Returns false when memory
/// is exhausted.
bool metrics_registry::reserve(copies& room)
{
    std::size_t endpoints = 0, connections = 0;
    {
        const std::lock_guard lock(guard_);
        endpoints = endpoint_count_ + endpoint_count_ / 8 + 4;
        connections = connection_count_ + connection_count_ / 8 + 16;
    }
    return try_reserve(room.endpoints, endpoints) && try_reserve(room.connections, connections);
}

/// Returns false if there is not enough room.
bool metrics_registry::copy(copies& into) noexcept
{
    const std::lock_guard lock(guard_);
    if (endpoint_count_ > into.endpoints.capacity() ||
        connection_count_ > into.connections.capacity())
        return false;
    endpoints_.for_each([&](endpoint_record& each) {
        each.place = into.endpoints.size();
        endpoint_copy made;
        made.text = each.text;
        endpoint_metrics& of = made.of;
        of.number = each.number;
        of.kind = each.kind;
        of.link = each.link.load(std::memory_order_relaxed);
        of.attempts = each.attempts.load(std::memory_order_relaxed);
        of.retries = each.retries.value();
        of.connections = each.connections.value();
        of.handshakes_succeeded = each.handshakes_succeeded.value();
        of.handshakes_failed_no_detail = each.handshakes_failed_no_detail.value();
        of.handshakes_failed_protocol = each.handshakes_failed_protocol.value();
        of.handshakes_failed_auth = each.handshakes_failed_auth.value();
        of.refused = each.refused.value();
        of.accept_failures = each.accept_failures.value();
        of.bytes_sent = each.bytes_sent.value();
        of.bytes_received = each.bytes_received.value();
        of.round_trips = each.round_trips.snapshot();
        into.endpoints.push_back(std::move(made));
    });
    connections_.for_each([&](connection_record& each) {
        connection_copy made;
        made.endpoint = each.endpoint->text;
        made.routing_id = each.routing_id;
        copy(each, into.endpoints[each.endpoint->place].of, made.of);
        // What is discarded is counted a moment before it is consumed.
        each.received = made.of.received = std::max(each.received, made.of.received);
        into.connections.push_back(std::move(made));
    });
    return true;
}

/// Its numbers, which count at its endpoint too.
void metrics_registry::copy(const connection_record& from, endpoint_metrics& at,
                            peer_metrics& into) noexcept
{
    into.connection = from.number;
    into.address = from.address;
    into.ready = from.ready;
    into.stalled = from.stalled;
    pipe_lanes& lanes = *from.lanes;
    // In this order: a message that was not sent is one that was taken, and queued before.
    const std::uint64_t unsent =
        lanes.refused.load(std::memory_order_acquire) + lanes.toward[0].lapsed();
    const message_counts sent = lanes.sent();
    into.queued_total = sent.written;
    into.queued = sent.written - std::min(sent.taken + sent.replaced, sent.written);
    into.sent = sent.taken - std::min(unsent, sent.taken);
    const std::uint64_t consumed = lanes.toward[1].consumed_by_now();
    into.received = consumed - std::min(lanes.discarded.value(), consumed);
    into.bytes_sent = lanes.bytes.sent.value();
    into.bytes_received = lanes.bytes.received.value();
    into.round_trip =
        duration(static_cast<duration::rep>(from.round_trip.load(std::memory_order_relaxed)));
    at.bytes_sent += into.bytes_sent;
    at.bytes_received += into.bytes_received;
    at.ready_peers += from.ready ? 1 : 0;
    at.stalled_peers += from.stalled ? 1 : 0;
    at.queued += into.queued;
}

} // namespace slk::messaging
