// SPDX-License-Identifier: MPL-2.0

// Tasks, their scopes, and what joins several.

#include "coroutine_rig.hpp"

#include <atomic>
#include <memory>
#include <stop_token>
#include <thread>

using namespace slk;
using namespace slk::testing;

namespace {

task<int> number(int value)
{
    co_return value;
}

task<int> late_number(int value, duration time)
{
    SLK_CO_TRY(co_await async_sleep(time));
    co_return value;
}

task<int> failing()
{
    co_return fail(errc::not_found, phase::none);
}

task<> sleep_for(duration time)
{
    co_return co_await async_sleep(time);
}

} // namespace

TEST_CASE("a task returns its value, and awaits others")
{
    loop on = new_test_loop();
    auto sum = []() -> task<int> {
        SLK_CO_TRY(const int one, co_await number(1));
        SLK_CO_TRY(const int two, co_await late_number(2, 1ms));
        co_return one + two;
    };
    CHECK(must(run(on, sum())) == 3);
    CHECK(code_of(run(on, failing())) == errc::not_found);
}

TEST_CASE("tasks that end at once do not use up the stack")
{
    loop on = new_test_loop();
    auto many = []() -> task<int> {
        int sum = 0;
        for (int count = 0; count < 300'000; ++count) {
            SLK_CO_TRY(const int one, co_await number(1));
            sum += one;
        }
        co_return sum;
    };
    CHECK(must(run(on, many())) == 300'000);
}

TEST_CASE("a task that never has to wait gives others their turns")
{
    loop on = new_test_loop();
    context in = new_context(on);
    auto one = new_socket<pull>(in);
    auto other = new_socket<push>(in);
    bind_and_connect(one, other, "inproc://a");
    bool stop = false;
    auto busy = [](pull& from, push& to, const bool& end) -> task<> {
        message next;
        while (!end) {
            SLK_CO_TRY(co_await async_send(to, "x"));
            SLK_CO_TRY(co_await async_receive(from, next));
        }
        co_return {};
    };
    auto ends = [](bool& end) -> task<> {
        SLK_CO_TRY(co_await async_sleep(1ms));
        end = true;
        co_return {};
    };
    auto scope = must(task_scope::create(on));
    must(scope.spawn(busy(one, other, stop)));
    must(scope.spawn(ends(stop)));
    CHECK(must(on.run_until([&] { return scope.empty(); }, test_timeout)));
    CHECK(!scope.first_error());
}

TEST_CASE("a timeout cancels what takes longer, and nothing else")
{
    loop on = new_test_loop();
    auto limited = [](duration limit, duration time) -> task<int> {
        co_return co_await with_timeout(limit, late_number(5, time));
    };
    CHECK(code_of(run(on, limited(1ms, 1h))) == errc::timed_out);
    CHECK(must(run(on, limited(1h, 1ms))) == 5);
    // The outer one has passed.
    auto nested = []() -> task<int> {
        co_return co_await with_timeout(1ms, with_timeout(1h, late_number(5, 1h)));
    };
    CHECK(code_of(run(on, nested())) == errc::timed_out);
}

TEST_CASE("when_all has all results")
{
    loop on = new_test_loop();
    auto all = []() -> task<int> {
        auto [a, b, c, d] =
            co_await when_all(number(1), late_number(2, 2ms), failing(), late_number(4, 1ms));
        if (!a || !b || c || !d || !(c.error() == errc::not_found))
            co_return fail(errc::unknown, phase::none);
        co_return *a + *b + *d;
    };
    CHECK(must(run(on, all())) == 7);
}

TEST_CASE("when_any has the first result, and cancels the others")
{
    loop on = new_test_loop();
    auto any = []() -> task<int> {
        auto [index, results] =
            co_await when_any(late_number(1, 1h), late_number(2, 1ms), sleep_for(1h));
        if (index != 1 || std::get<0>(results) || std::get<2>(results) ||
            !(std::get<0>(results).error() == errc::cancelled))
            co_return fail(errc::unknown, phase::none);
        co_return std::get<1>(std::move(results));
    };
    CHECK(must(run(on, any())) == 2);
    auto at_once = []() -> task<int> {
        auto [index, results] = co_await when_any(number(1), late_number(2, 1h), number(3));
        // The third one does not wait, so that it does not see that it was cancelled.
        if (index != 0 || std::get<1>(results) || !std::get<2>(results))
            co_return fail(errc::unknown, phase::none);
        co_return std::get<0>(std::move(results));
    };
    CHECK(must(run(on, at_once())) == 1);
}

TEST_CASE("a scope cancels its tasks, and is empty when they have ended")
{
    loop on = new_test_loop();
    std::stop_source stop;
    auto scope = must(task_scope::create(on, stop.get_token()));
    for (int count = 0; count < 5; ++count)
        must(scope.spawn(sleep_for(1h)));
    must(on.run_for(0ms));
    CHECK(scope.size() == 5);
    SUBCASE("by cancel()")
    {
        scope.cancel();
    }
    SUBCASE("by its token")
    {
        stop.request_stop();
    }
    CHECK(must(on.run_until([&] { return scope.empty(); }, test_timeout)));
    CHECK(!scope.first_error());
    // What is spawned now is cancelled from the beginning.
    must(scope.spawn(sleep_for(1h)));
    CHECK(must(on.run_until([&] { return scope.empty(); }, test_timeout)));
}

TEST_CASE("join() waits for all tasks of a scope, and has their first error")
{
    loop on = new_test_loop();
    auto inner = must(task_scope::create(on));
    auto ends = [](duration time, errc code) -> task<> {
        SLK_CO_TRY(co_await async_sleep(time));
        co_return fail(code, phase::none);
    };
    must(inner.spawn(ends(2ms, errc::no_route)));
    must(inner.spawn(ends(1ms, errc::not_found)));
    must(inner.spawn(sleep_for(3ms)));
    auto join = [](task_scope& of) -> task<> { co_return co_await of.join(); };
    CHECK(code_of(run(on, join(inner))) == errc::not_found);
    CHECK(inner.empty());
}

TEST_CASE("the end of a scope destroys its tasks where they are")
{
    loop on = new_test_loop();
    auto token = std::make_shared<int>(0);
    auto holds = [](std::shared_ptr<int>) -> task<> { co_return co_await async_sleep(1h); };
    auto deep = [holds](std::shared_ptr<int> held) -> task<> {
        co_return co_await with_timeout(1h, holds(held));
    };
    {
        auto scope = must(task_scope::create(on));
        must(scope.spawn(deep(token)));
        must(scope.spawn(holds(token))); // is destroyed before it begins
        SUBCASE("before they begin") {}
        SUBCASE("while they wait")
        {
            must(on.run_for(1ms));
        }
        CHECK(token.use_count() > 1);
    }
    CHECK(token.use_count() == 1);
}

TEST_CASE("a task may destroy its own scope")
{
    loop on = new_test_loop();
    auto scope = std::make_unique<task_scope>(must(task_scope::create(on)));
    auto token = std::make_shared<int>(0);
    bool went_on = false;
    auto ends_itself = [](std::unique_ptr<task_scope>& of, std::shared_ptr<int>,
                          bool& on_it) -> task<> {
        of.reset();
        on_it = true;
        SLK_CO_TRY(co_await async_sleep(0ms));
        on_it = false;
        co_return {};
    };
    must(scope->spawn(ends_itself(scope, token, went_on)));
    must(on.run_for(5ms));
    CHECK(went_on);
    CHECK(token.use_count() == 1);
}

TEST_CASE("spawn() gives the result to its handler")
{
    loop on = new_test_loop();
    result<void> outcome;
    bool done = false;
    const auto keep = [&](result<void> ended) {
        outcome = std::move(ended);
        done = true;
    };
    std::stop_source stop;
    SUBCASE("of its end")
    {
        must(spawn(on, sleep_for(1ms), keep));
        CHECK(must(on.run_until([&] { return done; }, test_timeout)));
        CHECK(outcome.has_value());
    }
    SUBCASE("of its cancellation")
    {
        must(spawn(on, sleep_for(1h), stop.get_token(), keep));
        std::thread other([&] { stop.request_stop(); });
        CHECK(must(on.run_until([&] { return done; }, test_timeout)));
        other.join();
        CHECK(code_of(outcome) == errc::cancelled);
    }
}

TEST_CASE("the loop's end destroys the tasks of spawn(), and leaves those of scopes suspended")
{
    auto token = std::make_shared<int>(0);
    auto holds = [](std::shared_ptr<int>) -> task<> { co_return co_await async_sleep(1h); };
    std::optional<task_scope> scope;
    bool called = false;
    {
        loop on = new_test_loop();
        scope.emplace(must(task_scope::create(on)));
        must(spawn(on, holds(token), [&](const result<void>&) { called = true; }));
        must(scope->spawn(holds(token)));
        must(on.run_for(1ms));
        CHECK(token.use_count() == 3);
    }
    CHECK(token.use_count() == 2);
    CHECK(!called);
    CHECK(code_of(scope->spawn(holds(token))) == errc::loop_closed);
    scope->cancel();
    scope.reset();
    CHECK(token.use_count() == 1);
}

TEST_CASE("tasks run on the thread of their loop, and are spawned there")
{
    loop on = new_test_loop();
    std::atomic<int> ended{0};
    std::atomic<bool> elsewhere{false};
    must(on.start_thread());
    // Posted work is called on the loop's thread.
    CHECK(on.post([&] {
        const auto here = std::this_thread::get_id();
        auto looks = [&elsewhere](std::thread::id thread) -> task<> {
            SLK_CO_TRY(co_await async_sleep(1ms));
            elsewhere = elsewhere || std::this_thread::get_id() != thread;
            co_return {};
        };
        // The lambda, whose captures the task uses, does not live as long as the task.
        static constexpr auto keep = [](auto made, std::thread::id thread) -> task<> {
            co_return co_await made(thread);
        };
        const auto spawned =
            spawn(on, keep(looks, here), [&](const result<void>& of) { ended = of ? 1 : 2; });
        if (!spawned)
            ended = 3;
    }));
    CHECK(until([&] { return ended != 0; }));
    on.stop();
    CHECK(ended == 1);
    CHECK(!elsewhere);
}

TEST_CASE("a task is awaited once, and an empty one is no memory")
{
    loop on = new_test_loop();
    auto twice = []() -> task<int> {
        task<int> one = number(1);
        SLK_CO_TRY(co_await one);
        co_return co_await one;
    };
    CHECK(code_of(run(on, twice())) == errc::invalid_state);
    CHECK(code_of(run(on, task<int>())) == errc::out_of_memory);
}

TEST_CASE("a task is spawned on the loop's thread only")
{
    loop on = new_test_loop();
    must(on.start_thread());
    CHECK(code_of(spawn(on, number(1) ? sleep_for(0ms) : task<>())) == errc::invalid_state);
    on.stop();
}
