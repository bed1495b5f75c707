// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "io/loop_core.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

using namespace std::chrono_literals;

namespace {

slk::duration time_of(const std::function<void()>& work)
{
    const auto began = std::chrono::steady_clock::now();
    work();
    return std::chrono::steady_clock::now() - began;
}

} // namespace

TEST_CASE("run_until does not wait when its condition is true already")
{
    auto loop = slk::loop::create();
    REQUIRE(loop);
    const slk::duration spent = time_of([&] {
        const auto met = loop->run_until([] { return true; }, 10s);
        CHECK((met && *met));
    });
    CHECK(spent < 5s);
}

TEST_CASE("run_until notices the effect of a posted function without any further event")
{
    auto loop = slk::loop::create();
    REQUIRE(loop);
    bool ran = false;
    CHECK(loop->post([&] { ran = true; }));
    const slk::duration spent = time_of([&] {
        const auto met = loop->run_until([&] { return ran; }, 10s);
        CHECK((met && *met));
    });
    CHECK(spent < 5s);
}

TEST_CASE("the destructor of a loop calls no function that is posted to it, and destroys it")
{
    std::optional<slk::loop> loop;
    {
        auto made = slk::loop::create();
        REQUIRE(made);
        loop.emplace(std::move(*made));
    }
    bool ran = false;
    const auto held = std::make_shared<int>(0);
    CHECK(loop->post([&ran, held] { ran = true; }));
    CHECK(held.use_count() == 2);
    loop.reset();
    CHECK_FALSE(ran);
    CHECK(held.use_count() == 1);
}

TEST_CASE("a stop that came before the run counts, once")
{
    auto loop = slk::loop::create();
    REQUIRE(loop);
    loop->stop();
    const slk::duration spent = time_of([&] { CHECK(loop->run_for(10s)); });
    CHECK(spent < 5s);
    CHECK(loop->run_for(0ns));
}

TEST_CASE("bad loop options are errors")
{
    const auto no_threads = slk::loop::create({.resolver_threads = 0});
    REQUIRE_FALSE(no_threads);
    CHECK(no_threads.error() == slk::errc::invalid_argument);
    const auto no_backend = slk::loop::create({.backend = "telepathy"});
    REQUIRE_FALSE(no_backend);
    CHECK(no_backend.error() == slk::errc::not_supported);
}

TEST_CASE("a named backend is the one that runs")
{
    for (const auto name : slk::loop::compiled_backends()) {
        const auto loop = slk::loop::create({.backend = std::string(name)});
        REQUIRE(loop);
        CHECK(loop->backend() == name);
    }
}

TEST_CASE("a loop on a thread of its own refuses a second runner")
{
    auto loop = slk::loop::create();
    REQUIRE(loop);
    REQUIRE(loop->start_thread());
    const auto second = loop->run_for(0ns);
    REQUIRE_FALSE(second);
    CHECK(second.error() == slk::errc::invalid_state);
    loop->stop();
    CHECK(loop->run_for(0ns));
}

TEST_CASE("while a loop with a thread of its own ends, no other thread takes it for free")
{
    for (int round = 0; round < 50; ++round) {
        std::optional<slk::loop> loop = std::move(*slk::loop::create());
        REQUIRE(loop->start_thread());
        const std::shared_ptr<slk::io::loop_core> core = loop->core();
        std::atomic<bool> watching{false};
        int taken = 0;
        std::thread other([&] {
            while (!core->closed()) {
                if (core->may_touch() && !core->closed())
                    ++taken;
                watching = true;
            }
        });
        while (!watching)
            std::this_thread::yield();
        loop.reset();
        other.join();
        REQUIRE(taken == 0);
    }
}

TEST_CASE("a loop that was moved from returns errors, and an empty function is refused")
{
    auto made = slk::loop::create();
    REQUIRE(made);
    slk::loop kept = std::move(*made);
    slk::loop& empty = *made;
    CHECK(empty.run().error() == slk::errc::invalid_state);
    CHECK(empty.run_for(1s).error() == slk::errc::invalid_state);
    CHECK(empty.run_until([] { return true; }, 1s).error() == slk::errc::invalid_state);
    CHECK(empty.start_thread().error() == slk::errc::invalid_state);
    empty.stop();
    CHECK_FALSE(empty.post([] {}));
    CHECK(empty.now() == slk::time_point{});
    CHECK(empty.backend().empty());
    CHECK(empty.refused_backends().empty());

    CHECK_FALSE(kept.post({}));
    CHECK(kept.run_until({}, 1s).error() == slk::errc::invalid_argument);
    CHECK(kept.run_for(0s));
    empty = std::move(kept);
    CHECK(empty.run_for(0s));
}

namespace {

slk::result<int> first_of_two(bool first, const slk::result<void>& tried)
{
    // The else belongs to this if, and not to what SLK_TRY is made of.
    if (first)
        SLK_TRY(slk::result<void>(tried));
    else
        return 2;
    return 1;
}

} // namespace

TEST_CASE("SLK_TRY is one statement")
{
    CHECK(first_of_two(true, {}) == 1);
    CHECK(first_of_two(false, {}) == 2);
    const slk::result<void> failed = slk::fail(slk::errc::timed_out, slk::phase::none);
    CHECK(first_of_two(true, failed).error() == slk::errc::timed_out);
    CHECK(first_of_two(false, failed) == 2);
}
