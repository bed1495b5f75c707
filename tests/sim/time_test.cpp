// SPDX-License-Identifier: MPL-2.0

// The calls that advance the simulated time.

#include "sim/sim_rig.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("run_for() advances the time exactly, also without events")
{
    simulation net = new_simulation();
    const time_point begin = net.now();
    net.run_for(0s);
    CHECK(net.now() == begin);
    CHECK(net.events() == 0);
    net.run_for(1h);
    CHECK(net.now() == begin + 1h);
    CHECK(net.events() == 0);
    net.run_for(duration::max()); // returns, because there is no event
    CHECK(net.now() == begin + 1h);
}

TEST_CASE("at() calls in the order of the times, and of its own calls for equal times")
{
    simulation net = new_simulation();
    const time_point begin = net.now();
    std::string order;
    net.at(begin + 2s, [&] { order += 'd'; });
    net.at(begin + 1s, [&] { order += 'a'; });
    net.at(begin + 1s, [&] {
        order += 'b';
        net.at(net.now(), [&] { order += 'c'; });
        net.at(begin, [&] { CHECK(net.now() == begin + 1s); });
    });
    net.run_for(1s - 1ns);
    CHECK(order.empty());
    net.run_for(1ns);
    CHECK(order == "abc");
    net.run_for(1h);
    CHECK(order == "abcd");
    CHECK(net.events() == 5);
}

TEST_CASE("run_until() evaluates its condition at first and after every event, and returns it")
{
    simulation net = new_simulation();
    const time_point begin = net.now();
    CHECK(net.run_until([] { return true; }, 1h));
    CHECK(net.now() == begin);
    int happened = 0;
    for (int i = 1; i <= 10; ++i)
        net.at(begin + i * 1s, [&] { ++happened; });
    CHECK(net.run_until([&] { return happened == 3; }, 1h));
    CHECK(net.now() == begin + 3s);
    CHECK(!net.run_until([&] { return happened == 9; }, 4s));
    CHECK(net.now() == begin + 7s);
    CHECK(happened == 7);
}

TEST_CASE("step() runs one event, if there is one before the limit")
{
    simulation net = new_simulation();
    const time_point begin = net.now();
    int happened = 0;
    for (int i = 1; i <= 3; ++i)
        net.at(begin + i * 1s, [&] { ++happened; });
    CHECK(!net.step(begin + 1s - 1ns));
    CHECK(net.now() == begin);
    CHECK(net.step(begin + 1s));
    CHECK(happened == 1);
    CHECK(net.now() == begin + 1s);
    CHECK(net.step());
    CHECK(net.step());
    CHECK(!net.step());
    CHECK(happened == 3);
    CHECK(net.events() == 3);
}

TEST_CASE("the loops see the time of the simulation")
{
    world in;
    in.client_loop->post([] {});
    in.net.run_for(1h);
    in.client_loop->post([&] { CHECK(in.client_loop->now() == in.net.now()); });
    in.net.run_for(1s);
    const time_point begin = in.net.now();
    CHECK(in.client_loop->run_for(1s).has_value());
    CHECK(in.net.now() >= begin + 1s);
    CHECK(in.net.now() < begin + 1s + 10us);
}

TEST_CASE("open_sockets() counts the sockets that programs have open")
{
    world in;
    CHECK(in.net.open_sockets() == 0);
    {
        connected_pair ends(in);
        CHECK(in.net.open_sockets() == 3);
        ends.server.handle.reset();
        CHECK(in.net.open_sockets() == 2);
        ends.server.streams.clear();
        CHECK(in.net.open_sockets() == 1);
    }
    in.net.run_for(1s);
    CHECK(in.net.open_sockets() == 0);
}
