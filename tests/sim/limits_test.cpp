// SPDX-License-Identifier: MPL-2.0

// Arguments that the simulation refuses, and arguments that must not harm it.

#include "sim/sim_rig.hpp"

#include <string_view>

using namespace slk;
using namespace slk::testing;

namespace {

std::string_view error_detail(const simulation_options& options)
{
    const auto made = simulation::create(options);
    const auto checked = options.validate();
    CHECK(made.has_value() == checked.has_value());
    if (checked)
        return "";
    CHECK(checked.error() == errc::invalid_argument);
    return checked.error().detail;
}

simulation_options with(auto change)
{
    simulation_options options;
    change(options);
    return options;
}

} // namespace

TEST_CASE("options out of range are refused, and the error names the option")
{
    CHECK(error_detail({}) == "");
    CHECK(error_detail(with([](auto& o) { o.latency = 0ns; })).starts_with("latency"));
    CHECK(error_detail(with([](auto& o) { o.latency = 1h + 1ns; })).starts_with("latency"));
    CHECK(error_detail(with([](auto& o) { o.latency = 1h; })) == "");
    CHECK(error_detail(with([](auto& o) { o.turn_cost = 0ns; })).starts_with("turn_cost"));
    CHECK(error_detail(with([](auto& o) { o.turn_cost = 1s + 1ns; })).starts_with("turn_cost"));
    CHECK(error_detail(with([](auto& o) {
              o.faults.max_delay = 0ns;
          })).starts_with("faults.max_delay"));
    CHECK(error_detail(with([](auto& o) {
              o.faults.max_delay = 2h;
          })).starts_with("faults.max_delay"));
    CHECK(error_detail(with([](auto& o) {
              o.faults.set(fault::split, 1001);
          })).starts_with("faults.per_mille"));
}

TEST_CASE("invalid limits and hosts are refused")
{
    simulation net = new_simulation();
    const host_id one = new_host(net, "one", {ip("10.0.0.1")});
    CHECK(!net.set_limits(one, {.first_port = 0}));
    CHECK(!net.set_limits(one, {.first_port = 10, .last_port = 9}));
    CHECK(!net.set_limits(host_id{}, {}));
    CHECK(net.set_limits(one, {.first_port = 10, .last_port = 10}));
    CHECK(!net.create_loop(host_id{}));
    CHECK(!net.create_loop(host_id{1}));
    CHECK(!net.add_host("", {}));
    CHECK(!net.add_host("one", {}));
    CHECK(!net.add_host("localhost", {}));
    CHECK(!net.add_host("two", {ip("10.0.0.1")}));
    CHECK(!net.add_host("two", {ip("10.0.0.2"), ip("10.0.0.2")}));
    CHECK(!net.add_host("two", {ip("0.0.0.0")}));
    CHECK(!net.add_host("two", {ip("127.0.0.1")}));
    CHECK(!net.add_host("two", {address{}}));
    CHECK(net.add_host("two", {ip("10.0.0.2")}));
}

TEST_CASE("unknown hosts and extreme times change nothing")
{
    world in;
    connected_pair ends(in);
    const std::uint64_t before = in.net.hash();
    const host_id unknown{7};
    for (const host_id other : {in.client, unknown}) {
        in.net.set_latency(other, unknown, 1s);
        in.net.partition(unknown, other);
        in.net.heal(other, unknown);
    }
    in.net.suspend(unknown, 1s);
    in.net.jump_clock(unknown, 1s);
    in.net.suspend(in.client, 0s);
    in.net.suspend(in.client, -1s);
    in.net.at(never, [] { FAIL("was called"); });
    CHECK(!in.net.step(in.net.now() - 1s));
    in.net.run_for(-1s);
    CHECK(in.net.hash() == before);

    in.net.set_latency(in.client, in.server, duration::max());
    in.net.set_latency(in.client, in.server, duration::min());
    in.net.set_faults(fault_rates{.max_delay = duration::max()});
    in.net.set_faults(fault_rates{.max_delay = duration::min()});
    reader at_server(ends.at_server());
    const stream_sender sent(ends.at_client(), "works");
    CHECK(in.until([&] { return at_server.text == "works"; }));
    bool called = false;
    in.net.at(time_point{}, [&] { called = true; });
    in.net.run_for(0s);
    CHECK(called);
}

TEST_CASE("a loop on a simulated host refuses a thread, and reports its backend")
{
    world in;
    const auto started = in.client_loop->start_thread();
    REQUIRE(!started);
    CHECK(started.error() == errc::not_supported);
    CHECK(in.client_loop->backend() == "sim");
    CHECK(in.client_loop->run_for(1ms).has_value());
}
