// SPDX-License-Identifier: MPL-2.0

// The memory of a network that has run for a long time. Uses private headers, because the public
// interface does not show memory.

#include "io/backend/sim/network.hpp"
#include "sim/sim_rig.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

void connect_and_close(world& in, int times)
{
    test_listener server(*in.server_loop);
    server.on_accepted = [](stream) {};
    link_options options;
    options.reconnect = short_delays();
    test_link client(*in.client_loop, "tcp://server:5000", options);
    client.on_connected = [&] { client.connection.close(); };
    CHECK(in.until([&] { return client.status().generation >= std::uint64_t(times); }, 24h));
    client.handle.reset();
    server.handle.reset();
    in.net.run_for(2min); // longer than every timer of a handshake
}

} // namespace

TEST_CASE("memory does not grow with the number of connections that were made and closed")
{
    world in;
    connect_and_close(in, 300);
    const io::sim::footprint before = in.net.core()->measure();
    connect_and_close(in, 3'000);
    const io::sim::footprint after = in.net.core()->measure();
    CHECK(after.places <= before.places);
    CHECK(after.in_use == 0);
    CHECK(after.events == 0);
}

TEST_CASE("a loop with a distant timer does not fill the queue with turns")
{
    world in;
    connected_pair ends(in);
    must(ends.server.streams.back().close_after_drain(1h));
    std::size_t max_events = 0;
    for (int i = 0; i < 1'000; ++i) {
        in.server_loop->post([] {});
        in.net.run_for(10us);
        max_events = std::max(max_events, in.net.core()->measure().events);
    }
    CHECK(max_events < 20);
}

TEST_CASE("connections whose packets a partition holds back for good are forgotten")
{
    world in;
    {
        connected_pair ends(in);
        in.net.run_for(1s);
        in.net.partition(in.client, in.server);
        in.net.partition(in.server, in.client);
        ends.client.handle->stop();
        ends.server.streams.clear();
        in.net.run_for(1s);
        in.net.heal();
        in.net.partition(in.client, in.server);
        in.net.partition(in.server, in.client);
    }
    CHECK(in.net.core()->measure().in_use > 0);
    in.net.run_for(1h);
    CHECK(in.net.core()->measure().in_use == 0);
    CHECK(in.net.core()->measure().events == 0);
}

TEST_CASE("loops that were destroyed leave no memory")
{
    world in;
    const io::sim::footprint before = in.net.core()->measure();
    for (int i = 0; i < 100; ++i) {
        loop short_lived = new_loop(in.net, in.client);
        test_listener server(short_lived);
        test_link client(short_lived, "tcp://127.0.0.1:5000");
        CHECK(in.until([&] { return client.connected(); }));
    }
    in.net.run_for(2min);
    const io::sim::footprint after = in.net.core()->measure();
    CHECK(after.in_use == 0);
    CHECK(after.events == 0);
    CHECK(after.loops == before.loops + 1);
    CHECK(after.places <= before.places + 20);
}
