// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_OBSERVE_METRICS_REGISTRY_HPP
#define SLK_MESSAGING_OBSERVE_METRICS_REGISTRY_HPP

/// The numbers of a socket's endpoints and connections, for metrics_of() on any thread. Those who
/// count do so without a lock; the lock guards which records there are, and the few facts of a
/// connection that are no numbers. Nobody holds it while memory is allocated or the system is
/// called, so that a loop hardly waits for it.

#include <serverlink/address.hpp>
#include <serverlink/metrics.hpp>

#include "base/list.hpp"
#include "base/shared_text.hpp"
#include "messaging/observe/counters.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

namespace slk::messaging {

struct pipe_lanes;

/// For one thread that adds, and any that read.
class round_trip_counts {
public:
    void add(duration time) noexcept;
    [[nodiscard]] round_trips snapshot() const noexcept;

private:
    std::array<counter, round_trips::bounds.size() + 1> counts_;
    counter sum_; ///< nanoseconds
};

/// One endpoint. Written on the threads of its loop and of the socket.
struct endpoint_record : list_node {
    endpoint_kind kind = endpoint_kind::connected;
    std::uint64_t number = 0;
    reference<shared_text> text;
    std::size_t place = 0; ///< guarded: in the list that is being copied
    std::atomic<link_state> link{link_state::idle};
    std::atomic<std::uint64_t> attempts{0};
    counter retries;
    counter connections;
    counter handshakes_succeeded;
    counter handshakes_failed_no_detail;
    counter handshakes_failed_protocol;
    counter handshakes_failed_auth;
    counter refused;
    counter accept_failures;
    counter bytes_sent; ///< of connections that have ended
    counter bytes_received;
    round_trip_counts round_trips;
};

/// One connection.
struct connection_record : list_node {
    // Guarded by the registry, but for the loop's own reading.
    endpoint_record* endpoint = nullptr;
    pipe_lanes* lanes = nullptr;
    std::uint64_t number = 0; ///< of the present stream, or the last one
    slk::address address{};
    reference<shared_text> routing_id; ///< that the peer has sent, if any
    bool ready = false;
    bool stalled = false;
    std::uint64_t received = 0; ///< as it was read last

    std::atomic<std::uint64_t> round_trip{0}; ///< nanoseconds
};

/// Any thread.
class metrics_registry {
public:
    void add(endpoint_record& of) noexcept
    {
        const std::lock_guard lock(guard_);
        endpoints_.push_back(of);
        ++endpoint_count_;
    }
    /// Also if it was not added.
    void remove(endpoint_record& of) noexcept
    {
        const std::lock_guard lock(guard_);
        if (!of.linked())
            return;
        of.unlink();
        --endpoint_count_;
    }
    /// Also if it was added before.
    void add(connection_record& of) noexcept
    {
        const std::lock_guard lock(guard_);
        if (of.linked())
            return;
        connections_.push_back(of);
        ++connection_count_;
    }
    /// Its bytes count at its endpoint from now on. Also if it was not added.
    void remove(connection_record& of) noexcept;
    /// Changes what the lock guards.
    template <class Change>
    void change(Change&& change) noexcept
    {
        const std::lock_guard lock(guard_);
        change();
    }

    /// Adds endpoints and connections. Errors: out_of_memory.
    [[nodiscard]] result<void> read(socket_metrics& into);

private:
    struct endpoint_copy {
        endpoint_metrics of;
        reference<shared_text> text;
    };
    struct connection_copy {
        peer_metrics of;
        reference<shared_text> endpoint;
        reference<shared_text> routing_id;
    };
    struct copies {
        std::vector<endpoint_copy> endpoints;
        std::vector<connection_copy> connections;
    };
    [[nodiscard]] bool reserve(copies& room);
    [[nodiscard]] bool copy(copies& into) noexcept;
    static void copy(const connection_record& from, endpoint_metrics& at,
                     peer_metrics& into) noexcept;

    std::mutex guard_; // of everything below
    list<endpoint_record> endpoints_;
    list<connection_record> connections_;
    std::size_t endpoint_count_ = 0;
    std::size_t connection_count_ = 0;
};

} // namespace slk::messaging

#endif
