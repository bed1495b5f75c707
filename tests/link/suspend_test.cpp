// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <thread>

using namespace std::chrono_literals;

namespace {

/// Both clocks stop until the test moves them.
class two_clocks final : public slk::clock {
public:
    slk::time_point now() noexcept override { return awake; }
    slk::time_point now_with_suspend() noexcept override { return awake + suspended; }

    slk::time_point awake{1h};
    slk::duration suspended{};
};

slk::link_options to_nowhere()
{
    slk::link_options options;
    options.to = *slk::endpoint::parse("tcp://name.invalid:1");
    options.reconnect.floor = 1h;
    return options;
}

/// Runs the loop until the link's lookup has failed and it waits.
void until_backoff(slk::loop& loop, const slk::link& link)
{
    for (int turn = 0; turn < 20'000 && link.status().state != slk::link_state::backoff; ++turn) {
        REQUIRE(loop.run_for(0ns));
        std::this_thread::sleep_for(1ms); // for the lookup's thread: the loop's clock stands still
    }
    REQUIRE(link.status().state == slk::link_state::backoff);
}

} // namespace

TEST_CASE("T3: after a suspension a waiting link tries again soon, with jitter")
{
    two_clocks clocks;
    auto loop = slk::loop::create({.time = &clocks, .lookup = [](const auto&, auto) {
                                       return slk::result<std::vector<slk::address>>(slk::fail(
                                           slk::errc::name_lookup_failed, slk::phase::resolve));
                                   }});
    REQUIRE(loop);
    auto link = slk::link::create(*loop, to_nowhere());
    REQUIRE(link);
    link->start();
    until_backoff(*loop, *link);
    CHECK(link->status().next_attempt >= clocks.awake + 1h);

    SUBCASE("eight hours")
    {
        clocks.suspended += 8h;
        REQUIRE(loop->run_for(0ns));
        CHECK(link->status().next_attempt <= clocks.awake + 100ms);
        CHECK(link->status().retries == 0);
    }
    SUBCASE("a moment is no suspension")
    {
        clocks.suspended += 10ms;
        REQUIRE(loop->run_for(0ns));
        CHECK(link->status().next_attempt >= clocks.awake + 1h);
    }
}

TEST_CASE("T2: a clock that steps back neither fires early nor stops the loop")
{
    two_clocks clocks;
    auto loop = slk::loop::create({.time = &clocks});
    REQUIRE(loop);
    const slk::time_point seen = loop->now();
    clocks.awake -= 30min;
    REQUIRE(loop->run_for(0ns));
    CHECK(loop->now() >= seen);
}
