// SPDX-License-Identifier: MPL-2.0

// socket::watch() on simulated loops.

#include "sim/sockets/simulated_sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("a simulated program with watches and time-outs needs no polling")
{
    socket_world in;
    pull server = new_socket<pull>(in.server_context);
    push client = new_socket<push>(in.client_context);
    bind(server);
    connect(client);
    int sent = 0;
    std::vector<time_point> arrived;
    const auto arrivals =
        must(server.watch(*in.server_loop, watch_for::readable, [&](socket_events) {
            CHECK(receive_text(server, no_wait) == "tick");
            arrived.push_back(in.net.now());
        }));
    const time_point begin = in.net.now();
    const auto ticking = must(in.client_loop->call_every(1s, [&] {
        must(client.send("tick", no_wait));
        ++sent;
    }));
    in.net.run_for(100s + 500ms);
    CHECK(sent == 100);
    REQUIRE(arrived.size() == 100);
    for (std::size_t index = 0; index < arrived.size(); ++index) {
        const duration late = arrived[index] - begin - 1s * (index + 1);
        CHECK(late > 0s);
        CHECK(late < 5ms);
    }
}

TEST_CASE("the watch of a simulated socket is called when an outage ends")
{
    socket_world in;
    pull server = new_socket<pull>(in.server_context);
    push client = new_socket<push>(in.client_context);
    bind(server);
    connect(client);
    REQUIRE(in.until([&] { return status_of(client).ready; }));
    std::string received;
    const auto arrivals =
        must(server.watch(*in.server_loop, watch_for::readable,
                          [&](socket_events) { received += receive_text(server, no_wait); }));
    in.net.partition(in.client, in.server);
    must(client.send("x", no_wait));
    in.net.run_for(10s);
    CHECK(received.empty());
    in.net.heal(in.client, in.server);
    CHECK(in.until([&] { return received == "x"; }));
}
