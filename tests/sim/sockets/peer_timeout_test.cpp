// SPDX-License-Identifier: MPL-2.0

// Peers that fall silent, peers that never speak, and peers that speak nonsense.

#include "sim/sockets/simulated_sockets.hpp"
#include "support/zmtp_handshake.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

socket_options with_liveness(duration time)
{
    socket_options options;
    options.peer_timeout = time;
    return options;
}

} // namespace

TEST_CASE("a peer that falls silent is given up within peer_timeout, by both sides")
{
    socket_world in;
    const socket_options options = with_liveness(3s);
    push server = new_socket<push>(in.server_context, options);
    pull client = new_socket<pull>(in.client_context, options);
    bind(server);
    connect(client);
    REQUIRE(in.until([&] { return status_of(client).ready && ready_peers(server) == 1; }));
    in.net.run_for(1'500ms); // at any point between two questions
    in.net.partition(in.server, in.client);
    in.net.partition(in.client, in.server);
    const time_point began = in.net.now();
    SUBCASE("with nothing to say") {}
    SUBCASE("with more to say than the system takes")
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

TEST_CASE("a peer that says nothing is not given up while it answers")
{
    socket_world in;
    SUBCASE("when both ask")
    {
        pull server = new_socket<pull>(in.server_context, with_liveness(30ms));
        push client = new_socket<push>(in.client_context, with_liveness(30ms));
        bind(server);
        connect(client);
        in.net.run_for(10min);
        CHECK(status_of(client).ready);
        CHECK(status_of(client).link.generation == 1);
    }
    SUBCASE("when one of them asks")
    {
        pull server = new_socket<pull>(in.server_context, with_liveness(0s));
        push client = new_socket<push>(in.client_context, with_liveness(30ms));
        bind(server);
        connect(client);
        in.net.run_for(10min);
        CHECK(status_of(client).ready);
        CHECK(status_of(client).link.generation == 1);
    }
}

TEST_CASE("a peer whose messages nobody receives is not given up")
{
    socket_world in;
    socket_options options = with_liveness(300ms);
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

TEST_CASE("without peer_timeout nobody is given up")
{
    socket_world in;
    pull server = new_socket<pull>(in.server_context, with_liveness(0s));
    push client = new_socket<push>(in.client_context, with_liveness(0s));
    bind(server);
    connect(client);
    REQUIRE(in.until([&] { return status_of(client).ready && ready_peers(server) == 1; }));
    in.net.partition(in.server, in.client);
    in.net.partition(in.client, in.server);
    in.net.run_for(1h);
    CHECK(status_of(client).ready);
    CHECK(ready_peers(server) == 1);
}

TEST_CASE("a handshake ends within handshake_timeout")
{
    socket_world in;
    socket_options options;
    options.handshake_timeout = 700ms;
    SUBCASE("with a peer that has connected and says nothing")
    {
        pull server = new_socket<pull>(in.server_context, options);
        bind(server);
        test_link mute(*in.client_loop);
        REQUIRE(in.until([&] { return mute.connected(); }));
        const reader answer(mute.connection);
        CHECK(in.time_until([&] { return answer.finished(); }) > 690ms);
        CHECK(in.until([&] { return status_of(server).handshake_failures == 1; }, 10ms));
        CHECK(status_of(server).last_handshake_failure == errc::timed_out);
        CHECK(server.counters().handshake_failures == 1);
    }
    SUBCASE("with a peer that has accepted and says nothing")
    {
        const test_listener mute(*in.server_loop);
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

TEST_CASE("a peer that breaks the protocol is given up although it does not read")
{
    socket_world in;
    dealer server = new_socket<dealer>(in.server_context);
    bind(server);
    test_link rude(*in.client_loop);
    REQUIRE(in.until([&] { return rude.connected(); }));
    const sender greets(rude.connection, zmtp_greeting() + zmtp_ready("DEALER"));
    REQUIRE(in.until([&] { return ready_peers(server) == 1; }));
    for (int number = 0; number < 100; ++number)
        REQUIRE(server.send(patterned_text(5000)).has_value());
    in.net.run_for(1s);
    const sender nonsense(rude.connection, std::string(10, '\xff'));
    CHECK(in.until([&] { return ready_peers(server) == 0; }, 10ms));
}

TEST_CASE("only so many connections may be in their handshake")
{
    socket_world in;
    socket_options options;
    options.max_pending_handshakes = 3;
    pull server = new_socket<pull>(in.server_context, options);
    bind(server);
    std::vector<std::unique_ptr<test_link>> mute;
    for (int number = 0; number < 3; ++number)
        mute.push_back(std::make_unique<test_link>(*in.client_loop));
    REQUIRE(in.until(
        [&] { return std::ranges::all_of(mute, [](auto& each) { return each->connected(); }); }));
    push client = new_socket<push>(in.client_context);
    connect(client);
    in.net.run_for(5s);
    CHECK_FALSE(status_of(client).ready);
    CHECK(status_of(client).link.attempt > 3);
    CHECK(status_of(server).handshake_failures == status_of(client).link.generation);
    CHECK(server.counters().handshake_failures == status_of(server).handshake_failures);
    // Whoever is through does not count any more.
    mute.clear();
    CHECK(in.until([&] { return status_of(client).ready; }, 10s));
    for (int number = 0; number < 3; ++number)
        mute.push_back(std::make_unique<test_link>(*in.client_loop));
    in.net.run_for(1s);
    CHECK(std::ranges::all_of(mute, [](auto& each) { return each->status().generation == 1; }));
}
