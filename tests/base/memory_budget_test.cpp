// SPDX-License-Identifier: MPL-2.0

// memory_budget: what is counted, who may grow, who waits, and who is ended.

#include "base/memory_budget.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

using namespace slk;
using namespace std::chrono_literals;

namespace {

/// Counts what it is told.
struct user final : memory_user {
    user() { claim.set_user(*this); }

    void on_memory() noexcept override { ++calls; }
    void end_for_memory() noexcept override { ++ends; }
    void retain_user() noexcept override { ++references; }
    void release_user() noexcept override { --references; }

    memory_claim claim;
    std::atomic<int> calls{0};
    std::atomic<int> ends{0};
    std::atomic<int> references{0};
};

} // namespace

TEST_CASE("a budget counts memory, and never refuses to")
{
    memory_budget budget(100);
    CHECK(budget.is_limited());
    CHECK(budget.limit() == 100);
    CHECK_FALSE(budget.add(99));
    CHECK_FALSE(budget.is_used_up());
    CHECK(budget.add(1));
    CHECK(budget.is_used_up());
    CHECK(budget.add(500));
    CHECK(budget.used() == 600);
    budget.remove(501);
    CHECK_FALSE(budget.is_used_up());
    budget.remove(99);
    CHECK(budget.used() == 0);

    memory_budget none(0);
    CHECK_FALSE(none.is_limited());
    CHECK(none.limit() == 0);
    CHECK_FALSE(none.add(UINT64_MAX / 2));
    CHECK(none.used() == UINT64_MAX / 2);
}

TEST_CASE("a message may grow within the budget, and the one that began first "
          "also beyond it")
{
    memory_budget budget(100);
    user first, second, third;
    (void)budget.add(60);
    CHECK(budget.may_grow(first.claim, 40));
    (void)budget.add(40);
    CHECK_FALSE(budget.may_grow(second.claim, 1));
    CHECK_FALSE(budget.may_grow(third.claim, 1));
    CHECK(budget.may_grow(first.claim, 1000));
    (void)budget.add(1000);
    CHECK(budget.may_grow(first.claim, 1000));
    CHECK(second.calls == 0);

    // It has arrived, and its memory is still in use: the second one has precedence now.
    budget.withdraw(first.claim);
    CHECK_FALSE(first.claim.linked());
    CHECK(second.calls == 1);
    CHECK(third.calls == 0);
    CHECK(budget.may_grow(second.claim, 200));
    CHECK_FALSE(budget.may_grow(third.claim, 1));
    budget.remove(1000);
    CHECK(third.calls == 0);
    budget.remove(50);
    CHECK(third.calls == 1);
    CHECK(budget.may_grow(third.claim, 50));
    CHECK_FALSE(budget.may_grow(third.claim, 51));
    budget.withdraw(second.claim);
    budget.withdraw(second.claim);
    CHECK(third.calls == 2);
    budget.withdraw(third.claim);
    for (const user* each : {&first, &second, &third})
        CHECK(each->references == 0);
}

TEST_CASE("messages that wait are called one after the other, each when the "
          "one before has asked")
{
    memory_budget budget(100);
    user first, second, third;
    (void)budget.add(100);
    CHECK(budget.may_grow(first.claim, 10));
    CHECK_FALSE(budget.may_grow(second.claim, 10));
    CHECK_FALSE(budget.may_grow(third.claim, 10));
    budget.remove(50);
    CHECK(second.calls == 1);
    CHECK(third.calls == 0);
    CHECK(budget.may_grow(second.claim, 10));
    CHECK(third.calls == 1);
    for (user* each : {&first, &second, &third})
        budget.withdraw(each->claim);
    budget.remove(50);
    CHECK(third.calls == 1);
}

TEST_CASE("a message whose socket does not read is not the one that goes on")
{
    memory_budget budget(100);
    user first, second;
    (void)budget.add(100);
    CHECK(budget.may_grow(first.claim, 10));
    CHECK_FALSE(budget.may_grow(second.claim, 10));
    budget.set_blocked(first.claim, true);
    CHECK(second.calls == 1);
    CHECK(budget.may_grow(second.claim, 10));
    CHECK_FALSE(budget.may_grow(first.claim, 10));
    budget.set_blocked(first.claim, false);
    CHECK(budget.may_grow(first.claim, 10));
    budget.withdraw(first.claim);
    budget.set_blocked(first.claim, true);
    CHECK_FALSE(first.claim.linked());
    budget.withdraw(second.claim);
}

