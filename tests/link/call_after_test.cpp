// SPDX-License-Identifier: MPL-2.0

// loop::call_after() and loop::call_every(), on each backend, with a clock that only the test
// moves.

#include "link/link_rig.hpp"

#include <atomic>
#include <thread>

namespace slk::link_tests {

namespace {

class still_clock final : public slk::clock {
public:
    time_point now() noexcept override { return at; }
    time_point now_with_suspend() noexcept override { return at; }

    time_point at{1h};
};

struct timed_rig {
    loop& operator*() { return *on; }

    /// Moves the clock, and gives the loop a turn.
    void pass(duration time)
    {
        clock.at += time;
        turn();
    }
    void turn() { REQUIRE(on->run_for(0ns)); }

    timer after(duration delay, std::function<void()> work)
    {
        auto made = on->call_after(delay, std::move(work));
        REQUIRE(made);
        return std::move(*made);
    }
    timer every(duration period, std::function<void()> work)
    {
        auto made = on->call_every(period, std::move(work));
        REQUIRE(made);
        return std::move(*made);
    }

    still_clock clock;
    rig on{{.time = &clock}};
};

/// A function that counts its calls, and shows whether it still exists.
struct counted {
    [[nodiscard]] std::function<void()> function() const
    {
        return [calls = calls] { ++*calls; };
    }
    [[nodiscard]] bool kept() const { return calls.use_count() > 1; }
    [[nodiscard]] int count() const { return *calls; }

