// SPDX-License-Identifier: MPL-2.0
#include "io/timer.hpp"

#include <serverlink/random.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <vector>

using namespace slk;
using namespace slk::io;
using namespace std::chrono_literals;

namespace {

struct probe : io::timer {
    probe()
    {
        owner = this;
        on_expiry = [](io::timer& self) noexcept {
            auto& mine = *static_cast<probe*>(self.owner);
            ++mine.firings;
            if (mine.then)
                mine.then();
        };
    }
    int firings = 0;
    std::function<void()> then;
};

constexpr time_point at(duration since_start)
{
    return time_point{} + since_start;
}

} // namespace

TEST_CASE("T7: ten thousand equal deadlines fire in the order of arming")
{
    timer_queue queue;
    std::vector<probe> timers(10000);
    std::vector<std::size_t> order;
    for (std::size_t index = 0; index < timers.size(); ++index) {
        timers[index].then = [&order, index] { order.push_back(index); };
        queue.arm(timers[index], at(1s));
    }
    // One that is armed again goes to the end.
    queue.arm(timers[0], at(1s));
    CHECK(queue.fire_due(at(999ms)) == 0);
    CHECK(queue.fire_due(at(1s)) == timers.size());
    REQUIRE(order.size() == timers.size());
    for (std::size_t index = 0; index + 1 < order.size(); ++index)
        REQUIRE(order[index] == index + 1);
    CHECK(order.back() == 0);
    CHECK(queue.empty());
}

TEST_CASE("T6: no delay is too long, and none overflows")
{
    const time_point now = at(1h);
    for (const std::int64_t delay :
         {std::int64_t{0}, std::int64_t{1}, std::int64_t{INT32_MAX}, std::int64_t{1} << 32,
          std::numeric_limits<std::int64_t>::max() - 1, std::numeric_limits<std::int64_t>::max()}) {
        CAPTURE(delay);
        timer_queue queue;
        probe entry;
        const time_point deadline = after(now, duration(delay));
        CHECK(deadline >= now);
        queue.arm(entry, deadline);
        CHECK(queue.next_deadline() == deadline);
        CHECK(entry.armed() == (deadline != never));
        CHECK(queue.fire_due(now) == (delay == 0 ? 1u : 0u));
        CHECK(queue.fire_due(deadline - 1ns) == 0);
        queue.fire_due(deadline);
        CHECK(entry.firings == (deadline != never ? 1 : 0));
    }
    CHECK(after(never, 1ns) == never);
    CHECK(after(now, -1h) == now);
    CHECK(after(at(-1h), duration::max()) == never);
}

TEST_CASE("T5: a timer disarmed by another of the same call does not fire")
{
    timer_queue queue;
    std::vector<probe> timers(100);
    for (std::size_t index = 0; index < timers.size(); ++index) {
        timers[index].then = [&, index] {
            for (std::size_t other = index + 1; other < timers.size(); other += 2)
                queue.disarm(timers[other]);
        };
        queue.arm(timers[index], at(1s));
    }
    queue.fire_due(at(1s));
    for (std::size_t index = 0; index < timers.size(); ++index)
        CHECK(timers[index].firings == (index % 2 == 0 ? 1 : 0));
    CHECK(queue.empty());
    CHECK(queue.next_deadline() == never);
}

TEST_CASE("T5: a timer may be destroyed by its own expiry")
{
    timer_queue queue;
    auto entry = std::make_unique<probe>();
    probe* const raw = entry.get();
    raw->then = [&] { auto last = std::move(entry); };
    queue.arm(*raw, at(1s));
    CHECK(queue.fire_due(at(2s)) == 1);
    CHECK(queue.empty());
}

