// SPDX-License-Identifier: MPL-2.0
//
// What a link costs, and how fast many of them are. All numbers of one run are comparable with
// each other, and with nothing else: the contenders take turns, and the ratios are those of
// neighbours in time.

#include "contenders.hpp"
#include "measurements.hpp"
#include "peer.hpp"

#include <serverlink/loop.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace bench;

struct settings {
    unsigned rounds = 9;
    std::uint64_t connects = 20'000;
    std::uint64_t links = 100'000;
    std::uint64_t healing = 5'000;
};

constexpr const char usage[] =
    "usage: links [--rounds N] [--connects N] [--links N] [--quick]\n"
    "  --rounds N    rounds of the connect benchmark, the contenders taking turns (9)\n"
    "  --connects N  connects per contender and round (20000)\n"
    "  --links N     links that wait in backoff (100000)\n"
    "  --quick       3 rounds of 4000 connects, 10000 waiting links, 1000 healing ones\n";

struct contender {
    const char* name;
    const char* word; ///< its name in the machine-readable line
    connect_outcome (*run)(const connect_work&);
    const char* absent = nullptr; ///< why it does not take part
    std::string_view backend{};
    std::vector<connect_outcome> outcomes{};
};

std::vector<contender> contenders()
{
    std::vector<contender> all{
        {"bare epoll", "epoll", connect_with_epoll},
        {"slk::link, started anew", "link", connect_with_links},
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

double median(std::vector<double> values)
{
    if (values.empty())
        return 0;
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

template <class Measure>
double median_of(const std::vector<connect_outcome>& outcomes, Measure measure)
{
    std::vector<double> values;
    for (const connect_outcome& each : outcomes)
        values.push_back(measure(each));
    return median(values);
}

/// The median over the rounds of (a's measure / b's measure).
template <class Measure>
double median_ratio(const contender& a, const contender& b, Measure measure)
{
    std::vector<double> ratios;
    for (std::size_t i = 0; i < a.outcomes.size() && i < b.outcomes.size(); ++i)
        ratios.push_back(measure(a.outcomes[i]) / measure(b.outcomes[i]));
    return median(ratios);
}

template <class... Values>
void append(std::string& text, const char* format, Values... values)
{
    char piece[256];
    std::snprintf(piece, sizeof piece, format, values...);
    text += piece;
}

void measure_connects(const settings& wanted, std::uint16_t port, std::string& json)
{
    std::vector<contender> all = contenders();
    connect_work work{.port = port, .connects = wanted.connects};
    connect_work warm_up = work;
    warm_up.connects = std::max<std::uint64_t>(wanted.connects / 10, 1);
    for (const contender& each : all) {
        warm_up.backend = each.backend;
        if (each.run != nullptr)
            (void)each.run(warm_up);
    }
    for (unsigned round = 0; round < wanted.rounds; ++round) {
        // Another one begins each round, so that nobody always follows the same one.
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
                wanted.rounds, static_cast<unsigned long long>(work.connects));
    std::printf("  %-26s %10s %7s %11s %7s %9s\n", "", "per second", "ratio", "CPU us each",
                "ratio", "failures");
    json += ",\"connects\":{";
    for (const contender& each : all) {
        if (each.run == nullptr) {
            std::printf("  %-26s skipped: %s\n", each.name, each.absent);
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
        append(json, "%s\"%s\":{\"per_second\":%.0f,\"ratio\":%.4f,", json.back() == '{' ? "" : ",",
               each.word, median_of(each.outcomes, rate), rate_ratio);
        append(json, "\"cpu_us\":%.3f,\"cpu_ratio\":%.4f,\"failures\":%llu}",
               median_of(each.outcomes, cpu), cpu_ratio, static_cast<unsigned long long>(failures));
    }
    json += "}";
    std::printf("  target: slk::link at least 0.95\n\n");
}

void measure_allocations(const peer_process& keeping, const peer_process& resetting,
                         const dead_port& dead, std::string& json)
{
    constexpr std::uint64_t attempts = 20'000;
    const double refused = allocations_per_refused_attempt(dead.port(), attempts);
    const double closed = allocations_per_closed_connection(keeping.port(), attempts);
    const double lost = allocations_per_lost_connection(resetting.port(), attempts);
    std::printf("allocations per attempt after the first\n"
                "  %-40s %8.4f\n  %-40s %8.4f\n  %-40s %8.4f\n  target: 0\n\n",
                "refused", refused, "connected, and reset by its owner", closed,
                "connected unattended, and reset by the peer", lost);
    append(json, ",\"allocations\":{\"refused\":%.5f,\"closed\":%.5f,\"lost\":%.5f}", refused,
           closed, lost);
}

void measure_waiting(const settings& wanted, const dead_port& dead, std::string& json)
{
    const waiting_cost cost = cost_of_waiting(dead.port(), wanted.links);
    std::printf("%zu links in backoff\n"
                "  bytes each, by operator new %12.0f\n  bytes each, resident        %12.0f\n"
                "  target: at most 1024\n\n",
                cost.links, cost.heap_bytes, cost.resident_bytes);
    append(json, "\"waiting\":{\"links\":%zu,\"heap_bytes\":%.1f,\"resident_bytes\":%.1f}",
           cost.links, cost.heap_bytes, cost.resident_bytes);
}

void measure_healing(const settings& wanted, std::string& json)
{
    const healing_times times = time_to_heal(wanted.healing, 5);
    std::printf("%zu links with the default options, whose listener returns after %.0f s\n"
                "  healed %zu; after its return p50 %.3f s, p99 %.3f s, slowest %.3f s\n\n",
                times.links, times.down_seconds, times.healed, times.median, times.p99,
                times.slowest);
    append(json,
           ",\"healing\":{\"links\":%zu,\"healed\":%zu,\"p50_s\":%.4f,\"p99_s\":%.4f,"
           "\"max_s\":%.4f}",
           times.links, times.healed, times.median, times.p99, times.slowest);
}

/// As many descriptors as the system lets this process have.
std::uint64_t raise_descriptor_limit()
{
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

bool read_number(std::string_view text, std::uint64_t& value)
{
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    return failure == std::errc{} && end == text.data() + text.size() && value > 0 &&
           value <= 100'000'000;
}

/// False: the arguments are wrong.
bool read_arguments(int count, char** arguments, settings& wanted)
{
    for (int i = 1; i < count; ++i) {
        const std::string_view name = arguments[i];
        if (name == "--quick") {
            wanted = {.rounds = 3, .connects = 4000, .links = 10'000, .healing = 1000};
            continue;
        }
        std::uint64_t value = 0;
        if (i + 1 == count || !read_number(arguments[++i], value))
            return false;
        if (name == "--rounds")
            wanted.rounds = static_cast<unsigned>(std::min<std::uint64_t>(value, 10'000));
        else if (name == "--connects")
            wanted.connects = value;
        else if (name == "--links")
            wanted.links = value;
        else
            return false;
    }
    return true;
}

} // namespace

int main(int count, char** arguments)
{
    if (count == 2 && std::strcmp(arguments[1], "--help") == 0) {
        std::fputs(usage, stdout);
        return 0;
    }
    settings wanted;
    if (!read_arguments(count, arguments, wanted)) {
        std::fputs(usage, stderr);
        return 2;
    }
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    const std::uint64_t descriptors = raise_descriptor_limit();
    // Both ends of a healing link are in this process.
    wanted.healing = std::min(wanted.healing, (descriptors - 64) / 2);

    const peer_process keeping(peer_manner::keeps);
    const peer_process resetting(peer_manner::resets);
    const dead_port dead;
    std::string json = "{";
    // First, because memory that was freed before would not be counted as resident anew.
    measure_waiting(wanted, dead, json);
    measure_connects(wanted, keeping.port(), json);
    measure_allocations(keeping, resetting, dead, json);
    measure_healing(wanted, json);
    std::printf("json: %s}\n", json.c_str());
    return 0;
}
