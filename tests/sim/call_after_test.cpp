// SPDX-License-Identifier: MPL-2.0

// Timed calls on simulated loops: programs with time-outs run as on a loop of the system.

#include "sim/sim_rig.hpp"

#include <serverlink/timer.hpp>

using namespace slk;
using namespace slk::testing;

namespace {

timer ordered(result<timer> made)
{
    return must(std::move(made));
}

/// A program that is written once for both kinds of loops: it sends every 20 ms, and gives up when
/// nothing has come back for 50 ms.
struct patient_program {
    explicit patient_program(loop& on) : on_(on) { begin(); }

    void begin()
    {
        ticks_ = ordered(on_.call_every(20ms, [this] { ++sent; }));
        heard();
    }
    void heard()
    {
        silence_ = ordered(on_.call_after(50ms, [this] {
            gave_up = true;
            ticks_.cancel();
        }));
    }

    int sent = 0;
    bool gave_up = false;

private:
    loop& on_;
    timer ticks_;
    timer silence_;
};

} // namespace

TEST_CASE("a program with time-outs runs alike on a simulated loop and on one of the system")
{
    const auto check = [](const patient_program& program) {
        CHECK(program.gave_up);
        CHECK(program.sent <= 3);
    };
    {
        world in;
        patient_program program(*in.client_loop);
        in.net.run_for(45ms);
        CHECK(program.sent == 2);
        program.heard();
        CHECK(in.until([&] { return program.gave_up; }));
        CHECK(program.sent == 4);
    }
    auto real = must(loop::create());
    patient_program program(real);
    REQUIRE(real.run_until([&] { return program.gave_up; }, 60s).value_or(false));
    check(program);
}

TEST_CASE("a simulated loop makes its calls at their exact time")
{
    world in;
    const time_point begin = in.net.now();
    std::vector<duration> calls;
    const auto note = [&] { calls.push_back(in.net.now() - begin); };
    const timer once = ordered(in.client_loop->call_after(1h, note));
    timer often = ordered(in.server_loop->call_every(25min, note));
    SUBCASE("the simulation runs")
    {
        in.net.run_for(80min);
    }
    SUBCASE("a loop runs")
    {
        REQUIRE(in.server_loop->run_for(80min));
    }
    REQUIRE(calls.size() == 4);
    constexpr duration expected[] = {25min, 50min, 1h, 75min};
    for (std::size_t index = 0; index < 4; ++index) {
        CHECK(calls[index] >= expected[index]);
        CHECK(calls[index] < expected[index] + 1ms); // turns take time
    }
}

TEST_CASE("a call that is ordered while another loop waits is made in time")
{
    world in;
    const time_point begin = in.net.now();
    duration called{};
    timer pending;
    in.net.at(begin + 1s, [&] {
        pending = ordered(in.client_loop->call_after(1s, [&] { called = in.net.now() - begin; }));
    });
    SUBCASE("the simulation runs")
    {
        in.net.run_for(10s);
    }
    SUBCASE("the same loop waits")
    {
        REQUIRE(in.client_loop->run_for(10s));
    }
    SUBCASE("the other loop waits")
    {
        REQUIRE(in.server_loop->run_for(10s));
    }
    CHECK(called >= 2s);
    CHECK(called < 2s + 1ms);
}

TEST_CASE("T4: a jump or a suspension of the host's clock makes one call of many that were missed")
{
    world in;
    int calls = 0;
    const timer ticking = ordered(in.client_loop->call_every(1s, [&] { ++calls; }));
    in.net.run_for(10s + 500ms);
    CHECK(calls == 10);
    SUBCASE("forwards")
    {
        in.net.jump_clock(in.client, 1h);
        in.net.run_for(600ms);
        CHECK(calls >= 11);
        CHECK(calls <= 12);
        in.net.run_for(10s);
        CHECK(calls <= 22);
        CHECK(calls >= 21);
    }
    SUBCASE("backwards")
    {
        in.net.jump_clock(in.client, -5s);
        in.net.run_for(5s);
        CHECK(calls == 10);
        in.net.run_for(1s);
        CHECK(calls == 11);
    }
    SUBCASE("suspended")
    {
        in.net.suspend(in.client, 1h);
        in.net.run_for(1h);
        CHECK(calls == 10);
        in.net.run_for(10s);
        CHECK(calls == 20); // the clock stood still
    }
}

TEST_CASE("timed calls outlive neither their simulated loop nor the simulation")
{
    timer left;
    bool called = false;
    {
        world in;
        left = ordered(in.client_loop->call_after(1s, [&] { called = true; }));
    }
    CHECK_FALSE(left.active());
    CHECK_FALSE(called);
    left.cancel();
}
