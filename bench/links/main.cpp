// SPDX-License-Identifier: MPL-2.0
//
// bench-links: what a link costs, and how fast many links connect. The numbers of one run can be
// compared with each other only: the contenders take turns, and a ratio is that of two samples of
// the same round.

#include "contenders.hpp"
#include "measurements.hpp"
#include "peer.hpp"

#include "tools/support/command_line.hpp"
#include "tools/support/json.hpp"
#include "tools/support/statistics.hpp"

#include <serverlink/loop.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace bench;
using slk::tool::json_object;
using slk::tool::spread_of;

struct settings {
    unsigned rounds = 9;
    std::uint64_t connects = 20'000;
    std::uint64_t links = 100'000;
    std::uint64_t healing = 5'000;
};

struct contender {
    const char* name;
    const char* key; ///< its name in JSON
    connect_outcome (*run)(const connect_work&);
    const char* missing = nullptr; ///< why it is skipped
    std::string_view backend{};
    std::vector<connect_outcome> outcomes{};
};

std::vector<contender> contenders()
{
    std::vector<contender> all{
        {"bare epoll", "epoll", connect_with_epoll},
        {"slk::link, restarted", "link", connect_with_links},
        {"slk::link, by its policy", "link_retry", connect_with_retries},
        {"serverlink's poller alone", "poller", connect_with_poller},
#if BENCH_ASIO
        {"Asio", "asio", connect_with_asio},
#else
        {"Asio", "asio", nullptr, "its headers were not found (libasio-dev)"},
#endif
#if BENCH_LIBUV
        {"libuv", "libuv", connect_with_libuv},
#else
        {"libuv", "libuv", nullptr, "it was not found (libuv1-dev)"},
#endif
    };
    const auto backends = slk::loop::compiled_backends();
    if (std::find(backends.begin(), backends.end(), "epoll") != backends.end() &&
        backends.front() != "epoll") {
        all.push_back({"slk::link, on epoll", "link_epoll", connect_with_links, nullptr, "epoll"});
        all.push_back(
            {"serverlink's poller, epoll", "poller_epoll", connect_with_poller, nullptr, "epoll"});
    }
    return all;
}

template <class Measure>
double median_of(const std::vector<connect_outcome>& outcomes, Measure measure)
{
    std::vector<double> values;
    for (const connect_outcome& each : outcomes)
        values.push_back(measure(each));
    return spread_of(std::move(values)).median;
}

/// The median of the rounds' ratios of a's measure to b's.
template <class Measure>
double median_ratio(const contender& a, const contender& b, Measure measure)
{
    std::vector<double> ratios;
    for (std::size_t i = 0; i < a.outcomes.size() && i < b.outcomes.size(); ++i)
        ratios.push_back(measure(a.outcomes[i]) / measure(b.outcomes[i]));
    return spread_of(std::move(ratios)).median;
}

void measure_connects(const settings& options, std::uint16_t port, json_object& json)
{
    std::vector<contender> all = contenders();
    connect_work work{.port = port, .connects = options.connects};
    connect_work warm_up = work;
    warm_up.connects = std::max<std::uint64_t>(options.connects / 10, 1);
    for (const contender& each : all) {
        warm_up.backend = each.backend;
        if (each.run != nullptr)
            (void)each.run(warm_up);
    }
    for (unsigned round = 0; round < options.rounds; ++round) {
        // Each round begins with another contender, so that none always follows the same one.
        for (std::size_t i = 0; i < all.size(); ++i) {
            contender& next = all[(i + round) % all.size()];
            work.backend = next.backend;
            if (next.run != nullptr)
                next.outcomes.push_back(next.run(work));
        }
    }

    const auto count = static_cast<double>(work.connects);
    const auto rate = [&](const connect_outcome& o) { return count / o.seconds; };
    const auto cpu = [&](const connect_outcome& o) { return o.cpu_seconds / count * 1e6; };
    std::printf("connects, %u in flight, %u rounds of %llu; ratios to bare epoll\n", work.in_flight,
                options.rounds, static_cast<unsigned long long>(work.connects));
    std::printf("  %-26s %10s %7s %11s %7s %9s\n", "", "per second", "ratio", "CPU us each",
                "ratio", "failures");
    json_object connects;
    for (const contender& each : all) {
        if (each.run == nullptr) {
            std::printf("  %-26s skipped: %s\n", each.name, each.missing);
            continue;
        }
        std::uint64_t failures = 0;
        for (const connect_outcome& outcome : each.outcomes)
            failures += outcome.failures;
        const double rate_ratio = median_ratio(each, all.front(), rate);
        const double cpu_ratio = median_ratio(each, all.front(), cpu);
        std::printf("  %-26s %10.0f %7.3f %11.2f %7.3f %9llu\n", each.name,
                    median_of(each.outcomes, rate), rate_ratio, median_of(each.outcomes, cpu),
                    cpu_ratio, static_cast<unsigned long long>(failures));
        connects.object(each.key, json_object()
                                      .number("per_second", median_of(each.outcomes, rate), 0)
                                      .number("ratio", rate_ratio, 4)
                                      .number("cpu_us", median_of(each.outcomes, cpu))
                                      .number("cpu_ratio", cpu_ratio, 4)
                                      .number("failures", failures));
    }
    json.object("connects", connects);
    std::printf("  target: slk::link at least 0.95\n\n");
}

