// SPDX-License-Identifier: MPL-2.0

// How a socket comes back to a peer: the delays of its links, and what resets them.

#include "sim/messages_rig.hpp"

using namespace slk;
using namespace slk::sim_tests;

TEST_CASE("a connection is useful when the handshake is over, and not before")
{
    messages_world in;
    push client = make<push>(in.client_side);
    SUBCASE("a peer that only accepts is of no use")
    {
        const acceptor mute(*in.server_loop);
        connect(client);
        REQUIRE(in.until([&] { return first(client).link.state == link_state::connected; }));
        in.net.run_for(5s);
        CHECK_FALSE(first(client).link.useful);
        CHECK_FALSE(first(client).ready);
    }
    SUBCASE("a peer that shakes hands is")
    {
        pull server = make<pull>(in.server_side);
        bind(server);
        connect(client);
        REQUIRE(in.until([&] { return first(client).ready; }));
        CHECK(in.until([&] { return first(client).link.useful; }, 1ms));
    }
}

TEST_CASE("a good connection that is lost is tried again after the shortest delay")
{
    messages_world in;
    push client = make<push>(in.client_side);
    pull server = make<pull>(in.server_side);
    connect(client);
    in.net.run_for(30s);
    CHECK(first(client).link.retries > 5);
    bind(server);
    REQUIRE(in.until([&] { return first(client).ready; }));
    in.net.run_for(10s); // as long as the delay before it, and more
    const std::uint64_t before = first(client).link.attempt;
    REQUIRE(server.unbind(server.last_endpoint()).has_value());
    bind(server);
    REQUIRE(in.until([&] { return !first(client).ready; }));
    CHECK(in.time_until([&] { return first(client).ready; }) < 210ms);
    CHECK(first(client).link.attempt == before + 1);
}

TEST_CASE("a peer that refuses the handshake again and again is not hammered")
{
    messages_world in;
    socket_options options;
    // The shortest time for which a connection must live is over at once.
    options.reconnect.stable_after = 0ms;
    pull server = make<pull>(in.server_side);
    bind(server);
    pull client = make<pull>(in.client_side, options);
    connect(client);
    in.net.run_for(10min);
    // 5.1 s at most, 2.6 s on average.
    CHECK(first(client).link.attempt > 100);
    CHECK(first(client).link.attempt < 300);
    CHECK(first(server).handshake_failures == first(client).link.generation);
    CHECK(first(client).last_handshake_failure == errc::protocol_error);
}
