// SPDX-License-Identifier: MPL-2.0

// Prints the speed of the simulation. Nothing is asserted about it.

#include "sim/sim_rig.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("events per second of this build, with a hundred links that reconnect")
{
    world in;
    test_listener server(*in.server_loop);
    server.on_accepted = [](stream) {};
    link_options options;
    options.reconnect = short_delays();
    std::vector<std::unique_ptr<test_link>> clients;
    for (int i = 0; i < 100; ++i) {
        clients.push_back(std::make_unique<test_link>(*in.client_loop, numeric_endpoint, options));
        test_link& client = *clients.back();
        client.on_connected = [&] { client.connection.close(); };
    }
    const time_point begin = system_clock_source().now();
    in.net.run_for(1s);
    const duration took = system_clock_source().now() - begin;
    CHECK(in.net.events() > 10'000);
    MESSAGE(in.net.events(), " events in ", took.count() / 1'000'000,
            " ms: ", in.net.events() * 1'000'000'000 / static_cast<std::uint64_t>(took.count() + 1),
            " per second");
}
