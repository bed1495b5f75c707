// SPDX-License-Identifier: MPL-2.0

// Runs any number of seeds, on as many threads as there are processors:
//
//     swarm --seeds 10000 --from 1
//     swarm --messages --seeds 2000 --from 1
//
// Prints each seed that fails with the command that replays it. Runs every hundredth seed twice:
// both runs must end with the same hash.

#include "swarm/links/links.hpp"
#include "swarm/messages/messages.hpp"

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

/// A kind of worlds, and its defaults.
struct world_kind {
    outcome (*run)(std::uint64_t seed, const run_options& options);
    const std::vector<std::string_view>& (*action_names)();
    std::uint64_t seeds;
    std::uint64_t events;
    const char* option; ///< that selects it
};

constexpr world_kind link_worlds{links::run, links::action_names, 10'000, 10'000, ""};
constexpr world_kind message_worlds{messages::run, messages::action_names, 2000, 3000,
                                    "--messages "};

struct command_line {
    const world_kind* kind = &link_worlds;
    std::optional<std::uint64_t> seeds{}; ///< if not given: the default of the kind
    std::uint64_t from = 1;
    std::optional<std::uint64_t> events{}; ///< if not given: the default of the kind
    unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
    bool log = false;
    bool quiet = false;
};

constexpr const char* usage =
    "swarm: worlds of links and listeners on a simulated network, one for each seed.\n"
    "\n"
    "  --messages    run worlds of sockets and their messages instead\n"
    "  --seeds N     number of seeds (10000; with --messages 2000)\n"
    "  --from S      first seed (1)\n"
    "  --events N    events of each world before its faults end (10000; with --messages 3000)\n"
    "  --jobs N      number of threads (the number of processors)\n"
    "  --log         print every event; for one seed\n"
    "  --quiet       print no progress\n"
    "\n"
    "Exit code: 0 all checks held, 1 a seed failed, 2 wrong usage.\n";

bool read_number(const char* text, std::uint64_t min, std::uint64_t& into)
{
    char* end = nullptr;
    into = std::strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && into >= min;
}

/// Returns 0, or the exit code.
int read(int count, char** words, command_line& options)
{
    std::uint64_t jobs = options.jobs;
    for (int index = 1; index < count; ++index) {
        const std::string word = words[index];
        if (word == "--help" || word == "-h") {
            std::fputs(usage, stdout);
            std::exit(0);
        }
        if (word == "--log" || word == "--quiet") {
            (word == "--log" ? options.log : options.quiet) = true;
            continue;
        }
        if (word == "--messages") {
            options.kind = &message_worlds;
            continue;
        }
        std::uint64_t* into = word == "--seeds"    ? &options.seeds.emplace()
                              : word == "--from"   ? &options.from
                              : word == "--events" ? &options.events.emplace()
                              : word == "--jobs"   ? &jobs
                                                   : nullptr;
        if (into == nullptr) {
            std::fprintf(stderr, "swarm: unknown option '%s'\n%s", word.c_str(), usage);
            return 2;
        }
        const std::uint64_t min = word == "--from" || word == "--events" ? 0 : 1;
        if (index + 1 == count || !read_number(words[++index], min, *into)) {
            std::fprintf(stderr, "swarm: %s needs a whole number of at least %llu\n", word.c_str(),
                         static_cast<unsigned long long>(min));
            return 2;
        }
    }
    options.seeds = options.seeds.value_or(options.kind->seeds);
    options.events = options.events.value_or(options.kind->events);
    options.jobs = static_cast<unsigned>(std::min<std::uint64_t>(jobs, 256));
    if (options.log)
        options.jobs = 1;
    return 0;
}

struct totals {
    std::mutex guard;
    std::uint64_t seeds = 0;
    std::uint64_t failed = 0;
    std::uint64_t events = 0;
    std::uint64_t attempts = 0;
    std::uint64_t connections = 0;
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
    double simulated_seconds = 0;
    std::array<std::uint64_t, fault_count> injected{};
    std::vector<std::uint64_t> actions{};
};

void add(totals& to, const outcome& from)
{
    ++to.seeds;
    to.events += from.events;
    to.attempts += from.attempts;
    to.connections += from.connections;
    to.messages += from.messages;
    to.bytes += from.bytes;
    to.simulated_seconds += std::chrono::duration<double>(from.simulated).count();
    for (std::size_t index = 0; index < fault_count; ++index)
        to.injected[index] += from.injected[index];
    to.actions.resize(from.actions.size());
    for (std::size_t index = 0; index < to.actions.size(); ++index)
        to.actions[index] += from.actions[index];
}

void run_seeds(const command_line& options, std::atomic<std::uint64_t>& next, totals& total)
{
    for (;;) {
        const std::uint64_t number = next.fetch_add(1);
        if (number >= *options.seeds)
            return;
        const std::uint64_t seed = options.from + number;
        const run_options world_options{*options.events, options.log};
        outcome result = options.kind->run(seed, world_options);
        if (seed % 100 == 0 && result.failure.empty() &&
            options.kind->run(seed, world_options).hash != result.hash)
            result.failure = "a second run of this seed had another history\n";
        const std::lock_guard lock(total.guard);
        add(total, result);
        if (result.failure.empty())
            continue;
        ++total.failed;
        std::printf(
            "seed %llu failed: %s  replay: ./dev sim %s--seeds 1 --from %llu --events %llu --log\n",
            static_cast<unsigned long long>(seed), result.failure.c_str(), options.kind->option,
            static_cast<unsigned long long>(seed),
            static_cast<unsigned long long>(*options.events));
        std::fflush(stdout);
    }
}

void report(const command_line& options, const totals& total, double seconds)
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
                    static_cast<unsigned long long>(total.injected[index]));
    std::printf("\nactions:");
    for (std::size_t index = 0; index < total.actions.size(); ++index)
        std::printf(" %s %llu", std::string(options.kind->action_names()[index]).c_str(),
                    static_cast<unsigned long long>(total.actions[index]));
    std::printf("\n");
}

} // namespace

int main(int count, char** words)
{
    command_line options;
    if (const int status = read(count, words, options); status != 0)
        return status;
    totals total;
    std::atomic<std::uint64_t> next{0};
    const auto began = std::chrono::steady_clock::now();
    const auto seconds = [&] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    };
    std::vector<std::thread> workers;
    std::atomic<unsigned> left{options.jobs};
    for (unsigned job = 0; job < options.jobs; ++job)
        workers.emplace_back([&] {
            run_seeds(options, next, total);
            left.fetch_sub(1);
        });
    for (double next_report = 2; left.load() > 0;
         std::this_thread::sleep_for(std::chrono::milliseconds(50))) {
        if (options.quiet || seconds() < next_report)
            continue;
        next_report += 2;
        const std::lock_guard lock(total.guard);
        std::fprintf(stderr, "%llu of %llu seeds, %.0f seeds/s, %.2f million events/s\n",
                     static_cast<unsigned long long>(total.seeds),
                     static_cast<unsigned long long>(*options.seeds),
                     static_cast<double>(total.seeds) / seconds(),
                     static_cast<double>(total.events) / 1e6 / seconds());
    }
    for (std::thread& worker : workers)
        worker.join();
    report(options, total, seconds());
    return total.failed == 0 ? 0 : 1;
}
