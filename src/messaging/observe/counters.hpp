// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_OBSERVE_COUNTERS_HPP
#define SLK_MESSAGING_OBSERVE_COUNTERS_HPP

/// The counters of one socket. Any thread may read them at any time; each is exact, and a snapshot
/// of several of them is not one moment.

#include <serverlink/socket.hpp>

#include <atomic>
#include <cstdint>

namespace slk::messaging {

/// Only ever grows.
class counter {
public:
    /// For a counter that several threads add to.
    void add(std::uint64_t count) noexcept { value_.fetch_add(count, std::memory_order_relaxed); }
    /// For a counter that one thread adds to: no atomic read-modify-write.
    void add_alone(std::uint64_t count) noexcept
    {
        value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t value() const noexcept
    {
        return value_.load(std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint64_t> value_{0};
};

/// Bytes of one connection; each has one writer at a time.
struct byte_counters {
    counter sent;
    counter received;
};

struct counters {
    // Written by the socket's thread.
    counter queued_total;
    counter received;
    counter dropped_no_route;
    counter dropped_full;
    counter unsent;
    counter requeued;
    counter discarded;
    // Written by several threads.
    counter dropped_stale;
    counter expired;
    counter conflated_sent;
    counter conflated_received;
    counter rejected;
    counter handshake_failures;
    counter stalls;
    counter unconfirmed;
    counter refused;
    counter connected;
    counter disconnected;

    [[nodiscard]] socket_counters snapshot() const noexcept
    {
        return {.queued_total = queued_total.value(),
                .received = received.value(),
                .dropped_no_route = dropped_no_route.value(),
                .dropped_full = dropped_full.value(),
                .unsent = unsent.value(),
                .dropped_stale = dropped_stale.value(),
                .expired = expired.value(),
                .unconfirmed = unconfirmed.value(),
                .refused = refused.value(),
                .stalls = stalls.value(),
                .requeued = requeued.value(),
                .discarded = discarded.value(),
                .conflated_sent = conflated_sent.value(),
                .conflated_received = conflated_received.value(),
                .rejected = rejected.value(),
                .handshake_failures = handshake_failures.value(),
                .connected = connected.value(),
                .disconnected = disconnected.value()};
    }
};

} // namespace slk::messaging

#endif
