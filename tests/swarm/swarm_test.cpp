// SPDX-License-Identifier: MPL-2.0
#include "support/sanitized.hpp"
#include "swarm/links/links.hpp"
#include "swarm/messages/messages.hpp"
#include "swarm/topics/topics.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

using namespace slk;

namespace {

/// A small number, because every build runs these tests; SLK_ROUNDS overrides it, and ./dev sim
/// runs any number.
std::uint64_t seeds()
{
    const char* const rounds = std::getenv("SLK_ROUNDS");
    return rounds != nullptr ? std::strtoull(rounds, nullptr, 10)
                             : static_cast<std::uint64_t>(testing::repeats(12));
}

/// The number of worlds that are run again.
constexpr std::uint64_t repeated_seeds = testing::repeats(5);

} // namespace

TEST_CASE("every link connects after the faults, and no byte is lost or duplicated")
{
    std::uint64_t events = 0;
    for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
        const swarm::outcome result = swarm::links::run(seed, {});
        INFO("seed " << seed << ": " << result.failure);
        CHECK(result.failure.empty());
        events += result.events;
    }
    MESSAGE(events << " events");
}

TEST_CASE("a world of links has the same history in every run")
{
    for (std::uint64_t seed = 1; seed <= repeated_seeds; ++seed) {
        const swarm::outcome once = swarm::links::run(seed, {.events = 5000});
        const swarm::outcome again = swarm::links::run(seed, {.events = 5000});
        CHECK(once.hash == again.hash);
        CHECK(once.events == again.events);
        CHECK(once.simulated == again.simulated);
        CHECK(once.hash != swarm::links::run(seed + 1, {.events = 5000}).hash);
    }
}

TEST_CASE("every message arrives once and in order, or its loss is accounted for")
{
    std::uint64_t messages = 0;
    for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
        const swarm::outcome result = swarm::messages::run(seed, {.events = 3000});
        INFO("seed " << seed << ": " << result.failure);
        CHECK(result.failure.empty());
        messages += result.messages;
    }
    MESSAGE(messages << " messages");
}

TEST_CASE("every message reaches all who want it, once and in order, or its loss is accounted for")
{
    std::uint64_t messages = 0;
    for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
        const swarm::outcome result = swarm::topics::run(seed, {.events = 3000});
        INFO("seed " << seed << ": " << result.failure);
        CHECK(result.failure.empty());
        messages += result.messages;
    }
    CHECK(messages > 0);
}

TEST_CASE("a world of publishers and subscribers has the same history in every run")
{
    for (std::uint64_t seed = 1; seed <= repeated_seeds; ++seed) {
        const swarm::outcome once = swarm::topics::run(seed, {.events = 2000});
        const swarm::outcome again = swarm::topics::run(seed, {.events = 2000});
        CHECK(once.hash == again.hash);
        CHECK(once.messages == again.messages);
    }
}

TEST_CASE("a world of sockets has the same history in every run")
{
    for (std::uint64_t seed = 1; seed <= repeated_seeds; ++seed) {
        const swarm::outcome once = swarm::messages::run(seed, {.events = 2000});
        const swarm::outcome again = swarm::messages::run(seed, {.events = 2000});
        CHECK(once.hash == again.hash);
        CHECK(once.events == again.events);
        CHECK(once.messages == again.messages);
        CHECK(once.simulated == again.simulated);
    }
}
