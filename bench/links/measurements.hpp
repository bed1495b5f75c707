// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_LINKS_MEASUREMENTS_HPP
#define BENCH_LINKS_MEASUREMENTS_HPP

/// What is measured of the library alone, without a contender.

#include <cstddef>
#include <cstdint>

namespace bench {

/// Allocations per attempt of links that were refused before, in their retry loop.
double allocations_per_refused_attempt(std::uint16_t dead_port, std::uint64_t attempts);
/// Allocations per cycle of connecting and losing the connection, after the first: the owner
/// resets the stream, or (unattended) the peer does.
double allocations_per_closed_connection(std::uint16_t port, std::uint64_t cycles);
double allocations_per_lost_connection(std::uint16_t resetting_port, std::uint64_t cycles);

struct waiting_cost {
    std::size_t links = 0;
    double heap_bytes = 0;     ///< per link, through operator new
    double resident_bytes = 0; ///< per link
};
/// Links in backoff, refused once each.
waiting_cost cost_of_waiting(std::uint16_t dead_port, std::size_t links);

struct healing_times {
    std::size_t links = 0;
    std::size_t healed = 0;
    double down_seconds = 0;
    double median = 0; ///< seconds from the listener's return to the link's connection
    double p99 = 0;
    double slowest = 0;
};
/// Links with the default options whose listener goes away with all connections, and comes back.
healing_times time_to_heal(std::size_t links, double down_seconds);

} // namespace bench

#endif
