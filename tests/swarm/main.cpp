// SPDX-License-Identifier: MPL-2.0

// Runs any number of seeds, on as many threads as there are processors:
//
//     swarm --seeds 10000 --from 1
//     swarm --messages --seeds 2000 --from 1
//
// A seed that fails is printed with the command that replays it. Every hundredth seed is run twice,
// and must end with the same hash.

#include "swarm/messages/messages.hpp"
#include "swarm/swarm.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace slk;
using namespace slk::swarm;

namespace {

/// What a world is made of.
struct kind {
    outcome (*run)(std::uint64_t seed, const run_options& options);
    const std::vector<std::string_view>& (*action_names)();
    std::uint64_t seeds;
    std::uint64_t events;
    const char* option;
};

constexpr kind links{run, action_names, 10'000, 10'000, ""};
constexpr kind sockets{messages::run, messages::action_names, 2000, 3000, "--messages "};

struct wish {
    const kind* of = &links;
    std::optional<std::uint64_t> seeds{}; ///< not given: as many as of that kind
    std::uint64_t from = 1;
    std::optional<std::uint64_t> events{}; ///< likewise
    unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
    bool log = false;
    bool quiet = false;
};

constexpr const char* usage =
    "swarm: worlds of links and listeners on a simulated network, one for each seed.\n"
    "\n"
    "  --messages    worlds of sockets and their messages instead\n"
    "  --seeds N     how many seeds (10000; of sockets 2000)\n"
    "  --from S      the first seed (1)\n"
    "  --events N    events of each world before its faults end (10000; of sockets 3000)\n"
    "  --jobs N      threads (as many as processors)\n"
    "  --log         print what happens; for one seed\n"
    "  --quiet       no progress\n"
    "\n"
    "Exit code: 0 all held, 1 a seed failed, 2 wrong usage.\n";

bool read_number(const char* text, std::uint64_t least, std::uint64_t& into)
{
    char* end = nullptr;
    into = std::strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && into >= least;
}

/// 0, or the exit code.
int read(int count, char** words, wish& wanted)
{
    std::uint64_t jobs = wanted.jobs;
    for (int index = 1; index < count; ++index) {
        const std::string word = words[index];
        if (word == "--help" || word == "-h") {
            std::fputs(usage, stdout);
            std::exit(0);
        }
        if (word == "--log" || word == "--quiet") {
            (word == "--log" ? wanted.log : wanted.quiet) = true;
            continue;
        }
        if (word == "--messages") {
            wanted.of = &sockets;
            continue;
        }
        std::uint64_t* into = word == "--seeds"    ? &wanted.seeds.emplace()
                              : word == "--from"   ? &wanted.from
                              : word == "--events" ? &wanted.events.emplace()
                              : word == "--jobs"   ? &jobs
                                                   : nullptr;
        if (into == nullptr) {
            std::fprintf(stderr, "swarm: '%s' is no option\n%s", word.c_str(), usage);
            return 2;
        }
        const std::uint64_t least = word == "--from" || word == "--events" ? 0 : 1;
        if (index + 1 == count || !read_number(words[++index], least, *into)) {
            std::fprintf(stderr, "swarm: %s wants a whole number from %llu\n", word.c_str(),
                         static_cast<unsigned long long>(least));
            return 2;
        }
    }
    wanted.seeds = wanted.seeds.value_or(wanted.of->seeds);
    wanted.events = wanted.events.value_or(wanted.of->events);
    wanted.jobs = static_cast<unsigned>(std::min<std::uint64_t>(jobs, 256));
    if (wanted.log)
        wanted.jobs = 1;
    return 0;
}

struct sums {
    std::mutex guard;
    std::uint64_t seeds = 0;
    std::uint64_t failed = 0;
    std::uint64_t events = 0;
    std::uint64_t attempts = 0;
    std::uint64_t connections = 0;
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
    double simulated_seconds = 0;
    std::array<std::uint64_t, fault_count> strikes{};
    std::vector<std::uint64_t> actions{};
};

void add(sums& to, const outcome& from)
{
    ++to.seeds;
    to.events += from.events;
    to.attempts += from.attempts;
    to.connections += from.connections;
    to.messages += from.messages;
    to.bytes += from.bytes;
    to.simulated_seconds += std::chrono::duration<double>(from.simulated).count();
    for (std::size_t index = 0; index < fault_count; ++index)
        to.strikes[index] += from.strikes[index];
    to.actions.resize(from.actions.size());
    for (std::size_t index = 0; index < to.actions.size(); ++index)
        to.actions[index] += from.actions[index];
}

void work(const wish& wanted, std::atomic<std::uint64_t>& next, sums& total)
{
    for (;;) {
        const std::uint64_t number = next.fetch_add(1);
        if (number >= *wanted.seeds)
            return;
        const std::uint64_t seed = wanted.from + number;
        const run_options options{*wanted.events, wanted.log};
        outcome seen = wanted.of->run(seed, options);
        if (seed % 100 == 0 && seen.failure.empty() &&
            wanted.of->run(seed, options).hash != seen.hash)
            seen.failure = "a second run of this seed did something else\n";
        const std::lock_guard lock(total.guard);
        add(total, seen);
        if (seen.failure.empty())
            continue;
        ++total.failed;
        std::printf(
            "seed %llu failed: %s  replay: ./dev sim %s--seeds 1 --from %llu --events %llu --log\n",
            static_cast<unsigned long long>(seed), seen.failure.c_str(), wanted.of->option,
            static_cast<unsigned long long>(seed), static_cast<unsigned long long>(*wanted.events));
        std::fflush(stdout);
    }
}

void report(const wish& wanted, const sums& total, double seconds)
{
    std::printf(
        "%llu seeds, %llu failed: %.1f million events in %.1f s, %.2f million/s; "
        "%.1f simulated hours, %llu attempts, %llu connections, %llu messages, %.1f MB\n",
        static_cast<unsigned long long>(total.seeds), static_cast<unsigned long long>(total.failed),
        static_cast<double>(total.events) / 1e6, seconds,
        static_cast<double>(total.events) / 1e6 / seconds, total.simulated_seconds / 3600,
        static_cast<unsigned long long>(total.attempts),
        static_cast<unsigned long long>(total.connections),
        static_cast<unsigned long long>(total.messages), static_cast<double>(total.bytes) / 1e6);
    std::printf("faults:");
    for (std::size_t index = 0; index < fault_count; ++index)
        std::printf(" %s %llu", std::string(name_of(static_cast<fault>(index))).c_str(),
                    static_cast<unsigned long long>(total.strikes[index]));
    std::printf("\nactions:");
    for (std::size_t index = 0; index < total.actions.size(); ++index)
        std::printf(" %s %llu", std::string(wanted.of->action_names()[index]).c_str(),
                    static_cast<unsigned long long>(total.actions[index]));
    std::printf("\n");
}

} // namespace

