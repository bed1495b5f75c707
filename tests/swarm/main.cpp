// SPDX-License-Identifier: MPL-2.0

// Runs any number of seeds, on as many threads as there are processors:
//
//     swarm --seeds 10000 --from 1
//     swarm --messages --seeds 10000 --from 1
//     swarm --topics --seeds 8000 --from 1
//
// Prints each seed that fails with the command that replays it. Runs every hundredth seed twice:
// both runs must end with the same hash.

#include "swarm/links/links.hpp"
#include "swarm/messages/messages.hpp"
#include "swarm/topics/topics.hpp"

#include "tools/support/command_line.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
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
constexpr world_kind message_worlds{messages::run, messages::action_names, 10'000, 3000,
                                    "--messages "};
constexpr world_kind topic_worlds{topics::run, topics::action_names, 8000, 3000, "--topics "};

struct settings {
    bool messages = false;
    bool topics = false;
    std::optional<std::uint64_t> seeds{};  ///< if not given: the default of the kind
    std::uint64_t from = 1;
    std::optional<std::uint64_t> events{}; ///< if not given: the default of the kind
    unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
    bool log = false;
    bool quiet = false;
};

/// The settings with the defaults of the kind filled in.
struct run_plan {
    const world_kind& of;
    std::uint64_t seeds;
    std::uint64_t from;
    std::uint64_t events;
    unsigned jobs;
    bool log;
    bool quiet;
};

run_plan plan_of(const settings& options)
{
    const world_kind& of = options.topics     ? topic_worlds
                           : options.messages ? message_worlds
                                              : link_worlds;
    return {.of = of,
            .seeds = options.seeds.value_or(of.seeds),
            .from = options.from,
            .events = options.events.value_or(of.events),
            .jobs = options.log ? 1 : std::min(options.jobs, 256u),
            .log = options.log,
            .quiet = options.quiet};
}

void add_options(tool::command& to, settings& into)
{
    to.flag({.name = "--messages", .help = "Worlds of sockets and their messages instead"},
            into.messages);
    to.flag({.name = "--topics",
             .help = "Worlds of publishers and subscribers instead",
             .excludes = {"--messages"}},
            into.topics);
    to.number({.name = "--seeds",
               .help = "Number of seeds",
               .type = "N",
               .fallback = "10000; with --topics 8000"},
              into.seeds, 1);
    to.number({.name = "--from", .help = "The first seed", .type = "S", .fallback = "1"},
              into.from);
    to.number({.name = "--events",
               .help = "Events of each world before its faults end",
               .type = "N",
               .fallback = "10000; with --messages or --topics 3000"},
              into.events);
    to.number({.name = "--jobs", .help = "Threads [the number of processors]", .type = "N"},
              into.jobs, 1);
    to.flag({.name = "--log", .help = "Print what happens, seed after seed"}, into.log);
    to.flag({.name = "--quiet", .help = "No progress"}, into.quiet);
    to.footer("A seed that fails is printed with the command that replays it.\n"
              "Exit codes: 0 no seed failed, 1 a seed failed, 2 wrong usage.");
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

void run_seeds(const run_plan& plan, std::atomic<std::uint64_t>& next, totals& total)
{
    for (;;) {
        const std::uint64_t number = next.fetch_add(1);
        if (number >= plan.seeds)
            return;
        const std::uint64_t seed = plan.from + number;
        const run_options options{plan.events, plan.log};
        outcome result = plan.of.run(seed, options);
        if (seed % 100 == 0 && result.failure.empty() &&
            plan.of.run(seed, options).hash != result.hash)
            result.failure = "a second run of this seed had another hash\n";
        const std::lock_guard lock(total.guard);
        add(total, result);
        if (result.failure.empty())
            continue;
        ++total.failed;
        std::printf(
            "seed %llu failed: %s  replay: ./dev sim %s--seeds 1 --from %llu --events %llu --log\n",
            static_cast<unsigned long long>(seed), result.failure.c_str(), plan.of.option,
            static_cast<unsigned long long>(seed), static_cast<unsigned long long>(plan.events));
        std::fflush(stdout);
    }
}

void report(const run_plan& plan, const totals& total, double seconds)
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
        std::printf(" %s %llu", std::string(plan.of.action_names()[index]).c_str(),
                    static_cast<unsigned long long>(total.actions[index]));
    std::printf("\n");
}

int run_all(const run_plan& plan)
{
    totals total;
    std::atomic<std::uint64_t> next{0};
    const auto began = std::chrono::steady_clock::now();
    const auto seconds = [&] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    };
    std::vector<std::thread> workers;
    std::atomic<unsigned> left{plan.jobs};
    for (unsigned job = 0; job < plan.jobs; ++job)
        workers.emplace_back([&] {
            run_seeds(plan, next, total);
            left.fetch_sub(1);
        });
    for (double next_report = 2; left.load() > 0;
         std::this_thread::sleep_for(std::chrono::milliseconds(50))) {
        if (plan.quiet || seconds() < next_report)
            continue;
        next_report += 2;
        const std::lock_guard lock(total.guard);
        std::fprintf(stderr, "%llu of %llu seeds, %.0f seeds/s, %.2f million events/s\n",
                     static_cast<unsigned long long>(total.seeds),
                     static_cast<unsigned long long>(plan.seeds),
                     static_cast<double>(total.seeds) / seconds(),
                     static_cast<double>(total.events) / 1e6 / seconds());
    }
    for (std::thread& worker : workers)
        worker.join();
    report(plan, total, seconds());
    return total.failed == 0 ? tool::exit_ok : tool::exit_failed;
}

} // namespace

int main(int count, char** words)
{
    tool::command program(
        "swarm", "Worlds of links and listeners on a simulated network, one for each seed, "
                 "on as many threads as there are processors.");
    settings options;
    add_options(program, options);
    program.action([&options] { return run_all(plan_of(options)); });
    return program.run(count, words);
}
