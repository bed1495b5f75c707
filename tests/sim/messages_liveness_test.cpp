// SPDX-License-Identifier: MPL-2.0

// Peers that fall silent, peers that never speak, and peers that speak nonsense.

#include "sim/messages_rig.hpp"

using namespace slk;
using namespace slk::sim_tests;

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
    messages_world in;
    const socket_options options = with_liveness(3s);
    push server = make<push>(in.server_side, options);
    pull client = make<pull>(in.client_side, options);
    bind(server);
    connect(client);
    REQUIRE(in.until([&] { return first(client).ready && ready_peers(server) == 1; }));
    in.net.run_for(1'500ms); // at any point between two questions
    in.net.partition(in.server, in.client);
    in.net.partition(in.client, in.server);
    const time_point began = in.net.now();
    SUBCASE("with nothing to say") {}
    SUBCASE("with more to say than the system takes")
    {
        for (int number = 0; number < 100; ++number)
            REQUIRE(server.send(pattern(5000)).has_value());
    }
    CHECK(in.until([&] { return ready_peers(server) == 0; }, 3s));
    CHECK(in.until([&] { return !first(client).ready; }, began + 3s + 1ms - in.net.now()));
    CHECK(in.net.now() - began >= 2s);
    CHECK(first(client).link.last_error == errc::timed_out);
    in.net.heal();
    CHECK(in.until([&] { return first(client).ready && ready_peers(server) == 1; }, 10s));
}

TEST_CASE("a peer that says nothing is not given up while it answers")
{
    messages_world in;
    SUBCASE("when both ask")
    {
        pull server = make<pull>(in.server_side, with_liveness(30ms));
        push client = make<push>(in.client_side, with_liveness(30ms));
        bind(server);
        connect(client);
        in.net.run_for(10min);
        CHECK(first(client).ready);
        CHECK(first(client).link.generation == 1);
    }
    SUBCASE("when one of them asks")
    {
        pull server = make<pull>(in.server_side, with_liveness(0s));
        push client = make<push>(in.client_side, with_liveness(30ms));
        bind(server);
        connect(client);
        in.net.run_for(10min);
        CHECK(first(client).ready);
        CHECK(first(client).link.generation == 1);
    }
}

TEST_CASE("a peer whose messages nobody receives is not given up")
{
    messages_world in;
    socket_options options = with_liveness(300ms);
    options.receive_high_water_mark = 1;
    pull server = make<pull>(in.server_side, options);
    push client = make<push>(in.client_side, options);
    bind(server);
    connect(client);
    for (int number = 0; number < 100; ++number)
        REQUIRE(client.send(pattern(5000)).has_value());
    in.net.run_for(1min);
    CHECK(first(client).ready);
    CHECK(ready_peers(server) == 1);
    int received = 0;
    while (next(server) == pattern(5000))
        ++received;
    CHECK(received == 100);
    CHECK(first(client).link.generation == 1);
}

TEST_CASE("without peer_timeout nobody is given up")
{
    messages_world in;
    pull server = make<pull>(in.server_side, with_liveness(0s));
    push client = make<push>(in.client_side, with_liveness(0s));
    bind(server);
    connect(client);
    REQUIRE(in.until([&] { return first(client).ready && ready_peers(server) == 1; }));
    in.net.partition(in.server, in.client);
    in.net.partition(in.client, in.server);
    in.net.run_for(1h);
    CHECK(first(client).ready);
    CHECK(ready_peers(server) == 1);
}

TEST_CASE("a handshake ends within handshake_timeout")
{
    messages_world in;
    socket_options options;
    options.handshake_timeout = 700ms;
    SUBCASE("with a peer that has connected and says nothing")
    {
        pull server = make<pull>(in.server_side, options);
        bind(server);
        dialler mute(*in.client_loop);
        REQUIRE(in.until([&] { return mute.up(); }));
        const reader answer(mute.wire);
        CHECK(in.time_until([&] { return answer.over(); }) > 690ms);
        CHECK(in.until([&] { return first(server).handshake_failures == 1; }, 10ms));
        CHECK(first(server).last_handshake_failure == errc::timed_out);
        CHECK(server.counters().handshake_failures == 1);
    }
    SUBCASE("with a peer that has accepted and says nothing")
    {
        const acceptor mute(*in.server_loop);
        pull client = make<pull>(in.client_side, options);
        connect(client);
        REQUIRE(in.until([&] { return first(client).link.state == link_state::connected; }));
        const duration taken = in.time_until([&] { return first(client).handshake_failures == 1; });
        CHECK(taken >= 700ms);
        CHECK(taken < 701ms);
        CHECK(in.until([&] { return first(client).link.last_error == errc::timed_out; }, 10ms));
        CHECK(first(client).link.state == link_state::backoff);
    }
}

TEST_CASE("a peer that breaks the protocol is given up although it does not read")
{
    messages_world in;
    dealer server = make<dealer>(in.server_side);
    bind(server);
    dialler rude(*in.client_loop);
    REQUIRE(in.until([&] { return rude.up(); }));
    const sender greets(rude.wire, handshake_of("DEALER"));
    REQUIRE(in.until([&] { return ready_peers(server) == 1; }));
    for (int number = 0; number < 100; ++number)
        REQUIRE(server.send(pattern(5000)).has_value());
    in.net.run_for(1s);
    const sender nonsense(rude.wire, std::string(10, '\xff'));
    CHECK(in.until([&] { return ready_peers(server) == 0; }, 10ms));
}

TEST_CASE("only so many connections may be in their handshake")
{
    messages_world in;
    socket_options options;
    options.max_pending_handshakes = 3;
    pull server = make<pull>(in.server_side, options);
    bind(server);
    std::vector<std::unique_ptr<dialler>> mute;
    for (int number = 0; number < 3; ++number)
        mute.push_back(std::make_unique<dialler>(*in.client_loop));
    REQUIRE(
        in.until([&] { return std::ranges::all_of(mute, [](auto& each) { return each->up(); }); }));
    push client = make<push>(in.client_side);
    connect(client);
    in.net.run_for(5s);
    CHECK_FALSE(first(client).ready);
    CHECK(first(client).link.attempt > 3);
    CHECK(first(server).handshake_failures == first(client).link.generation);
    CHECK(server.counters().handshake_failures == first(server).handshake_failures);
    // Whoever is through does not count any more.
    mute.clear();
    CHECK(in.until([&] { return first(client).ready; }, 10s));
    for (int number = 0; number < 3; ++number)
        mute.push_back(std::make_unique<dialler>(*in.client_loop));
    in.net.run_for(1s);
    CHECK(std::ranges::all_of(mute, [](auto& each) { return each->status().generation == 1; }));
}