TEST_CASE("T8: a timer that is armed during the firing waits, and delays no other")
{
    timer_queue queue;
    probe greedy;
    probe other;
    probe dropped;
    greedy.then = [&] {
        queue.arm(greedy, time_point{});
        queue.arm(dropped, time_point{});
        queue.arm(dropped, at(1ms)); // both while it is waiting
        CHECK(queue.next_deadline() == time_point{});
    };
    other.then = [&] { queue.disarm(dropped); };
    queue.arm(greedy, time_point{});
    queue.arm(other, at(1s));
    CHECK(queue.fire_due(at(2s)) == 2);
    CHECK(greedy.firings == 1);
    CHECK(other.firings == 1);
    CHECK(dropped.firings == 0);
    CHECK(queue.size() == 1);
    greedy.then = [&] { queue.disarm_all(); };
    CHECK(queue.fire_due(at(2s)) == 1);
    CHECK(queue.empty());
}

TEST_CASE("arming a timer for never disarms it")
{
    timer_queue queue;
    probe entry;
    queue.arm(entry, at(1s));
    queue.arm(entry, never);
    CHECK(!entry.armed());
    CHECK(queue.empty());
    CHECK(queue.fire_due(never) == 0);
}

TEST_CASE("the queue behaves like an ordered multimap in 200,000 random steps")
{
    timer_queue queue;
    std::vector<probe> timers(500);
    using model = std::multimap<time_point, std::size_t>; // equal keys stay in their order
    model expected;
    std::vector<model::iterator> place(timers.size(), expected.end());
    std::vector<std::size_t> fired;
    for (std::size_t index = 0; index < timers.size(); ++index)
        timers[index].then = [&fired, index] { fired.push_back(index); };
    const auto forget = [&](std::size_t index) {
        if (place[index] != expected.end())
            expected.erase(place[index]);
        place[index] = expected.end();
    };
    random_stream random(7);
    time_point now{};
    for (int step = 0; step < 200000; ++step) {
        const auto index = static_cast<std::size_t>(scale(random.next(), timers.size() - 1));
        switch (scale(random.next(), 3)) {
        case 0:
        case 1: {
            const time_point deadline =
                now + duration(static_cast<std::int64_t>(scale(random.next(), 50)) - 5);
            queue.arm(timers[index], deadline);
            forget(index);
            place[index] = expected.emplace(deadline, index);
            break;
        }
        case 2:
            queue.disarm(timers[index]);
            forget(index);
            break;
        default:
            now += duration(static_cast<std::int64_t>(scale(random.next(), 5)));
            fired.clear();
            queue.fire_due(now);
            for (const std::size_t each : fired) {
                REQUIRE(!expected.empty());
                REQUIRE(expected.begin()->first <= now);
                REQUIRE(expected.begin()->second == each);
                forget(each);
            }
            const bool nothing_due = expected.empty() || expected.begin()->first > now;
            REQUIRE(nothing_due);
        }
        REQUIRE(queue.size() == expected.size());
        REQUIRE(queue.next_deadline() == (expected.empty() ? never : expected.begin()->first));
    }
}

TEST_CASE("with 100,000 timers pending, a million re-arms and cancels stay cheap")
{
    // A linear queue would take hours for this: the check is that it ends.
    timer_queue queue;
    std::vector<probe> timers(100000);
    random_stream random(11);
    const auto any_deadline = [&] {
        return at(duration(static_cast<std::int64_t>(scale(random.next(), 1000000000))));
    };
    for (probe& entry : timers)
        queue.arm(entry, any_deadline());
    for (int step = 0; step < 1000000; ++step) {
        probe& entry = timers[static_cast<std::size_t>(scale(random.next(), timers.size() - 1))];
        if (step % 4 == 0)
            queue.disarm(entry);
        else
            queue.arm(entry, any_deadline());
        if (step % 100 == 0) // also when the heap's shape is disturbed between
            CHECK(queue.next_deadline() != never);
    }
    time_point last{};
    bool ordered = true;
    for (probe& entry : timers)
        entry.then = [&] {
            ordered = ordered && entry.deadline() >= last;
            last = entry.deadline();
        };
    const std::size_t pending = queue.size();
    CHECK(queue.fire_due(never) == pending);
    CHECK(ordered);
    CHECK(queue.empty());
}
