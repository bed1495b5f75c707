// SPDX-License-Identifier: MPL-2.0

// memory_budget: what is counted, who may grow, who waits, and who is ended.

#include "base/memory_budget.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

using namespace slk;

namespace {

/// Counts what it is told.
struct user : memory_user {
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

TEST_CASE("a message that has waited ends the one that has had precedence "
          "since it last asked")
{
    memory_budget budget(100);
    user first, second, third;
    (void)budget.add(200);
    CHECK(budget.may_grow(first.claim, 10));
    CHECK_FALSE(budget.may_grow(second.claim, 10));
    CHECK_FALSE(budget.may_grow(third.claim, 10));
    std::uint64_t seen = 0, seen_by_third = 0;
    budget.has_waited(second.claim, seen);
    CHECK(first.ends == 0);
    budget.has_waited(second.claim, seen);
    CHECK(first.ends == 1);
    budget.has_waited(third.claim, seen_by_third);
    CHECK(first.ends == 1);
    // It is another one now.
    budget.withdraw(first.claim);
    budget.has_waited(third.claim, seen_by_third);
    CHECK(second.ends == 0);
    // The message itself is not ended.
    budget.has_waited(second.claim, seen);
    budget.has_waited(second.claim, seen);
    CHECK(second.ends == 0);
    budget.has_waited(third.claim, seen_by_third);
    CHECK(second.ends == 1);
    budget.withdraw(second.claim);
    budget.withdraw(third.claim);
    budget.has_waited(third.claim, seen_by_third);
    for (const user* each : {&first, &second, &third}) {
        CHECK(each->ends == (each == &third ? 0 : 1));
        CHECK(each->references == 0);
    }
}

TEST_CASE("a message is not ended in place of the one before it")
{
    memory_budget budget(100);
    user first, second;
    (void)budget.add(200);
    CHECK(budget.may_grow(first.claim, 10));
    CHECK_FALSE(budget.may_grow(second.claim, 10));
    std::uint64_t seen = 0;
    budget.has_waited(second.claim, seen);
    CHECK_FALSE(budget.is_to_end(first.claim));
    budget.has_waited(second.claim, seen);
    CHECK(budget.is_to_end(first.claim));
    CHECK_FALSE(budget.is_to_end(second.claim));
    // The request is on its way when the message has arrived and the next one begins.
    budget.withdraw(first.claim);
    CHECK_FALSE(budget.may_grow(first.claim, 10));
    CHECK_FALSE(budget.is_to_end(first.claim));
    budget.withdraw(second.claim);
    budget.withdraw(first.claim);
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
