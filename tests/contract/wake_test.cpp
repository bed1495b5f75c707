// SPDX-License-Identifier: MPL-2.0
#include "contract/harness.hpp"

#include <atomic>
#include <thread>

using namespace slk;
using namespace slk::contract;

SLK_CONTRACT_TEST("C14: no wake of four threads is lost")
{
    rig loop(backend);
    const int per_thread = rounds(20000);
    std::atomic<int> posted{0};
    std::vector<std::thread> threads;
    for (int index = 0; index < 4; ++index)
        threads.emplace_back([&] {
            for (int number = 0; number < per_thread; ++number) {
                posted.fetch_add(1);
                loop->wake();
            }
        });
    // No limit on the turn: after a lost wake it waits until the test's timeout.
    slk::clock& time = loop.time();
    const time_point end_of_patience = loop.test_timeout(20s);
    int turns = 0;
    while (posted.load() != 4 * per_thread && time.now() < end_of_patience) {
        CHECK(loop->turn(end_of_patience).has_value());
        ++turns;
    }
    for (std::thread& thread : threads)
        thread.join();
    CHECK(time.now() < end_of_patience);
    MESSAGE(turns << " turns for " << 4 * per_thread << " wakes");
}

SLK_CONTRACT_TEST("C14: a waiting turn ends for one wake, again and again")
{
    rig loop(backend);
    std::atomic<int> asked{0};
    std::atomic<int> seen{0};
    const int count = rounds(2000);
    std::thread other([&] {
        for (int number = 1; number <= count; ++number) {
            asked.store(number);
            loop->wake();
            while (seen.load() < number)
                std::this_thread::yield();
        }
    });
    slk::clock& time = loop.time();
    bool in_time = true;
    while (seen.load() < count && in_time) {
        const time_point end_of_patience = loop.test_timeout(20s);
        CHECK(loop->turn(end_of_patience).has_value());
        // A wake after the one that ended this turn is a new one.
        loop->wake();
        CHECK(loop->turn(end_of_patience).has_value());
        seen.store(asked.load());
        in_time = time.now() < end_of_patience;
    }
    seen.store(count);
    other.join();
    CHECK(in_time);
}

SLK_CONTRACT_TEST("C14: a wake before a turn ends that turn, and a hundred wakes end one")
{
    rig loop(backend);
    slk::clock& time = loop.time();
    for (int number = 0; number < 100; ++number)
        loop->wake();
    const time_point start = time.now();
    CHECK(loop->turn(after(start, 10s)).has_value());
    CHECK(time.now() - start < 5s);
    // A wake after a turn that has seen the last one, and a wake from inside a turn, are new ones.
    for (int number = 0; number < 100; ++number) {
        loop->wake();
        CHECK(loop->turn(after(time.now(), 10s)).has_value());
    }
    tracked_timer timer;
    timer.then = [&] { loop->wake(); };
    loop->wake();
    loop->arm(timer, time_point{});
    CHECK(loop.turn().has_value());
    CHECK(timer.firings == 1);
    CHECK(loop->turn(after(time.now(), 10s)).has_value());
    CHECK(time.now() - start < 5s);
    // All wakes have been seen: the next turn waits until its end.
    const time_point again = time.now();
    CHECK(loop->turn(after(again, 20ms)).has_value());
    CHECK(time.now() - again >= 20ms);
}
