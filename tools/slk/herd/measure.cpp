// SPDX-License-Identifier: MPL-2.0
#include "herd/measure.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <numeric>

namespace slk::tool::herd {

namespace {

using namespace std::chrono_literals;

constexpr std::array entries{
    measure_entry{"attempts_per_client_minute", "att/min", 1, &measures::attempts_per_client_minute,
                  "attempts per client and minute, in the outage if there is one"},
    measure_entry{"peak_10ms", "peak 10ms", 2, &measures::peak_10ms,
                  "attempts in the worst 10 ms with a server, divided by its capacity"},
    measure_entry{"peak_1s", "peak 1s", 2, &measures::peak_1s,
                  "attempts in the worst second with a server, divided by its capacity"},
    measure_entry{"syn_drops", "SYN drops", 0, &measures::syn_drops, "SYNs that met a full queue"},
    measure_entry{"back_p50_s", "p50", 2, &measures::back_p50,
                  "seconds from the server's return until half of the clients are connected"},
    measure_entry{"back_p99_s", "p99", 2, &measures::back_p99, "until 99 of 100 are"},
    measure_entry{"back_p100_s", "p100", 2, &measures::back_p100, "until all are"},
    measure_entry{"never_back", "never", 0, &measures::never_back,
                  "clients that did not connect before the end of --limit"},
    measure_entry{"wasted_per_client", "wasted", 3, &measures::wasted,
                  "attempts per client that began with a server there, and failed"},
    measure_entry{"lag_autocorrelation", "lockstep", 3, &measures::autocorrelation,
                  "autocorrelation of the attempts in the outage at the longest delay: 0 without "
                  "any step, 1 in lockstep"},
    measure_entry{"zero_delay_share", "zero", 3, &measures::zero_delays,
                  "share of the delays that are below 1 ms"},
    measure_entry{"max_by_median_attempts", "max/med", 2, &measures::fairness,
                  "the most attempts of one client, divided by the median"},
    measure_entry{"connections_per_client_10min", "conn/10min", 1,
                  &measures::connections_per_client, "connections per client in ten minutes"},
    measure_entry{"connected_share", "connected", 3, &measures::connected_share,
                  "share of the time that a client is connected"},
};

constexpr duration narrow = 10ms;

[[nodiscard]] double seconds(duration value)
{
    return std::chrono::duration<double>(value).count();
}

/// The number of attempts in the fullest window of this width.
[[nodiscard]] double fullest(std::span<const duration> attempts, duration width)
{
    std::size_t most = 0;
    std::size_t first = 0;
    for (std::size_t last = 0; last < attempts.size(); ++last) {
        while (attempts[last] - attempts[first] >= width)
            ++first;
        most = std::max(most, last - first + 1);
    }
    return static_cast<double>(most);
}

/// The autocorrelation of the attempts per 10 ms, without the beginning, where the delays still
/// grow.
[[nodiscard]] std::optional<double> lockstep(std::span<const duration> attempts, duration lag,
                                             duration until)
{
    const std::vector<double> all = counts_per_bin(attempts, narrow, until);
    const auto distance = static_cast<std::size_t>(lag / narrow);
    if (distance == 0 || all.size() < 2 * distance + distance / 2)
        return std::nullopt;
    const std::span<const double> bins = std::span(all).subspan(distance);
    const double middle =
        std::accumulate(bins.begin(), bins.end(), 0.0) / static_cast<double>(bins.size());
    double together = 0;
    double alone = 0;
    for (std::size_t i = 0; i < bins.size(); ++i) {
        alone += (bins[i] - middle) * (bins[i] - middle);
        if (i + distance < bins.size())
            together += (bins[i] - middle) * (bins[i + distance] - middle);
    }
    if (alone == 0)
        return std::nullopt;
    // Both sums are divided by their number of terms, or a short series would seem uncorrelated.
    return (together / static_cast<double>(bins.size() - distance)) /
           (alone / static_cast<double>(bins.size()));
}

/// The time until this share of the clients has connected; 1 is the last client. `times` is sorted.
[[nodiscard]] std::optional<double> quantile(std::span<const duration> times, double share,
                                             std::size_t clients)
{
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(clients)));
    if (rank == 0 || rank > times.size())
        return std::nullopt;
    return seconds(times[rank - 1]);
}

