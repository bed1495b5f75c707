// SPDX-License-Identifier: MPL-2.0

// Suspended hosts, and clocks that jump.

#include "io/backend/sim/network.hpp"
#include "sim/sim_rig.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

/// A link with a delay of a day.
link_options with_long_delay()
{
    link_options options;
    options.reconnect.floor = 24h;
    return options;
}

/// Lets time pass by running the simulation or the loop of the client.
void pass(world& in, bool by_loop, duration time)
{
    if (by_loop)
        CHECK(in.client_loop->run_for(time).has_value());
    else
        in.net.run_for(time);
}

/// Returns when an attempt with a deadline of 60 s ends if the host's clock jumps after 10 s.
duration time_of_deadline(bool by_loop, duration jump)
{
    world in;
    link_options options;
    options.reconnect.connect_timeout = 60s;
    in.net.inject(fault::black_hole);
    test_link client(*in.client_loop, numeric_endpoint, options);
    const time_point begin = in.net.now();
    in.net.at(begin + 10s, [&] { in.net.jump_clock(in.client, jump); });
    for (int i = 0; i < 1'500 && !client.failed_with(errc::timed_out); ++i)
        pass(in, by_loop, 100ms);
    CHECK(client.failed_with(errc::timed_out));
    return in.net.now() - begin;
}

} // namespace

TEST_CASE("T3: a waiting link notices a suspension of its own host only")
{
    world in;
    test_link here(*in.client_loop, "tcp://unknown:1", with_long_delay());
    test_link there(*in.server_loop, "tcp://unknown:1", with_long_delay());
    REQUIRE(in.until([&] { return here.in_backoff() && there.in_backoff(); }, 1s));
    in.net.run_for(1h);
    const std::uint64_t attempts = here.status().attempt;
    in.net.suspend(in.client, 8h);
    in.net.run_for(7h);
    CHECK(here.status().attempt == attempts);
    in.net.run_for(1h);
    // The loop notices the suspension when it wakes.
    in.client_loop->post([] {});
    in.net.run_for(1s);
    CHECK(here.status().attempt == attempts + 1);
    CHECK(there.status().attempt == 1);
}

TEST_CASE("no loop of a suspended host runs, and its clock does not advance")
{
    world in;
    bool by_loop = false;
    SUBCASE("the simulation runs") {}
    SUBCASE("the loop of the suspended host runs")
    {
        by_loop = true;
    }
    const time_point begin = in.net.now();
    time_point here{};
    time_point there{};
    const time_point own_begin = in.client_loop->now();
    const auto suspend = [&] { in.net.suspend(in.client, 10s); };
    in.net.at(begin + 1s, suspend);
    in.net.at(begin + 2s, [&] {
        in.client_loop->post([&] { here = in.net.now(); });
        in.server_loop->post([&] { there = in.net.now(); });
    });
    pass(in, by_loop, 3s);
    in.net.run_for(20s);
    CHECK(there - begin < 2s + 1ms);
    CHECK(here - begin >= 11s);
    CHECK(here - begin < 11s + 1ms);
    in.client_loop->post([] {});
    in.net.run_for(1ms);
    const duration own = in.client_loop->now() - own_begin;
    CHECK(in.net.now() - begin - own >= 10s - 1ms);
    CHECK(in.net.now() - begin - own <= 10s + 1ms);
}

TEST_CASE("a suspension during a suspension extends it")
{
    world in;
    const time_point begin = in.net.now();
    in.net.suspend(in.client, 10s);
    in.net.at(begin + 5s, [&] { in.net.suspend(in.client, 10s); });
    time_point ran{};
    in.client_loop->post([&] { ran = in.net.now(); });
    in.net.run_for(30s);
    CHECK(ran - begin >= 20s);
    CHECK(ran - begin < 20s + 1ms);
    CHECK(in.net.core()->at_host(in.client.index).time.now_with_suspend() == in.net.now());
    CHECK(in.net.core()->at_host(in.client.index).time.now() == in.net.now() - 20s);
}

TEST_CASE("a timer follows its host's clock, whether the simulation or the loop runs")
{
    for (const bool by_loop : {false, true}) {
        CAPTURE(by_loop);
        const auto check_deadline = [&](duration jump, duration min) {
            const duration took = time_of_deadline(by_loop, jump);
            CHECK(took >= min);
            CHECK(took <= min + 200ms);
        };
        check_deadline(0s, 60s);
        check_deadline(40s, 20s);
        check_deadline(-40s, 100s);
        check_deadline(1h, 10s);
    }
}

TEST_CASE("T2: clock jumps neither stop links nor lose a connection")
{
    world in;
    connected_pair ends(in);
    const reader at_server(ends.at_server());
    for (const duration by :
         std::initializer_list<duration>{1ns, -1ns, 1s, -1s, 1h, -1h, -48h, 48h}) {
        in.net.jump_clock(in.client, by);
        in.net.jump_clock(in.server, -by);
        const stream_sender sent(ends.at_client(), "x");
        CHECK(in.until([&] { return sent.done; }, 1s));
    }
    CHECK(in.until([&] { return at_server.text == "xxxxxxxx"; }, 1s));
    CHECK(ends.client.connected());
    CHECK(ends.client.status().generation == 1);
}
