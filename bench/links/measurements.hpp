// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_LINKS_MEASUREMENTS_HPP
#define BENCH_LINKS_MEASUREMENTS_HPP

/// Measurements of the library alone, without other contenders.

#include <cstddef>
#include <cstdint>

namespace bench {

/// Allocations per attempt of links that were refused before, in their retry loop.
double allocations_per_refused_attempt(std::uint16_t dead_port, std::uint64_t attempts);
/// Allocations per cycle of connecting and losing the connection, after the first cycle. The
/// stream is reset by its owner in the first function, by the peer in the second.
double allocations_per_closed_connection(std::uint16_t port, std::uint64_t cycles);
double allocations_per_lost_connection(std::uint16_t resetting_port, std::uint64_t cycles);

struct waiting_cost {
    std::size_t links = 0;
    double heap_bytes = 0;     ///< per link, through operator new
    double resident_bytes = 0; ///< per link
};
/// The memory of links in backoff, whose connects were refused once.
waiting_cost cost_of_waiting(std::uint16_t dead_port, std::size_t links);

struct healing_times {
    std::size_t links = 0;
    std::size_t healed = 0;
    double down_seconds = 0;
    double median = 0; ///< seconds from the listener's return to the link's connection
    double p99 = 0;
    double slowest = 0;
};
/// Links with the default options, whose listener resets all connections, is gone for a while, and
/// returns.
healing_times time_to_heal(std::size_t links, double down_seconds);

} // namespace bench

#endif
