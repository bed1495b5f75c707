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
    of.endpoint->bytes_sent.add(of.bytes->sent.value());
    of.endpoint->bytes_received.add(of.bytes->received.value());
}

result<void> metrics_registry::read(socket_metrics& into)
{
    const std::lock_guard lock(guard_);
    if (!read_endpoints(into) || !read_connections(into))
        return fail(errc::out_of_memory, phase::none);
    return {};
}

/// Returns false when memory is exhausted.
bool metrics_registry::read_endpoints(socket_metrics& into)
{
    bool whole = true;
    endpoints_.for_each([&](endpoint_record& each) {
        each.place = into.endpoints.size();
        endpoint_metrics of;
        whole = whole && try_assign(of.endpoint, *each.text);
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
        whole = whole && try_push_back(into.endpoints, std::move(of));
    });
    return whole;
}

/// Returns false when memory is exhausted.
bool metrics_registry::read_connections(socket_metrics& into)
{
    bool whole = true;
    connections_.for_each([&](const connection_record& each) {
        const std::uint64_t sent = each.bytes->sent.value();
        const std::uint64_t received = each.bytes->received.value();
        endpoint_metrics& at = into.endpoints[each.endpoint->place];
        at.bytes_sent += sent;
        at.bytes_received += received;
        peer_metrics of;
        whole = whole && try_assign(of.endpoint, *each.endpoint->text) &&
                (each.routing_id == nullptr || try_assign(of.routing_id, *each.routing_id));
        of.connection = each.number;
        of.address = each.address;
        of.ready = each.ready;
        of.stalled = each.stalled;
        // In this order: a message that was not sent is one that was taken, and queued before.
        const std::uint64_t refused = each.lanes->refused.load(std::memory_order_acquire);
        const std::uint64_t lapsed = each.lanes->toward[0].lapsed();
        const std::uint64_t taken = each.lanes->toward[0].consumed_by_now();
        of.queued_total = each.lanes->toward[0].produced();
        of.queued = of.queued_total - std::min(taken, of.queued_total);
        of.sent = taken - refused - lapsed;
        of.received = each.lanes->toward[1].consumed_by_now();
        of.bytes_sent = sent;
        of.bytes_received = received;
        of.round_trip =
            duration(static_cast<duration::rep>(each.round_trip.load(std::memory_order_relaxed)));
        whole = whole && try_push_back(into.peers, std::move(of));
    });
    return whole;
}

} // namespace slk::messaging
