// SPDX-License-Identifier: MPL-2.0
#include "swarm/messages/messages.hpp"
#include "swarm/swarm.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

using namespace slk;

namespace {

/// Few, because every build runs them; SLK_ROUNDS overrides it, and ./dev sim runs any number.
std::uint64_t seeds()
{
    const char* const wanted = std::getenv("SLK_ROUNDS");
    return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 40;
}

} // namespace

TEST_CASE("every link heals in every world, and nothing is lost, doubled or left open")
{
    std::uint64_t events = 0;
    for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
        const swarm::outcome seen = swarm::run(seed, {});
        INFO("seed " << seed << ": " << seen.failure);
        CHECK(seen.failure.empty());
        events += seen.events;
    }
    MESSAGE(events << " events");
}

TEST_CASE("a world does the same things whenever it is run")
{
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        const swarm::outcome once = swarm::run(seed, {.events = 5000});
        const swarm::outcome again = swarm::run(seed, {.events = 5000});
        CHECK(once.hash == again.hash);
        CHECK(once.events == again.events);
        CHECK(once.simulated == again.simulated);
        CHECK(once.hash != swarm::run(seed + 1, {.events = 5000}).hash);
    }
}

TEST_CASE("every message arrives once and in order in every world, or it is known why not")
{
    std::uint64_t arrived = 0;
    for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
        const swarm::outcome seen = swarm::messages::run(seed, {.events = 3000});
        INFO("seed " << seed << ": " << seen.failure);
        CHECK(seen.failure.empty());
        arrived += seen.messages;
    }
    MESSAGE(arrived << " messages");
}

TEST_CASE("a world of sockets does the same things whenever it is run")
{
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        const swarm::outcome once = swarm::messages::run(seed, {.events = 2000});
        const swarm::outcome again = swarm::messages::run(seed, {.events = 2000});
        CHECK(once.hash == again.hash);
        CHECK(once.events == again.events);
        CHECK(once.messages == again.messages);
        CHECK(once.simulated == again.simulated);
    }
}
