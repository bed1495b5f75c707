// SPDX-License-Identifier: MPL-2.0

// One direction of a connection has one owner: the loop, or a caller's thread.

#include "messaging/connection/direct_io.hpp"
#include "messaging/context/thread_parker.hpp"
#include "support/sanitized.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <random>
#include <thread>

using namespace slk;
using messaging::io_direction;
using messaging::io_owner;

namespace {

/// Brings a new direction to this owner.
void bring(io_direction& direction, io_owner to)
{
    if (to == io_owner::loop)
        return;
    direction.offer(to == io_owner::watching ? io_owner::watching : io_owner::caller);
    if (to == io_owner::busy || to == io_owner::recalled)
        REQUIRE(direction.enter());
    if (to == io_owner::recalled)
        REQUIRE_FALSE(direction.reclaim());
}

/// Finds the owner out by moves that only that owner allows. A direction treats `watching` as
/// `caller`.
io_owner owner_of(io_direction& direction)
{
    if (direction.is_busy())
        return direction.leave(io_owner::caller) ? io_owner::busy : io_owner::recalled;
    return direction.enter() ? io_owner::caller : io_owner::loop;
}

/// From `before` a call returns `expected` and leaves the direction to `after`.
template <class Call>
void check_move(io_owner before, Call call, bool expected, io_owner after)
{
    CAPTURE(static_cast<int>(before));
    io_direction direction;
    bring(direction, before);
    CHECK(call(direction) == expected);
    CHECK(owner_of(direction) == after);
}

} // namespace

TEST_CASE("a caller enters a direction that the loop has offered, and no other")
{
    using enum io_owner;
    const auto enter = [](io_direction& direction) { return direction.enter(); };
    check_move(loop, enter, false, loop);
    check_move(caller, enter, true, busy);
    check_move(watching, enter, true, busy);
    check_move(busy, enter, false, busy);
    check_move(recalled, enter, false, recalled);
}

TEST_CASE("a caller that leaves gives the direction to the next owner, or to a loop that wants it")
{
    using enum io_owner;
    for (const io_owner next : {loop, caller, watching}) {
        const auto leave = [next](io_direction& direction) { return direction.leave(next); };
        check_move(busy, leave, true, next == watching ? caller : next);
        check_move(recalled, leave, false, loop);
    }
}

TEST_CASE("the loop takes a direction back at once, or recalls it from the caller inside")
{
    using enum io_owner;
    const auto reclaim = [](io_direction& direction) { return direction.reclaim(); };
    check_move(loop, reclaim, true, loop);
    check_move(caller, reclaim, true, loop);
    check_move(watching, reclaim, true, loop);
    check_move(busy, reclaim, false, recalled);
    check_move(recalled, reclaim, false, recalled);
}

TEST_CASE("the loop that looks takes an idle direction back, and recalls nothing")
{
    using enum io_owner;
    const auto look = [](io_direction& direction) { return direction.reclaim_if_idle(); };
    check_move(loop, look, true, loop);
    check_move(caller, look, true, loop);
    check_move(watching, look, true, loop);
    check_move(busy, look, false, busy);
    check_move(recalled, look, false, recalled);
}

TEST_CASE("between two threads a direction has one owner at a time, and every recall comes back")
{
    constexpr int rounds = testing::repeats(6'000);
    constexpr duration recall_timeout = std::chrono::seconds(60);
    io_direction direction;
    messaging::thread_parker loop_parker;
    std::uint64_t uses = 0; // by the owner only: the thread sanitizer watches it
    std::atomic<int> owners{0};
    std::atomic<int> shared_uses{0};
    std::atomic<bool> over{false};
    const auto use = [&] {
        shared_uses += owners.fetch_add(1) == 0 ? 0 : 1;
        ++uses;
        owners.fetch_sub(1);
    };
    std::uint64_t entered = 0;
    std::jthread caller([&] {
        std::mt19937 random(1);
        while (!over.load()) {
            if (!direction.enter())
                continue;
            ++entered;
            use();
            if (random() % 4 == 0)
                std::this_thread::yield();
            const io_owner next = random() % 8 == 0   ? io_owner::loop
                                  : random() % 2 == 0 ? io_owner::watching
                                                      : io_owner::caller;
            if (!direction.leave(next) || next == io_owner::loop)
                loop_parker.wake();
        }
    });
    std::mt19937 random(2);
    int recalls = 0;
    bool lost = false;
    for (int round = 0; round < rounds && !lost; ++round) {
        bool owns = random() % 2 == 0 ? direction.reclaim() : direction.reclaim_if_idle();
        if (!owns && !direction.reclaim()) {
            ++recalls;
            while (!lost && !direction.reclaim())
                lost = !loop_parker.park(recall_timeout);
        }
        use();
        direction.offer(random() % 2 == 0 ? io_owner::caller : io_owner::watching);
        if (random() % 4 == 0)
            std::this_thread::yield();
    }
    over = true;
    caller.join();
    CHECK_FALSE(lost);
    CHECK(shared_uses == 0);
    CHECK(uses == entered + rounds);
    MESSAGE(recalls << " recalls");
}
