// SPDX-License-Identifier: MPL-2.0
#include "contract/harness.hpp"

using namespace slk;
using namespace slk::contract;

SLK_CONTRACT_TEST("E18: a timer of 300 microseconds takes a few turns, not a spin")
{
    rig loop(backend);
    for (int round = 0; round < 20; ++round) {
        tracked_timer timer;
        const time_point deadline = after(loop->refresh_now(), 300us);
        loop->arm(timer, deadline);
        int turns = 0;
        while (timer.firings == 0 && turns < 1000) {
            CHECK(loop->turn(never).has_value());
            ++turns;
        }
        CHECK(timer.firings == 1);
        CHECK(turns <= 3);
        CHECK(loop.time().now() >= deadline);
    }
}

SLK_CONTRACT_TEST("E19: a turn that ends before the deadline by the clock fires nothing")
{
    manual_clock time;
    tracked_timer timer;
    rig loop(backend, time);
    loop->arm(timer, after(time.time, 1ms));
    for (int turn = 0; turn < 5; ++turn) {
        CHECK(loop->turn(after(time.time, 1ms)).has_value()); // only real time passes
        CHECK(timer.firings == 0);
    }
    time.time += 1ms;
    CHECK(loop.turn().has_value());
    CHECK(timer.firings == 1);
}

SLK_CONTRACT_TEST("E9: a turn with nothing to do lasts until its end and not shorter")
{
    rig loop(backend);
    const time_point start = loop.time().now();
    CHECK(loop->turn(after(start, 15ms)).has_value());
    CHECK(loop.time().now() - start >= 15ms);
    CHECK(loop->turn(start).has_value()); // past: does not wait
}

SLK_CONTRACT_TEST("T2: a clock that steps back neither fires a timer early nor hangs")
{
    for (const duration step : {duration(1ns), duration(1ms), duration(1h)}) {
        manual_clock time;
        time.time = time_point{10h};
        rig loop(backend, time);
        tracked_timer timer;
        CHECK(loop.turn().has_value());
        const time_point seen = loop->now();
        loop->arm(timer, after(seen, 1s));
        time.time -= step;
        CHECK(loop.turn().has_value());
        CHECK(loop->now() == seen);
        CHECK(timer.firings == 0);
        time.time = after(seen, 999ms);
        CHECK(loop.turn().has_value());
        CHECK(timer.firings == 0);
        time.time = after(seen, 1s);
        CHECK(loop.turn().has_value());
        CHECK(timer.firings == 1);
    }
}

SLK_CONTRACT_TEST("T4: after a stall a periodic timer fires once, not once per period")
{
    manual_clock time;
    tracked_timer timer;
    rig loop(backend, time);
    timer.then = [&] { loop->arm(timer, after(loop->now(), 100ms)); };
    loop->arm(timer, after(time.time, 100ms));
    time.time += 8h;
    for (int turn = 0; turn < 10; ++turn)
        CHECK(loop.turn().has_value());
    CHECK(timer.firings == 1);
    CHECK(timer.deadline() == after(time.time, 100ms));
}

SLK_CONTRACT_TEST("T5: a timer disarmed by another one of the same turn does not fire")
{
    manual_clock time;
    tracked_timer first;
    tracked_timer second;
    tracked_timer third;
    rig loop(backend, time);
    first.then = [&] {
        loop->disarm(second);
        loop->arm(third, after(loop->now(), 1h)); // was due now: re-armed, it is not
    };
    for (tracked_timer* each : {&first, &second, &third})
        loop->arm(*each, after(time.time, 1s));
    time.time += 2s;
    CHECK(loop.turn().has_value());
    CHECK(loop.turn().has_value());
    CHECK(first.firings == 1);
    CHECK(second.firings == 0);
    CHECK(third.firings == 0);
    CHECK(third.armed());
}

SLK_CONTRACT_TEST("T8: a timer that re-arms itself without a delay does not starve the sockets")
{
    rig loop(backend);
    const socket_pair link = loop.connect_pair();
    tracked_timer timer;
    timer.then = [&] { loop->arm(timer, loop->now()); };
    loop->arm(timer, loop->now());
    for (int round = 0; round < 100; ++round) {
        REQUIRE(loop.send_all(link.client, pattern(10)));
        REQUIRE(loop.receive_all(link.server, 10) == pattern(10));
    }
    CHECK(timer.firings > 100);
    loop->disarm(timer);
}

SLK_CONTRACT_TEST("T8: a timer that is armed again and again for the past does not starve others")
{
    manual_clock time;
    tracked_timer greedy;
    tracked_timer other;
    rig loop(backend, time);
    greedy.then = [&] { loop->arm(greedy, time_point{}); };
    loop->arm(greedy, time_point{});
    loop->arm(other, after(time.time, 1s));
    time.time += 2s;
    for (int turn = 0; turn < 3; ++turn)
        CHECK(loop.turn().has_value());
    CHECK(other.firings == 1);
    CHECK(greedy.firings == 3);
}
