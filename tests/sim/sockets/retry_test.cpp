// SPDX-License-Identifier: MPL-2.0

// The reconnect delays of a socket's links, and what resets them.

#include "sim/sockets/simulated_sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("a connection is useful when its handshake is over, and not before")
{
    socket_world in;
    push client = new_socket<push>(in.client_context);
    SUBCASE("with a peer that only accepts")
    {
        const test_listener silent(*in.server_loop);
        connect(client);
        REQUIRE(in.until([&] { return status_of(client).link.state == link_state::connected; }));
        in.net.run_for(5s);
        CHECK_FALSE(status_of(client).link.useful);
        CHECK_FALSE(status_of(client).ready);
    }
    SUBCASE("with a peer that completes the handshake")
    {
        pull server = new_socket<pull>(in.server_context);
        bind(server);
        connect(client);
        REQUIRE(in.until([&] { return status_of(client).ready; }));
        CHECK(in.until([&] { return status_of(client).link.useful; }, 1ms));
    }
}

TEST_CASE("after the loss of a useful connection the link reconnects after the shortest delay")
{
    socket_world in;
    push client = new_socket<push>(in.client_context);
    pull server = new_socket<pull>(in.server_context);
    connect(client);
    in.net.run_for(30s);
    CHECK(status_of(client).link.retries > 5);
    bind(server);
    REQUIRE(in.until([&] { return status_of(client).ready; }));
    in.net.run_for(10s); // longer than the delay before the connection
    const std::uint64_t before = status_of(client).link.attempt;
    REQUIRE(server.unbind(server.last_endpoint()).has_value());
    bind(server);
    REQUIRE(in.until([&] { return !status_of(client).ready; }));
    CHECK(in.time_until([&] { return status_of(client).ready; }) < 210ms);
    CHECK(status_of(client).link.attempt == before + 1);
}

TEST_CASE("the delay grows while a peer refuses every handshake")
{
    socket_world in;
    socket_options options;
    // A connection counts as stable at once.
    options.reconnect.stable_after = 0ms;
    pull server = new_socket<pull>(in.server_context);
    bind(server);
    pull client = new_socket<pull>(in.client_context, options);
    connect(client);
    in.net.run_for(10min);
    // 5.1 s at most, 2.6 s on average.
    CHECK(status_of(client).link.attempt > 100);
    CHECK(status_of(client).link.attempt < 300);
    CHECK(status_of(server).handshake_failures == status_of(client).link.generation);
    CHECK(status_of(client).last_handshake_failure == errc::protocol_error);
}
