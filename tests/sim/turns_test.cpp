// SPDX-License-Identifier: MPL-2.0

// The turns of simulated loops, and the time that they take.

#include "sim/sim_rig.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("two loops that post to each other without end do not stop time")
{
    int posts = 0; // the loops, which end last, still call what was posted
    std::function<void()> there;
    std::function<void()> back;
    world in;
    there = [&] {
        if (++posts < 100'000)
            in.server_loop->post(back);
    };
    back = [&] {
        if (++posts < 100'000)
            in.client_loop->post(there);
    };
    in.client_loop->post(there);
    const time_point begin = in.net.now();
    in.net.run_for(1ms);
    CHECK(in.net.now() - begin == 1ms);
    // A turn takes a microsecond.
    CHECK(posts > 900);
    CHECK(posts < 2'100);
    posts = 100'000;
}

TEST_CASE("no other loop runs inside a turn that the network runs")
{
    world in;
    int calls = 0;
    int max_calls = 0;
    std::vector<loop> loops;
    for (int i = 0; i < 50; ++i)
        loops.push_back(new_loop(in.net, in.client));
    for (loop& each : loops)
        each.post([&] { max_calls = std::max(max_calls, ++calls); });
    in.net.at(in.net.now() + 1ms, [&] { loops.clear(); });
    // Each of them has work at the time when all of them are destroyed.
    in.net.at(in.net.now() + 1ms - 1ns, [&] {
        for (loop& each : loops)
            each.post([] {});
    });
    in.net.run_for(2ms);
    CHECK(loops.empty());
    CHECK(calls == 50);
}

TEST_CASE("late_wake: a loop with work runs later, whatever advances the time")
{
    world in;
    in.net.set_faults(fault_rates{.max_delay = 10ms}.set(fault::late_wake, 1000));
    duration late{};
    constexpr int times = 20;
    std::function<void(const std::function<bool()>&)> pass;
    SUBCASE("the simulation")
    {
        pass = [&](const auto& done) { CHECK(in.net.run_until(done, 1s)); };
    }
    SUBCASE("steps")
    {
        pass = [&](const auto& done) {
            while (!done() && in.net.step(in.net.now() + 1s)) {
            }
        };
    }
    SUBCASE("another loop")
    {
        pass = [&](const auto& done) {
            CHECK(in.client_loop->run_until(done, 1s).value_or(false));
        };
    }
    SUBCASE("the loop itself")
    {
        pass = [&](const auto& done) {
            CHECK(in.server_loop->run_until(done, 1s).value_or(false));
        };
    }
    for (int i = 0; i < times; ++i) {
        bool done = false;
        const time_point posted = in.net.now();
        in.net.at(posted + 1ms, [&] {
            in.server_loop->post([&] {
                late += in.net.now() - posted - 1ms;
                done = true;
            });
        });
        pass([&] { return done; });
    }
    CHECK(late > times * 2ms);
    CHECK(late < times * 10ms);
    CHECK(in.net.injected(fault::late_wake) >= times);
    in.net.set_faults({});
}

TEST_CASE("idle_turn: a loop runs without work, and time advances")
{
    world in;
    in.net.set_faults(fault_rates{}.set(fault::idle_turn, 1000));
    const time_point begin = in.net.now();
    SUBCASE("the simulation runs")
    {
        in.server_loop->post([] {});
        in.net.run_for(100ms);
        CHECK(in.net.now() == begin + 100ms);
    }
    SUBCASE("the loop runs")
    {
        CHECK(in.client_loop->run_for(1ms).has_value());
        CHECK(in.net.now() >= begin + 1ms);
    }
    CHECK(in.net.injected(fault::idle_turn) >= 5);
    in.net.set_faults({});
    const std::uint64_t injected = in.net.injected(fault::idle_turn);
    in.net.run_for(1s);
    CHECK(in.net.injected(fault::idle_turn) == injected);
}

TEST_CASE("a post that a stopped loop did not reach runs when the network runs")
{
    world in;
    bool done = false;
    in.client_loop->post([&] {
        in.client_loop->stop();
        in.client_loop->post([&] { done = true; });
    });
    CHECK(in.client_loop->run_for(1s).has_value());
    CHECK(!done);
    in.net.run_for(1s);
    CHECK(done);
}

TEST_CASE("a loop that waits in run_for() is woken by a post from a handler of another loop")
{
    world in;
    time_point called{};
    const time_point begin = in.net.now();
    in.net.at(begin + 1s, [&] {
        in.server_loop->post([&] { in.client_loop->post([&] { called = in.net.now(); }); });
    });
    CHECK(in.client_loop->run_for(10s).has_value());
    CHECK(called - begin >= 1s);
    CHECK(called - begin < 1s + 10us);
}

TEST_CASE("turn_cost: time advances by it in each turn of a loop that never waits")
{
    for (const duration cost : std::initializer_list<duration>{1us, 50us}) {
        world in({.turn_cost = cost});
        int turns = 0;
        std::function<void()> again = [&] {
            ++turns;
            in.client_loop->post(again);
        };
        in.client_loop->post(again);
        in.net.run_for(10ms);
        CHECK(turns >= 10ms / cost - 1);
        CHECK(turns <= 10ms / cost + 2);
        turns = 0;
        CHECK(in.client_loop->run_for(10ms).has_value());
        CHECK(turns >= 10ms / cost - 1);
        CHECK(turns <= 10ms / cost + 2);
        again = [] {};
        in.net.run_for(1ms);
    }
}

TEST_CASE(
    "wait_error: a call that runs the loop returns it, and a loop that the network runs goes on")
{
    world in;
    in.net.inject(fault::wait_error);
    SUBCASE("in a call")
    {
        const auto ran = in.client_loop->run_for(1ms);
        REQUIRE(!ran);
        CHECK(ran.error() != errc::ok);
        CHECK(in.client_loop->run_for(1ms).has_value());
    }
    SUBCASE("in the network")
    {
        in.net.set_faults(fault_rates{}.set(fault::wait_error, 500));
        connected_pair ends(in);
        const reader at_server(ends.at_server());
        const stream_sender sent(ends.at_client(), "works");
        CHECK(in.until([&] { return at_server.text == "works"; }, 1s));
    }
    CHECK(in.net.injected(fault::wait_error) >= 1);
}

TEST_CASE("the condition of run_until() may run a loop that has timers")
{
    world in;
    const test_listener server(*in.server_loop);
    link_options options;
    options.reconnect.floor = 300ms;
    options.reconnect.base = 1ms;
    in.net.inject(fault::refuse);
    const test_link client(*in.client_loop, numeric_endpoint, options);
    // Each run of the loop arms its timers again.
    const auto up = [&] {
        CHECK(in.client_loop->run_for(0ms).has_value());
        return client.connected();
    };
    CHECK(in.net.run_until(up, 1s));
}