    std::shared_ptr<int> calls = std::make_shared<int>(0);
};

} // namespace

TEST_CASE("a call is made once, when its time has passed and not before")
{
    timed_rig on;
    const counted called;
    const timer pending = on.after(10ms, called.function());
    on.pass(10ms - 1ns);
    CHECK(called.count() == 0);
    CHECK(pending.active());
    on.pass(1ns);
    CHECK(called.count() == 1);
    CHECK_FALSE(pending.active());
    CHECK_FALSE(called.kept());
    on.pass(1h);
    CHECK(called.count() == 1);
}

TEST_CASE("a call without a delay is made in the next turn, and not inside call_after")
{
    timed_rig on;
    for (const duration delay : {duration(0), duration(-1h), duration::min()}) {
        int inside = 0;
        int calls = 0;
        timer next;
        const timer first = on.after(delay, [&] {
            ++calls;
            next = on.after(delay, [&] { ++calls; });
            inside = calls;
        });
        CHECK(calls == 0);
        on.turn();
        CHECK(inside == 1);
        CHECK(calls == 1);
        on.turn();
        CHECK(calls == 2);
    }
}

TEST_CASE("calls of the same time are made in the order in which they were ordered")
{
    timed_rig on;
    std::vector<int> order;
    std::vector<timer> pending;
    for (int number = 0; number < 100; ++number)
        pending.push_back(on.after(1ms, [&order, number] { order.push_back(number); }));
    on.pass(1ms);
    REQUIRE(order.size() == 100);
    CHECK(std::ranges::is_sorted(order));
}

TEST_CASE("a delay counts from the call, also after long work inside a turn")
{
    timed_rig on;
    const counted called;
    timer second;
    const timer first = on.after(1ms, [&] {
        on.clock.at += 1s; // the work takes a second
        second = on.after(10ms, called.function());
    });
    on.pass(1ms);
    on.pass(10ms - 1ns);
    CHECK(called.count() == 0);
    on.pass(1ns);
    CHECK(called.count() == 1);
}

TEST_CASE("the end of its handle cancels a call and destroys the function")
{
    timed_rig on;
    const counted called;
    SUBCASE("destroyed")
    {
        (void)on.after(1ms, called.function());
        CHECK_FALSE(called.kept());
    }
    SUBCASE("cancelled, twice")
    {
        timer pending = on.after(1ms, called.function());
        CHECK(called.kept());
        pending.cancel();
        CHECK_FALSE(pending.active());
        CHECK_FALSE(called.kept());
        pending.cancel();
    }
    SUBCASE("assigned to")
    {
        timer pending = on.after(1ms, called.function());
        pending = timer();
        CHECK_FALSE(called.kept());
    }
    SUBCASE("periodic")
    {
        (void)on.every(1ms, called.function());
        CHECK_FALSE(called.kept());
    }
    on.pass(1h);
    CHECK(called.count() == 0);
}

TEST_CASE("a moved handle keeps the call, and a detached one leaves it to the loop")
{
    timed_rig on;
    const counted called;
    timer first = on.after(1ms, called.function());
    timer second = std::move(first);
    SUBCASE("moved")
    {
        CHECK(second.active());
    }
    SUBCASE("assigned")
    {
        timer third = on.after(1ms, [] {});
        third = std::move(second);
        second = std::move(third);
        CHECK(second.active());
    }
    SUBCASE("detached")
    {
        second.detach();
        CHECK_FALSE(second.active());
    }
    on.pass(1ms);
    CHECK(called.count() == 1);
    CHECK_FALSE(called.kept());
}

TEST_CASE("a function may cancel or destroy its own handle")
{
    timed_rig on;
    std::optional<timer> pending;
    int calls = 0;
    const auto alive = std::make_shared<int>(0);
    bool kept_inside = false;
    const auto work = [&, alive](bool destroys) {
        ++calls;
        if (destroys)
            pending.reset();
        else
            pending->cancel();
        kept_inside = alive.use_count() > 1;
    };
    bool destroys = false;
    SUBCASE("cancel") {}
    SUBCASE("destroy")
    {
        destroys = true;
    }
    for (const bool again : {false, true}) {
        calls = 0;
        const auto run = [work, destroys] { work(destroys); };
        pending.emplace(again ? on.every(1ms, run) : on.after(1ms, run));
        for (int turn = 0; turn < 5; ++turn)
            on.pass(1ms);
        CHECK(calls == 1);
        CHECK(kept_inside);
    }
}

TEST_CASE("a function that owns its own handle ends with the call")
{
    timed_rig on;
    const counted called;
    const auto handle = std::make_shared<timer>();
    *handle = on.every(1ms, [handle, function = called.function()] { function(); });
    on.pass(1ms);
    CHECK(called.count() == 1);
    handle->cancel();
    CHECK_FALSE(called.kept());
    CHECK(handle.use_count() == 1);
}

TEST_CASE("T5: a function that destroys others of the same turn keeps them from being called")
{
    timed_rig on;
    std::vector<timer> pending;
    int calls = 0;
    for (int number = 0; number < 50; ++number)
        pending.push_back(number % 2 == 0 ? on.after(1ms, [&] { ++calls, pending.clear(); })
                                          : on.every(1ms, [&] { ++calls, pending.clear(); }));
    on.pass(1ms);
    on.pass(1ms);
    CHECK(calls == 1);
}

TEST_CASE("call_every keeps its rhythm, and calls that were missed do not pile up")
{
    timed_rig on;
    std::vector<duration> calls;
    const time_point begin = on.clock.at;
    const timer ticking = on.every(10ms, [&] { calls.push_back(on.clock.at - begin); });
    on.pass(10ms);
    on.pass(10ms);
    CHECK(calls == std::vector<duration>{10ms, 20ms});
    on.pass(3ms); // 23
    CHECK(calls.size() == 2);
    on.pass(12ms); // 35: five late
    CHECK(calls.back() == 35ms);
    on.pass(5ms - 1ns);
    CHECK(calls.size() == 3);
    on.pass(1ns); // 40: the rhythm has not moved
    CHECK(calls.back() == 40ms);

    on.pass(1h); // many missed
    CHECK(calls.size() == 5);
    for (int turn = 0; turn < 10; ++turn)
        on.turn();
    CHECK(calls.size() == 5);
    on.pass(10ms);
    CHECK(calls.size() == 6);
    CHECK(ticking.active());
}

TEST_CASE("a function of call_every that takes longer than the period leaves the loop its turns")
{
    timed_rig on;
    int calls = 0;
    const timer ticking = on.every(10ms, [&] {
        ++calls;
        on.clock.at += 25ms;
    });
    on.pass(10ms); // ends at 35, so that the next one is due at 40
    CHECK(calls == 1);
    on.turn();
    on.pass(5ms - 1ns);
    CHECK(calls == 1);
    on.pass(1ns);
    CHECK(calls == 2);
}

TEST_CASE("a clock that is set forwards or backwards costs one call, and no burst")
{
    timed_rig on;
    const counted called;
    const timer ticking = on.every(1s, called.function());
    on.pass(1s);
    CHECK(called.count() == 1);
    on.pass(8h);
    CHECK(called.count() == 2);
    on.pass(-8h); // the loop's time stands still until the clock has caught up
    on.pass(7h);
    CHECK(called.count() == 2);
    on.pass(1h + 1s);
    CHECK(called.count() == 3);
}

TEST_CASE("T6: the longest delays and periods never end")
{
    timed_rig on;
    const counted called;
    const timer late = on.after(duration::max(), called.function());
    const timer slow = on.every(duration::max(), called.function());
    on.pass(24h * 365 * 100);
    CHECK(called.count() == 0);
    CHECK(late.active());
    CHECK(slow.active());
}

TEST_CASE("the end of the loop destroys the functions without a call, and leaves inert handles")
{
    timed_rig on;
    const counted called;
    timer once = on.after(0ns, called.function());
    timer often = on.every(1ns, called.function());
    timer kept_alive = on.after(0ns, called.function());
    kept_alive.detach();
    on.clock.at += 1h;
    on.on.end();
    CHECK(called.count() == 0);
    CHECK_FALSE(called.kept());
    CHECK_FALSE(once.active());
    CHECK_FALSE(often.active());
    once.cancel();
    often = timer();
}

TEST_CASE("a function that is destroyed at the loop's end can order nothing more")
{
    struct orders_at_its_end {
        explicit orders_at_its_end(loop& on, std::optional<error>& said) : on_(&on), said_(&said) {}
        orders_at_its_end(const orders_at_its_end&) = delete;
        orders_at_its_end& operator=(const orders_at_its_end&) = delete;
        ~orders_at_its_end()
        {
            if (const auto made = on_->call_after(1ms, [] {}); !made)
                *said_ = made.error();
        }
        loop* on_;
        std::optional<error>* said_;
    };
    std::optional<error> said;
    {
        timed_rig on;
        auto last = std::make_shared<orders_at_its_end>(*on, said);
        timer pending = on.after(1h, [last] {});
        last.reset();
        pending.detach();
    }
    REQUIRE(said);
    CHECK(*said == errc::loop_closed);
}

TEST_CASE("calls that cannot be ordered are errors")
{
    timed_rig on;
    const auto code_of = [](const result<timer>& made) {
        return made ? errc::ok : made.error().code;
    };
    CHECK(code_of(on.on->call_after(1ms, {})) == errc::invalid_argument);
    CHECK(code_of(on.on->call_every(1ms, {})) == errc::invalid_argument);
    CHECK(code_of(on.on->call_every(0ns, [] {})) == errc::invalid_argument);
    CHECK(code_of(on.on->call_every(-1ns, [] {})) == errc::invalid_argument);
    loop moved = std::move(*on);
    CHECK(code_of(on.on->call_after(1ms, [] {})) == errc::invalid_state);
    CHECK(code_of(on.on->call_every(1ms, [] {})) == errc::invalid_state);

    loop threaded = new_loop();
    REQUIRE(threaded.start_thread());
    CHECK(code_of(threaded.call_after(1ms, [] {})) == errc::invalid_state);
}

TEST_CASE("a loop on a thread of its own makes calls there, and any thread cancels them")
{
    loop on = new_loop();
    std::atomic<int> calls{0};
    std::atomic<int> other_calls{0};
    std::atomic<bool> ordered{false};
    const auto alive = std::make_shared<int>(0);
    timer ticking;
    timer distant;
    REQUIRE(on.start_thread());
    REQUIRE(on.post([&, alive] {
        ticking = *on.call_every(1ms, [&, alive] { calls.fetch_add(1); });
        distant = *on.call_after(1h, [&, alive] { other_calls.fetch_add(1); });
        ordered = true;
    }));
    while (!ordered || calls < 3)
        std::this_thread::yield();
    SUBCASE("cancelled")
    {
        ticking.cancel();
        ticking.cancel();
        distant.cancel();
    }
    SUBCASE("destroyed")
    {
        ticking = timer();
        distant = timer();
    }
    CHECK_FALSE(ticking.active());
    while (alive.use_count() > 1) // the functions end on the loop's thread
        std::this_thread::yield();
    const int so_far = calls;
    std::atomic<bool> later{false};
    REQUIRE(on.post([&] { later = true; }));
    while (!later)
        std::this_thread::yield();
    CHECK(calls == so_far);
    CHECK(other_calls == 0);
}

TEST_CASE("a thread that cancels while the loop ends on another one loses nothing")
{
    for (int round = 0; round < 50; ++round) {
        std::optional<loop> on = new_loop();
        const auto alive = std::make_shared<int>(0);
        std::vector<timer> pending;
        for (int number = 0; number < 20; ++number)
            pending.push_back(*on->call_every(1us, [alive] {}));
        REQUIRE(on->start_thread());
        std::thread other([&] { pending.clear(); });
        on.reset();
        other.join();
        CHECK(alive.use_count() == 1);
    }
}

} // namespace slk::link_tests