TEST_CASE("a message that goes on with less is not called, and does not keep another one waiting")
{
    memory_budget budget(1000);
    user senior, goes_on, waits;
    (void)budget.add(950);
    CHECK(budget.may_grow(senior.claim, 300));
    (void)budget.add(300);
    CHECK_FALSE(budget.may_grow(goes_on.claim, 300, false));
    CHECK_FALSE(budget.may_grow(waits.claim, 300));
    budget.remove(950);
    CHECK(goes_on.calls == 0);
    CHECK(waits.calls == 1);
    for (user* each : {&senior, &goes_on, &waits})
        budget.withdraw(each->claim);
}

TEST_CASE("a message is called when what it wants fits, also behind one that wants more")
{
    memory_budget budget(100);
    user senior, large, small;
    (void)budget.add(100);
    CHECK(budget.may_grow(senior.claim, 1));
    CHECK_FALSE(budget.may_grow(large.claim, 80));
    CHECK_FALSE(budget.may_grow(small.claim, 20));
    budget.remove(30);
    CHECK(large.calls == 0);
    CHECK(small.calls == 1);
    budget.remove(50);
    CHECK(large.calls == 1);
    for (user* each : {&senior, &large, &small})
        budget.withdraw(each->claim);
}

TEST_CASE("a message that is called and is refused again calls one that wants less")
{
    memory_budget budget(100);
    user senior, large, small;
    (void)budget.add(100);
    CHECK(budget.may_grow(senior.claim, 1));
    CHECK_FALSE(budget.may_grow(large.claim, 50));
    CHECK_FALSE(budget.may_grow(small.claim, 20));
    budget.remove(60);
    CHECK(large.calls == 1);
    CHECK(small.calls == 0);
    // Another queue was faster.
    (void)budget.add(30);
    CHECK_FALSE(budget.may_grow(large.claim, 50));
    CHECK(large.calls == 1);
    CHECK(small.calls == 1);
    for (user* each : {&senior, &large, &small})
        budget.withdraw(each->claim);
}

TEST_CASE("a message that waits and whose socket does not read is not called instead of another")
{
    memory_budget budget(100);
    user senior, blocked, waits;
    (void)budget.add(100);
    CHECK(budget.may_grow(senior.claim, 1));
    CHECK_FALSE(budget.may_grow(blocked.claim, 10));
    CHECK_FALSE(budget.may_grow(waits.claim, 10));
    budget.set_blocked(blocked.claim, true);
    budget.remove(50);
    CHECK(blocked.calls == 0);
    CHECK(waits.calls == 1);
    // It hears of the memory when its socket reads.
    budget.set_blocked(blocked.claim, false);
    CHECK(blocked.calls == 1);
    for (user* each : {&senior, &blocked, &waits})
        budget.withdraw(each->claim);
}

namespace {

constexpr time_point begin = time_point() + std::chrono::hours(1);

/// Claims that have memory, one that waits for it, and those who look for it.
struct crowd {
    explicit crowd(std::size_t holders) : holding(holders)
    {
        for (user& each : holding)
            CHECK(budget.may_grow(each.claim, 1));
        (void)budget.add(2000);
        CHECK_FALSE(budget.may_grow(waiting.claim, 10));
    }
    ~crowd()
    {
        for (user& each : holding)
            budget.withdraw(each.claim);
        budget.withdraw(waiting.claim);
        CHECK(waiting.ends == 0);
        CHECK(waiting.references == 0);
    }
    /// Looks whenever it is due, until `end`.
    void look_until(time_point end)
    {
        for (; now <= end; now = budget.look_for_memory(now)) {
            for (user* each : moves)
                each->claim.note_progress();
        }
    }
    [[nodiscard]] int ended() const
    {
        int sum = 0;
        for (const user& each : holding)
            sum += each.ends;
        return sum;
    }

    memory_budget budget{1000};
    std::vector<user> holding;
    user waiting;
    std::vector<user*> moves; ///< of those that hold memory
    time_point now = begin;
};

} // namespace

TEST_CASE("a message that rests while another one waits for memory is ended after ten seconds")
{
    crowd in(1);
    in.look_until(begin + 9900ms);
    CHECK(in.ended() == 0);
    in.look_until(begin + 10s);
    CHECK(in.ended() == 1);
    CHECK(in.budget.is_to_end(in.holding[0].claim));
    // Once only.
    in.look_until(begin + 1min);
    CHECK(in.ended() == 1);
}

TEST_CASE(
    "the more messages there are, the sooner those that rest are ended, one for each that waits")
{
    for (const std::size_t holders : {3u, 7u, 39u, 399u}) {
        for (const std::size_t more : {0u, 1u, 2u}) {
            CAPTURE(holders);
            CAPTURE(more);
            crowd in(holders);
            std::vector<user> others(more);
            for (user& each : others)
                CHECK_FALSE(in.budget.may_grow(each.claim, 10));
            const auto all = static_cast<int>(holders + 1 + more);
            const duration patience = std::clamp<duration>(duration(40s) / all, 100ms, 10s);
            in.look_until(begin + patience - 1ms);
            CHECK(in.ended() == 0);
            in.look_until(begin + patience);
            CHECK(in.ended() == static_cast<int>(1 + more));
            in.look_until(begin + 110s);
            CHECK(in.ended() == static_cast<int>(holders));
            for (user& each : others) {
                CHECK(each.ends == 0);
                in.budget.withdraw(each.claim);
            }
        }
    }
}

