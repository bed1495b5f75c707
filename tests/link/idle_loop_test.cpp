// SPDX-License-Identifier: MPL-2.0

// Requests to a loop that has been idle for a long time.

#include <serverlink/link.hpp>
#include <serverlink/simulation.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <optional>

using namespace slk;
using namespace std::chrono_literals;

TEST_CASE("a link that is started on a loop that was idle for a long time has its whole deadline")
{
    auto net = simulation::create();
    REQUIRE(net.has_value());
    const auto client = net->add_host("client", {*address::parse("10.0.0.2", 0)});
    REQUIRE(client.has_value());
    auto on = net->create_loop(*client);
    REQUIRE(on.has_value());

    // The address 10.0.0.1 does not exist, and its network reports that at once.
    link_options options{.to = *endpoint::parse("tcp://10.0.0.1:5000"),
                         .reconnect = {.connect_timeout = 5s},
                         .tuning = {}};
    std::optional<error> why;
    time_point task_ran{};
    auto tried = link::create(*on, options,
                              {.state_changed =
                                   [&](const link_transition& move, const link_status&) {
                                       if (move.reason && !why)
                                           why = move.reason;
                                   },
                               .connected = {}});
    REQUIRE(tried.has_value());
    net->run_for(1min);
    net->at(net->now() + 1min, [&] {
        on->post([&] { task_ran = on->now(); });
        tried->start();
    });
    const time_point begin = net->now();
    net->run_for(1min + 1s);
    REQUIRE(why.has_value());
    CHECK(*why == errc::host_unreachable);
    CHECK(task_ran >= begin + 1min);
}
