// SPDX-License-Identifier: MPL-2.0

// Ephemeral ports, and links that connect to themselves.

#include "sim/sim_rig.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("local ports come from the host's range, and a link waits while all are in use")
{
    world in;
    test_listener server(*in.server_loop);
    REQUIRE(in.net.set_limits(in.client, {.first_port = 4000, .last_port = 4003}));
    std::vector<std::unique_ptr<test_link>> clients;
    for (int i = 0; i < 4; ++i)
        clients.push_back(std::make_unique<test_link>(*in.client_loop));
    std::vector<std::uint16_t> ports;
    REQUIRE(in.until([&] { return server.streams.size() == 4; }, 1s));
    for (const stream& each : server.streams)
        ports.push_back(each.peer_address().port);
    std::ranges::sort(ports);
    CHECK(ports == std::vector<std::uint16_t>{4000, 4001, 4002, 4003});

    test_link one_more(*in.client_loop, "tcp://server:5000", with_short_delays());
    REQUIRE(in.until([&] { return one_more.in_backoff(); }, 1s));
    CHECK(one_more.status().last_error == errc::no_local_port);
    const std::uint16_t freed = clients[2]->connection.local_address().port;
    clients[2]->handle->stop();
    REQUIRE(in.until([&] { return one_more.connected(); }, 1s));
    CHECK(one_more.connection.local_address().port == freed);
}

TEST_CASE("E10: a link that would connect to itself fails with self_connect")
{
    world in;
    REQUIRE(in.net.set_limits(in.client, {.first_port = 4000, .last_port = 4001}));
    SUBCASE("by the loopback")
    {
        test_link client(*in.client_loop, "tcp://127.0.0.1:4000", with_short_delays());
        CHECK(in.until([&] { return client.failed_with(errc::self_connect); }, 1s));
        CHECK(client.status().generation == 0);
    }
    SUBCASE("by the host's address, with a policy that stops")
    {
        link_options options = with_short_delays();
        options.reconnect.policy = retry_policy::stop_on_refused();
        int self_connects = 0;
        for (int i = 0; i < 2; ++i) {
            test_link client(*in.client_loop, "tcp://10.0.0.2:4000", options);
            REQUIRE(in.until([&] { return !client.errors.empty(); }, 1s));
            CHECK(client.status().state == link_state::idle);
            self_connects += client.status().last_error == errc::self_connect;
        }
        CHECK(self_connects == 1);
    }
    CHECK(in.net.open_sockets() == 0);
}

TEST_CASE("a link reaches a listener on its own host by name, by address and by the loopback")
{
    world in;
    test_listener server(*in.client_loop, "tcp://*:5000");
    for (const char* to : {"tcp://client:5000", "tcp://10.0.0.2:5000", "tcp://127.0.0.1:5000"}) {
        test_link client(*in.client_loop, to);
        CHECK(in.until([&] { return client.connected(); }, 1s));
    }
}