int main(int count, char** words)
{
    wish wanted;
    if (const int wrong = read(count, words, wanted); wrong != 0)
        return wrong;
    sums total;
    std::atomic<std::uint64_t> next{0};
    const auto began = std::chrono::steady_clock::now();
    const auto seconds = [&] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    };
    std::vector<std::thread> workers;
    std::atomic<unsigned> left{wanted.jobs};
    for (unsigned job = 0; job < wanted.jobs; ++job)
        workers.emplace_back([&] {
            work(wanted, next, total);
            left.fetch_sub(1);
        });
    for (double told = 2; left.load() > 0;
         std::this_thread::sleep_for(std::chrono::milliseconds(50))) {
        if (wanted.quiet || seconds() < told)
            continue;
        told += 2;
        const std::lock_guard lock(total.guard);
        std::fprintf(stderr, "%llu of %llu seeds, %.0f seeds/s, %.2f million events/s\n",
                     static_cast<unsigned long long>(total.seeds),
                     static_cast<unsigned long long>(*wanted.seeds),
                     static_cast<double>(total.seeds) / seconds(),
                     static_cast<double>(total.events) / 1e6 / seconds());
    }
    for (std::thread& worker : workers)
        worker.join();
    report(wanted, total, seconds());
    return total.failed == 0 ? 0 : 1;
}
