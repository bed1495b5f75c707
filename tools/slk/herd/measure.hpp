// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_HERD_MEASURE_HPP
#define SLK_TOOL_HERD_MEASURE_HPP

/// Computes the measures of a run.

#include "herd/run.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace slk::tool::herd {

/// Empty where the scenario, or the run, has no such number.
struct measures {
    /// While there is no server; where it comes and goes, over the whole time.
    std::optional<double> attempts_per_client_minute;
    /// Attempts in the worst 10 ms, and in the worst second, while there is a server, divided by
    /// its capacity in that time. The window may begin at any time.
    std::optional<double> peak_10ms;
    std::optional<double> peak_1s;
    /// SYNs that met a full queue.
    std::optional<double> syn_drops;
    /// Seconds from the server's return to the connection; empty if too few clients connected.
    std::optional<double> back_p50;
    std::optional<double> back_p99;
    std::optional<double> back_p100;
    std::optional<double> never_back; ///< clients
    /// Attempts per client that began while there was a server, and failed.
    std::optional<double> wasted;
    /// Autocorrelation of the attempts in an outage, at the distance of the longest delay: near 0
    /// if the clients are independent, near 1 if they move in step.
    std::optional<double> autocorrelation;
    /// The share of the delays that are below 1 ms.
    std::optional<double> zero_delays;
    /// The most attempts of a client, divided by the median.
    std::optional<double> fairness;
    /// Connections per client in ten minutes.
    std::optional<double> connections_per_client;
    /// The share of the time that a client was connected.
    std::optional<double> connected_share;
};

/// The names of one of the members above.
struct measure_entry {
    const char* key; ///< in JSON
    const char* title; ///< in tables
    int decimals;
    std::optional<double> measures::* value;
    const char* meaning;
};

[[nodiscard]] std::span<const measure_entry> all_measures() noexcept;

[[nodiscard]] measures measure(const settings& options, const policy& which, const record& seen);
/// The means of the members; empty where one run has no such number.
[[nodiscard]] measures mean(std::span<const measures> each);

/// Attempts in each bin of this width, from the origin to `until`.
[[nodiscard]] std::vector<double> counts_per_bin(std::span<const duration> attempts, duration width,
                                                 duration until);

} // namespace slk::tool::herd

#endif
