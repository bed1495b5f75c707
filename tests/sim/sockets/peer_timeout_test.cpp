// SPDX-License-Identifier: MPL-2.0

// Peers that become silent, never send, or break the protocol.

#include "sim/sockets/simulated_sockets.hpp"
#include "support/sanitized.hpp"
#include "support/zmtp_handshake.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

socket_options with_peer_timeout(duration time)
{
    socket_options options;
    options.peer_timeout = time;
    return options;
}

} // namespace

TEST_CASE("both sides disconnect a silent peer within peer_timeout")
{
    socket_world in;
    const socket_options options = with_peer_timeout(3s);
    push server = new_socket<push>(in.server_context, options);
    pull client = new_socket<pull>(in.client_context, options);
    bind(server);
    connect(client);
    REQUIRE(in.until([&] { return status_of(client).ready && ready_peers(server) == 1; }));
    in.net.run_for(1'500ms); // between two PINGs
    in.net.partition(in.server, in.client);
    in.net.partition(in.client, in.server);
    const time_point began = in.net.now();
    SUBCASE("with nothing to send") {}
    SUBCASE("with more to send than the system buffers")
    {
        for (int number = 0; number < 100; ++number)
            REQUIRE(server.send(patterned_text(5000)).has_value());
    }
    CHECK(in.until([&] { return ready_peers(server) == 0; }, 3s));
    CHECK(in.until([&] { return !status_of(client).ready; }, began + 3s + 1ms - in.net.now()));
    CHECK(in.net.now() - began >= 2s);
    CHECK(status_of(client).link.last_error == errc::timed_out);
    in.net.heal();
    CHECK(in.until([&] { return status_of(client).ready && ready_peers(server) == 1; }, 10s));
}

TEST_CASE("an idle peer that answers PINGs stays connected")
{
    socket_world in;
    duration server_timeout = 30ms;
    SUBCASE("both sides send PINGs") {}
    SUBCASE("one side sends PINGs")
    {
        server_timeout = 0s;
    }
    pull server = new_socket<pull>(in.server_context, with_peer_timeout(server_timeout));
    push client = new_socket<push>(in.client_context, with_peer_timeout(30ms));
    bind(server);
    connect(client);
    in.net.run_for(slow_build ? 10s : 2min);
    CHECK(status_of(client).ready);
    CHECK(status_of(client).link.generation == 1);
}

TEST_CASE("a peer whose messages are not received stays connected")
{
    socket_world in;
    socket_options options = with_peer_timeout(300ms);
    options.receive_high_water_mark = 1;
    pull server = new_socket<pull>(in.server_context, options);
    push client = new_socket<push>(in.client_context, options);
    bind(server);
    connect(client);
    for (int number = 0; number < 100; ++number)
        REQUIRE(client.send(patterned_text(5000)).has_value());
    in.net.run_for(1min);
    CHECK(status_of(client).ready);
    CHECK(ready_peers(server) == 1);
    int received = 0;
    while (receive_text(server) == patterned_text(5000))
        ++received;
    CHECK(received == 100);
    CHECK(status_of(client).link.generation == 1);
}

TEST_CASE("without peer_timeout a silent peer stays connected")
{
    socket_world in;
    pull server = new_socket<pull>(in.server_context, with_peer_timeout(0s));
    push client = new_socket<push>(in.client_context, with_peer_timeout(0s));
    bind(server);
    connect(client);
    REQUIRE(in.until([&] { return status_of(client).ready && ready_peers(server) == 1; }));
    in.net.partition(in.server, in.client);
    in.net.partition(in.client, in.server);
    in.net.run_for(1h);
    CHECK(status_of(client).ready);
    CHECK(ready_peers(server) == 1);
}

TEST_CASE("a handshake fails after handshake_timeout")
{
    socket_world in;
    socket_options options;
    options.handshake_timeout = 700ms;
    SUBCASE("with a peer that connects and sends nothing")
    {
        pull server = new_socket<pull>(in.server_context, options);
        bind(server);
        test_link silent(*in.client_loop);
        REQUIRE(in.until([&] { return silent.connected(); }));
        const reader received(silent.connection);
        CHECK(in.time_until([&] { return received.finished(); }) > 690ms);
        CHECK(in.until([&] { return status_of(server).handshake_failures == 1; }, 10ms));
        CHECK(status_of(server).last_handshake_failure == errc::timed_out);
        CHECK(server.counters().handshake_failures == 1);
    }
    SUBCASE("with a peer that accepts and sends nothing")
    {
        const test_listener silent(*in.server_loop);
        pull client = new_socket<pull>(in.client_context, options);
        connect(client);
        REQUIRE(in.until([&] { return status_of(client).link.state == link_state::connected; }));
        const duration taken =
            in.time_until([&] { return status_of(client).handshake_failures == 1; });
        CHECK(taken >= 700ms);
        CHECK(taken < 701ms);
        CHECK(in.until([&] { return status_of(client).link.last_error == errc::timed_out; }, 10ms));
        CHECK(status_of(client).link.state == link_state::backoff);
    }
}

TEST_CASE("a peer that breaks the protocol is disconnected although it does not read")
{
    socket_world in;
    dealer server = new_socket<dealer>(in.server_context);
    bind(server);
    test_link peer(*in.client_loop);
    REQUIRE(in.until([&] { return peer.connected(); }));
    const stream_sender handshake(peer.connection, zmtp_greeting() + zmtp_ready("DEALER"));
    REQUIRE(in.until([&] { return ready_peers(server) == 1; }));
    for (int number = 0; number < 100; ++number)
        REQUIRE(server.send(patterned_text(5000)).has_value());
    in.net.run_for(1s);
    const stream_sender invalid(peer.connection, std::string(10, '\xff'));
    CHECK(in.until([&] { return ready_peers(server) == 0; }, 10ms));
}

TEST_CASE("at most max_pending_handshakes connections are in their handshake")
{
    socket_world in;
    socket_options options;
    options.max_pending_handshakes = 3;
    pull server = new_socket<pull>(in.server_context, options);
    bind(server);
    link_options once;
    once.reconnect.base = reconnect_never;
    std::vector<std::unique_ptr<test_link>> silent;
    const auto connect_silent = [&] {
        silent.push_back(std::make_unique<test_link>(*in.client_loop, "tcp://server:5000", once));
    };
    for (int number = 0; number < 3; ++number)
        connect_silent();
    REQUIRE(in.until(
        [&] { return std::ranges::all_of(silent, [](auto& each) { return each->connected(); }); }));
    CHECK(server.counters().handshake_failures == 0);
    // One gives way.
    push client = new_socket<push>(in.client_context);
    connect(client);
    CHECK(in.until([&] { return status_of(client).ready; }, 10ms));
    CHECK(status_of(server).handshake_failures == 1);
    CHECK(server.counters().handshake_failures == 1);
    // A connection whose handshake is over does not count.
    connect_silent();
    in.net.run_for(1s);
    CHECK(server.counters().handshake_failures == 1);
    connect_silent();
    in.net.run_for(1s);
    CHECK(server.counters().handshake_failures == 2);
    CHECK(status_of(client).link.generation == 1);
}