TEST_CASE("a message that moves is not ended before it has had precedence for ten seconds")
{
    crowd in(40);
    in.moves = {&in.holding[0], &in.holding[39]};
    in.look_until(begin + 9s);
    CHECK(in.ended() >= 30);
    CHECK(in.holding[0].ends + in.holding[39].ends == 0);
    in.look_until(begin + 11s);
    CHECK(in.holding[0].ends == 1);
    // Precedence is its own from now on.
    in.budget.withdraw(in.holding[0].claim);
    for (std::size_t number = 1; number < 39; ++number)
        in.budget.withdraw(in.holding[number].claim);
    in.look_until(begin + 20s);
    CHECK(in.holding[39].ends == 0);
    in.look_until(begin + 32s); // from the first look at it on
    CHECK(in.holding[39].ends == 1);
}

TEST_CASE("what rested while nobody waited for memory is not held against a message")
{
    crowd in(1);
    in.look_until(begin + 1s);
    in.now = begin + 10min;
    in.look_until(begin + 10min + 9s);
    CHECK(in.ended() == 0);
    in.look_until(begin + 10min + 10s);
    CHECK(in.ended() == 1);
}

TEST_CASE("messages that cannot arrive at present are not ended by those who wait for memory")
{
    crowd in(2);
    user second;
    CHECK_FALSE(in.budget.may_grow(second.claim, 10));
    in.budget.set_blocked(in.holding[0].claim, true);
    in.moves = {&in.holding[1]};
    in.look_until(begin + 9s);
    CHECK(in.ended() == 0);
    CHECK(second.ends == 0);
    in.budget.withdraw(second.claim);
}

TEST_CASE("one of all who wait looks for memory in a while")
{
    crowd in(3);
    const time_point next = in.budget.look_for_memory(begin);
    CHECK(next == begin + 10s);
    CHECK(in.budget.look_for_memory(begin + 1s) == next);
    CHECK(in.ended() == 0);
    // The memory of the one that was ended may be enough: the next look comes soon after.
    CHECK(in.budget.look_for_memory(next) == next + 100ms);
    CHECK(in.ended() == 1);
    CHECK(in.budget.look_for_memory(next + 1ms) == next + 100ms);
    CHECK(in.ended() == 1);
}

TEST_CASE("a message is not ended in place of the one before it")
{
    crowd in(1);
    in.look_until(begin + 11s);
    CHECK(in.budget.is_to_end(in.holding[0].claim));
    // The request is on its way when the message has arrived and the next one begins.
    in.budget.withdraw(in.holding[0].claim);
    CHECK_FALSE(in.budget.may_grow(in.holding[0].claim, 10));
    CHECK_FALSE(in.budget.is_to_end(in.holding[0].claim));
}

TEST_CASE("all sockets that wait to send are called when there is memory, each "
          "once")
{
    memory_budget budget(100);
    user first, second, third;
    CHECK_FALSE(budget.must_wait(first.claim));
    CHECK_FALSE(first.claim.linked());
    (void)budget.add(150);
    for (user* each : {&first, &second, &third, &first})
        CHECK(budget.must_wait(each->claim));
    budget.withdraw(second.claim);
    budget.remove(50);
    CHECK(first.calls == 0);
    budget.remove(1);
    budget.remove(1);
    CHECK(first.calls == 1);
    CHECK(second.calls == 0);
    CHECK(third.calls == 1);
    CHECK(first.references == 0);
}

TEST_CASE("no call is lost between threads")
{
    memory_budget budget(100);
    (void)budget.add(100);
    std::atomic<bool> stop{false};
    std::thread other([&] {
        while (!stop) {
            budget.remove(1);
            (void)budget.add(1);
        }
        budget.remove(1);
    });
    user waiting;
    for (int round = 0; round < 2000; ++round) {
        const int before = waiting.calls;
        if (budget.must_wait(waiting.claim))
            while (waiting.calls == before)
                std::this_thread::yield();
        CHECK_FALSE(waiting.claim.linked());
    }
    user senior;
    CHECK(budget.may_grow(senior.claim, 1));
    user growing;
    for (int round = 0; round < 2000; ++round) {
        const int before = growing.calls;
        if (!budget.may_grow(growing.claim, 1))
            while (growing.calls == before)
                std::this_thread::yield();
        budget.withdraw(growing.claim);
    }
    stop = true;
    other.join();
    budget.withdraw(senior.claim);
}
