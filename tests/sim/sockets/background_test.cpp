// SPDX-License-Identifier: MPL-2.0

// What is sent after a socket was closed in the background.

#include "sim/sockets/simulated_sockets.hpp"

#include <optional>

using namespace slk;
using namespace slk::testing;

namespace {

constexpr duration forever = duration::max();

void send_numbers(push& from, int count)
{
    for (int number = 0; number < count; ++number)
        must(from.send(std::to_string(number), no_wait));
}

void check_numbers(socket_world& in, pull& to, int count)
{
    for (int number = 0; number < count; ++number) {
        REQUIRE(in.until([&] { return to.events().readable; }));
        REQUIRE(receive_text(to, no_wait) == std::to_string(number));
    }
}

} // namespace

TEST_CASE("a closed socket sends in the background when its listener comes an hour later")
{
    socket_world in;
    push client = new_socket<push>(in.client_context);
    connect(client);
    send_numbers(client, 100);
    client.close_in_background(forever);
    in.net.run_for(1h);
    pull server = new_socket<pull>(in.server_context);
    bind(server);
    check_numbers(in, server, 100);
    REQUIRE(in.until([&] { return in.client_context.wait_closed(no_wait).has_value(); }));
}

TEST_CASE("a closed socket keeps a slow reader in the background, and replies to its heartbeats")
{
    socket_world in;
    pull_options slow;
    slow.receive_high_water_mark = 1;
    slow.peer_timeout = 1s;
    pull server = new_socket<pull>(in.server_context, slow);
    push_options many;
    many.peer_timeout = 1s;
    many.send_high_water_mark = 0;
    push client = new_socket<push>(in.client_context, many);
    bind(server);
    connect(client);
    REQUIRE(in.until([&] { return status_of(client).ready; }));
    const std::string large = patterned_text(30000);
    for (int number = 0; number < 60; ++number)
        must(client.send(large, no_wait));
    client.close_in_background(forever);
    for (int number = 0; number < 60; ++number) {
        in.net.run_for(5s);
        REQUIRE(in.until([&] { return server.events().readable; }));
        REQUIRE(receive_text(server, no_wait) == large);
    }
    CHECK(server.counters().connected == 1);
    REQUIRE(in.until([&] { return in.client_context.wait_closed(no_wait).has_value(); }));
}

TEST_CASE("a closed socket sends in the background for as long as it may")
{
    socket_world in;
    push client = new_socket<push>(in.client_context);
    connect(client);
    must(client.send("lost", no_wait));
    in.net.run_for(1min);
    client.close_in_background(3s);
    CHECK(!in.client_context.wait_closed(no_wait));
    const duration took =
        in.time_until([&] { return in.client_context.wait_closed(no_wait).has_value(); });
    CHECK(took > 2900ms);
    CHECK(took < 3100ms);
    pull server = new_socket<pull>(in.server_context);
    bind(server);
    in.net.run_for(10s);
    CHECK(server.counters().connected == 0);
}

TEST_CASE("a closed socket sends the rest in the background when its link was lost")
{
    socket_world in;
    pull_options slow;
    slow.receive_high_water_mark = 1;
    std::optional<pull> server = new_socket<pull>(in.server_context, slow);
    push_options many;
    many.send_high_water_mark = 0;
    push client = new_socket<push>(in.client_context, many);
    bind(*server);
    connect(client);
    REQUIRE(in.until([&] { return status_of(client).ready; }));
    // More bytes than the buffers of a connection hold.
    for (int number = 0; number < 100; ++number)
        must(client.send(patterned_text(30000), no_wait));
    must(client.send("last", no_wait));
    client.close_in_background(forever);
    in.net.run_for(1s);
    (void)server->close(0ms);
    in.net.run_for(10s);
    server = new_socket<pull>(in.server_context, slow);
    bind(*server);
    std::string got;
    std::uint64_t count = 0;
    REQUIRE(in.until([&] {
        for (; server->events().readable && got != "last"; ++count)
            got = receive_text(*server, no_wait);
        return got == "last";
    }));
    // What the first connection has taken is lost with it.
    CHECK(count > 2);
    REQUIRE(in.until([&] { return in.client_context.wait_closed(no_wait).has_value(); }));
}

TEST_CASE("wait_closed waits a second for a peer that has not read everything")
{
    socket_world in;
    pull_options slow;
    slow.receive_high_water_mark = 1;
    pull server = new_socket<pull>(in.server_context, slow);
    push client = new_socket<push>(in.client_context);
    bind(server);
    connect(client);
    REQUIRE(in.until([&] { return status_of(client).ready; }));
    send_numbers(client, 10);
    in.net.run_for(100ms);
    client.close_in_background(forever);
    const duration took =
        in.time_until([&] { return in.client_context.wait_closed(no_wait).has_value(); });
    CHECK(took > 900ms);
    CHECK(took < 1100ms);
    in.net.run_for(1h);
    check_numbers(in, server, 10);
    CHECK(in.net.open_sockets() > 1); // the connection is there until the peer has read it
    REQUIRE(in.until([&] {
        (void)server.events();
        return server.peers().empty();
    }));
}

TEST_CASE("a context on the loop of a user ends what its sockets send in the background")
{
    socket_world in;
    pull server = new_socket<pull>(in.server_context);
    {
        auto gone = new_context(*in.client_loop);
        push client = new_socket<push>(gone);
        connect(client);
        send_numbers(client, 10);
        client.close_in_background(forever);
        in.net.run_for(1s);
    }
    bind(server);
    in.net.run_for(1min);
    (void)server.events();
    CHECK(server.counters().connected == 0);
}
