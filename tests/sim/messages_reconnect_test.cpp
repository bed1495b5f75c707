// SPDX-License-Identifier: MPL-2.0

// What becomes of messages when the connection under them breaks.

#include "sim/messages_rig.hpp"

using namespace slk;
using namespace slk::sim_tests;

TEST_CASE("a connection that breaks inside a message is followed by one that begins anew")
{
    messages_world in;
    socket_options little;
    little.tuning.send_buffer = 2000;
    little.tuning.receive_buffer = 2000;
    pull server = make<pull>(in.server_side, little);
    push client = make<push>(in.client_side, little);
    connect(client);
    bind(server);
    REQUIRE(in.until([&] { return first(client).ready; }));
    // Nobody on the way reads more than a part of it.
    in.net.partition(in.client, in.server);
    REQUIRE(client.send(pattern(200'000)).has_value());
    REQUIRE(client.send("the next").has_value());
    in.net.run_for(1s);
    REQUIRE(server.unbind(server.last_endpoint()).has_value());
    bind(server);
    in.net.heal();
    REQUIRE(in.until([&] { return first(client).ready && ready_peers(server) == 1; }));
    CHECK(next(server) == pattern(200'000));
    CHECK(next(server) == "the next");
    CHECK(next(server) == "timed_out");
    CHECK(first(client).link.generation == 2);
}

TEST_CASE("a sender that conflates begins a new connection with what is newest")
{
    messages_world in;
    push_options little;
    little.tuning.send_buffer = 2000;
    little.tuning.receive_buffer = 2000;
    little.conflate = true;
    pull server = make<pull>(in.server_side, static_cast<const socket_options&>(little));
    push client = make<push>(in.client_side, little);
    connect(client);
    bind(server);
    REQUIRE(in.until([&] { return first(client).ready; }));
    in.net.partition(in.client, in.server);
    multipart whole;
    REQUIRE(whole.add("first part"));
    REQUIRE(whole.add(pattern(200'000)));
    REQUIRE(client.send(std::move(whole)).has_value());
    in.net.run_for(1s);
    REQUIRE(client.send("older").has_value());
    REQUIRE(client.send("newest").has_value());
    CHECK(client.counters().conflated_sent == 1);
    REQUIRE(server.unbind(server.last_endpoint()).has_value());
    bind(server);
    in.net.heal();
    REQUIRE(in.until([&] { return first(client).ready && ready_peers(server) == 1; }));
    CHECK(next(server) == "newest");
    CHECK(next(server) == "timed_out");
    CHECK(client.counters().conflated_sent == 2);
    CHECK(client.peers().at(0).queued == 0);
}

TEST_CASE("no message comes twice when the system tells late what it has taken")
{
    std::size_t received = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        simulation_options late{.seed = seed};
        late.faults.set(fault::late_completion, 500).max_delay = 20ms;
        messages_world in(late);
        socket_options options;
        options.tuning.send_buffer = 3000;
        options.tuning.receive_buffer = 3000;
        options.reconnect = quick();
        pull server = make<pull>(in.server_side, options);
        push client = make<push>(in.client_side, options);
        connect(client);
        bind(server);
        REQUIRE(in.until([&] { return first(client).ready; }));
        for (int number = 0; number < 60; ++number)
            REQUIRE(client.send(std::to_string(number) + pattern(400)).has_value());
        std::vector<std::string> letters;
        for (int round = 0; round < 5; ++round) {
            in.net.run_for(duration(static_cast<std::int64_t>(1 + seed % 7) * 3ms));
            REQUIRE(server.unbind(server.last_endpoint()).has_value());
            bind(server);
        }
        message into;
        while (server.receive(into, 1s))
            letters.emplace_back(into.text());
        received += letters.size();
        std::ranges::sort(letters);
        CHECK(std::ranges::adjacent_find(letters) == letters.end());
    }
    CHECK(received > 800);
}

TEST_CASE("what was queued for a peer who went for good is counted")
{
    messages_world in;
    push server = make<push>(in.server_side);
    std::optional<pull> client(make<pull>(in.client_side));
    bind(server);
    connect(*client);
    REQUIRE(in.until([&] { return ready_peers(server) == 1; }));
    in.net.partition(in.server, in.client);
    in.net.partition(in.client, in.server);
    for (int number = 0; number < 100; ++number)
        REQUIRE(server.send(pattern(5000)).has_value());
    in.net.run_for(1min);
    CHECK(server.peers().empty());
    const socket_counters counted = server.counters();
    CHECK(counted.queued_total == 100);
    // The system had room for some of them.
    CHECK(counted.unsent > 50);
    CHECK(counted.unsent < 100);
    CHECK(server.send("nobody is there", no_wait).error() == errc::would_block);
}

TEST_CASE("peers who have come and gone are forgotten")
{
    messages_world in;
    push server = make<push>(in.server_side);
    bind(server);
    for (int round = 0; round < 3; ++round) {
        pull client = make<pull>(in.client_side);
        connect(client);
        REQUIRE(in.until([&] { return ready_peers(server) == 1; }));
        REQUIRE(server.send("hello").has_value());
        CHECK(next(client) == "hello");
        CHECK(server.peers().size() == 1);
        client.close(0ms);
        CHECK(in.until([&] { return server.peers().empty(); }));
    }
    CHECK(server.counters().queued_total == 3);
    CHECK(server.counters().unsent == 0);
}
