// SPDX-License-Identifier: MPL-2.0
#include "windows/iocp_fixture.hpp"
#include "windows/system_shim.hpp"

#include <atomic>
#include <initializer_list>
#include <thread>
#include <vector>

using namespace slk;
using namespace slk::testing;

TEST_CASE("W23: no wake is lost, not even when the port has no memory for it [iocp]")
{
    for (const unsigned failing : {0u, 75u}) {
        system_shim system;
        system.quiet = true;
        iocp_fixture io;
        system.failing_posts = failing;
        constexpr int rounds = 300;
        constexpr int threads = 4;
        std::atomic<int> asked[threads] = {};
        std::atomic<int> answered[threads] = {};
        std::vector<std::thread> callers;
        for (int id = 0; id < threads; ++id)
            callers.emplace_back([&, id] {
                for (int round = 1; round <= rounds; ++round) {
                    asked[id].store(round);
                    io.poller().wake();
                    while (answered[id].load() != round)
                        std::this_thread::yield();
                }
            });
        int longest = 0;
        const auto answer_all = [&] {
            int finished = 0;
            for (int id = 0; id < threads; ++id) {
                answered[id].store(asked[id].load());
                finished += answered[id].load() == rounds ? 1 : 0;
            }
            return finished == threads;
        };
        // After a lost wake the turn waits until its limit.
        const bool all = io.until(answer_all, 60s);
        CHECK(all);
        while (!all && longest++ < 60'000 && !answer_all())
            Sleep(1);
        for (std::thread& caller : callers)
            caller.join();
    }
}

TEST_CASE("W23: wakes before the next turn cost no call of the system [iocp]")
{
    system_shim system;
    iocp_fixture io;
    for (int i = 0; i < 1000; ++i)
        io.poller().wake();
    CHECK(system.calls_of(api::post).empty());
    // The turn does not wait.
    REQUIRE(io.poller().turn(never).has_value());
    const auto waits = system.calls_of(api::wait);
    REQUIRE(waits.size() == 1);
    CHECK(waits.front().value == 0);
    // They counted once.
    REQUIRE(io.poller().turn(after(io.poller().refresh_now(), 2ms)).has_value());
    CHECK(system.calls_of(api::wait).back().value > 0);
}

TEST_CASE("W24: packets are taken in batches only [iocp]")
{
    CHECK(program_imports("GetQueuedCompletionStatusEx"));
    CHECK_FALSE(program_imports("GetQueuedCompletionStatus"));
}

TEST_CASE("W26: a wait is rounded up, never early, and passing is no error [iocp]")
{
    system_shim system;
    iocp_fixture io;
    io::timer timer;
    bool fired = false;
    timer.owner = &fired;
    timer.on_expiry = [](io::timer& self) noexcept { *static_cast<bool*>(self.owner) = true; };
    const time_point start = io.poller().refresh_now();
    io.poller().arm(timer, after(start, 300us));
    int turns = 0;
    while (!fired && turns < 100) {
        REQUIRE(io.poller().turn(never).has_value());
        ++turns;
    }
    CHECK(fired);
    CHECK(turns <= 2);
    CHECK(io.poller().now() >= after(start, 300us));
    for (const call& made : system.calls_of(api::wait))
        CHECK(made.value == 1);
}

TEST_CASE("W26: waiting for ever and for longer than the system can count [iocp]")
{
    system_shim system;
    iocp_fixture io;
    std::atomic<bool> stop{false};
    std::thread waker([&] {
        while (!stop.load()) {
            io.poller().wake();
            Sleep(1);
        }
    });
    // Each ends with a wake that finds it asleep; a turn may also find one from before.
    for (const bool for_ever : {true, false}) {
        const std::size_t posted = system.calls_of(api::post).size();
        while (system.calls_of(api::post).size() == posted)
            CHECK(io.poller()
                      .turn(for_ever ? never : after(io.poller().refresh_now(), 24h * 36'500))
                      .has_value());
    }
    stop.store(true);
    waker.join();
    bool endless = false;
    bool longest = false;
    for (const call& made : system.calls_of(api::wait)) {
        endless = endless || made.value == INFINITE;
        longest = longest || made.value == 0x7fffffff;
    }
    CHECK(endless);
    CHECK(longest);
}