void measure_return(const record& seen, measures& into)
{
    std::vector<duration> times;
    for (const client_record& each : seen.clients)
        if (each.back_after)
            times.push_back(*each.back_after);
    std::ranges::sort(times);
    into.back_p50 = quantile(times, 0.5, seen.clients.size());
    into.back_p99 = quantile(times, 0.99, seen.clients.size());
    into.back_p100 = quantile(times, 1, seen.clients.size());
    into.never_back = static_cast<double>(seen.clients.size() - times.size());
}

[[nodiscard]] std::optional<double> fairness(const record& seen)
{
    std::vector<std::uint32_t> attempts;
    attempts.reserve(seen.clients.size());
    for (const client_record& each : seen.clients)
        attempts.push_back(each.attempts);
    std::ranges::sort(attempts);
    const std::uint32_t median = attempts[attempts.size() / 2];
    if (median == 0)
        return std::nullopt;
    return static_cast<double>(attempts.back()) / median;
}

} // namespace

std::span<const measure_entry> all_measures() noexcept
{
    return entries;
}

std::vector<double> counts_per_bin(std::span<const duration> attempts, duration width,
                                   duration until)
{
    std::vector<double> bins(static_cast<std::size_t>(until / width));
    for (const duration at : attempts)
        if (const auto bin = static_cast<std::size_t>(at / width); bin < bins.size())
            ++bins[bin];
    return bins;
}

measures measure(const settings& options, const policy& which, const record& seen)
{
    measures made;
    const double clients = options.clients;
    const double capacity = options.accepts_per_second;
    made.peak_10ms = fullest(seen.attempts_up, narrow) / (capacity * seconds(narrow));
    made.peak_1s = fullest(seen.attempts_up, 1s) / capacity;
    made.syn_drops = static_cast<double>(seen.syn_drops);
    made.wasted = static_cast<double>(seen.wasted) / clients;
    made.fairness = fairness(seen);
    if (seen.delays > 0)
        made.zero_delays = static_cast<double>(seen.zero_delays) / static_cast<double>(seen.delays);

    const double minutes_down = seconds(seen.returned) / 60;
    const double minutes = seconds(seen.ended) / 60;
    if (has_return(options.kind)) {
        measure_return(seen, made);
        if (minutes_down > 0 && options.kind != scenario::resume) {
            made.attempts_per_client_minute =
                static_cast<double>(seen.attempts_down.size()) / clients / minutes_down;
            // Without any reply, an attempt lasts until its deadline.
            const duration lasts = options.kind == scenario::black_hole
                                       ? options.reconnect.connect_timeout
                                       : duration::zero();
            made.autocorrelation = lockstep(
                seen.attempts_down, max_delay(which, options.reconnect) + lasts, seen.returned);
        }
        return made;
    }
    made.attempts_per_client_minute =
        static_cast<double>(seen.attempts_down.size() + seen.attempts_up.size()) / clients /
        minutes;
    double connections = 0;
    double connected = 0;
    for (const client_record& each : seen.clients) {
        connections += each.connections;
        connected += seconds(each.connected);
    }
    made.connections_per_client = connections / clients * 10 / minutes;
    made.connected_share = connected / clients / seconds(seen.ended);
    return made;
}

measures mean(std::span<const measures> each)
{
    measures made;
    for (const measure_entry& entry : entries) {
        double sum = 0;
        bool all = true;
        for (const measures& one : each) {
            all = all && (one.*entry.value).has_value();
            sum += (one.*entry.value).value_or(0);
        }
        if (all && !each.empty())
            made.*entry.value = sum / static_cast<double>(each.size());
    }
    return made;
}

} // namespace slk::tool::herd