void measure_allocations(const peer_process& keeping, const peer_process& resetting,
                         const dead_port& dead, json_object& json)
{
    constexpr std::uint64_t attempts = 20'000;
    const double refused = allocations_per_refused_attempt(dead.port(), attempts);
    const double closed = allocations_per_closed_connection(keeping.port(), attempts);
    const double lost = allocations_per_lost_connection(resetting.port(), attempts);
    std::printf("allocations per attempt after the first\n"
                "  %-40s %8.4f\n  %-40s %8.4f\n  %-40s %8.4f\n  target: 0\n\n",
                "refused", refused, "connected, and reset by its owner", closed,
                "connected without a handler, and reset by the peer", lost);
    json.object("allocations", json_object()
                                   .number("refused", refused, 5)
                                   .number("closed", closed, 5)
                                   .number("lost", lost, 5));
}

void measure_waiting(const settings& options, const dead_port& dead, json_object& json)
{
    const waiting_cost cost = cost_of_waiting(dead.port(), options.links);
    std::printf("%zu links in backoff\n"
                "  bytes each, by operator new %12.0f\n  bytes each, resident        %12.0f\n"
                "  target: at most 1024\n\n",
                cost.links, cost.heap_bytes, cost.resident_bytes);
    json.object("waiting", json_object()
                               .number("links", std::uint64_t{cost.links})
                               .number("heap_bytes", cost.heap_bytes, 1)
                               .number("resident_bytes", cost.resident_bytes, 1));
}

void measure_healing(const settings& options, json_object& json)
{
    const healing_times times = time_to_heal(options.healing, 5);
    std::printf("%zu links with the default options, whose listener returns after %.0f s\n"
                "  healed %zu; after its return p50 %.3f s, p99 %.3f s, slowest %.3f s\n\n",
                times.links, times.down_seconds, times.healed, times.median, times.p99,
                times.slowest);
    json.object("healing", json_object()
                               .number("links", std::uint64_t{times.links})
                               .number("healed", std::uint64_t{times.healed})
                               .number("p50_s", times.median, 4)
                               .number("p99_s", times.p99, 4)
                               .number("max_s", times.slowest, 4));
}

/// Raises the limit of descriptors as far as the system permits. Returns the limit.
std::uint64_t raise_descriptor_limit()
{
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

int run(settings& options)
{
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    const std::uint64_t descriptors = raise_descriptor_limit();
    // Both ends of a healing link are in this process.
    options.healing = std::min(options.healing, (descriptors - 64) / 2);

    const peer_process keeping(peer_mode::keeps);
    const peer_process resetting(peer_mode::resets);
    const dead_port dead;
    json_object json;
    // First: memory that was freed before it would not count as newly resident.
    measure_waiting(options, dead, json);
    measure_connects(options, keeping.port(), json);
    measure_allocations(keeping, resetting, dead, json);
    measure_healing(options, json);
    std::printf("json: %s\n", json.str().c_str());
    return slk::tool::exit_ok;
}

} // namespace

int main(int count, char** words)
{
    slk::tool::command program("bench-links",
                               "What a link costs, and how fast many links connect. The last line "
                               "has the results as JSON.");
    settings options;
    constexpr std::uint64_t max = 100'000'000;
    program.flag({.name = "--quick",
                  .help = "3 rounds of 4000 connects, 10000 waiting links, 1000 healing ones"},
                 [&options] {
                     options = {.rounds = 3, .connects = 4000, .links = 10'000, .healing = 1000};
                 });
    program.number({.name = "--rounds",
                    .help = "Rounds of the connect benchmark, the contenders taking turns",
                    .type = "N",
                    .fallback = "9",
                    .excludes = {"--quick"}},
                   options.rounds, 1, 10'000);
    program.number({.name = "--connects",
                    .help = "Connects per contender and round",
                    .type = "N",
                    .fallback = "20000",
                    .excludes = {"--quick"}},
                   options.connects, 1, max);
    program.number({.name = "--links",
                    .help = "Links that wait in backoff",
                    .type = "N",
                    .fallback = "100000",
                    .excludes = {"--quick"}},
                   options.links, 1, max);
    program.action([&options] { return run(options); });
    return program.run(count, words);
}
