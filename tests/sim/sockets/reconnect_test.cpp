// SPDX-License-Identifier: MPL-2.0

// Messages whose connection is lost.

#include "sim/sockets/simulated_sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("a message whose connection is lost is sent again from its beginning")
{
    socket_world in;
    socket_options small_buffers;
    small_buffers.tuning.send_buffer = 2000;
    small_buffers.tuning.receive_buffer = 2000;
    pull server = new_socket<pull>(in.server_context, small_buffers);
    push client = new_socket<push>(in.client_context, small_buffers);
    connect(client);
    bind(server);
    REQUIRE(in.until([&] { return status_of(client).ready; }));
    // Only a part of the message arrives.
    in.net.partition(in.client, in.server);
    REQUIRE(client.send(patterned_text(200'000)).has_value());
    REQUIRE(client.send("the next").has_value());
    in.net.run_for(1s);
    REQUIRE(server.unbind(server.last_endpoint()).has_value());
    bind(server);
    in.net.heal();
    REQUIRE(in.until([&] { return status_of(client).ready && ready_peers(server) == 1; }));
    CHECK(receive_text(server) == patterned_text(200'000));
    CHECK(receive_text(server) == "the next");
    CHECK(receive_text(server) == "(timed_out)");
    CHECK(status_of(client).link.generation == 2);
}

TEST_CASE("a conflating sender begins a new connection with the newest message")
{
    socket_world in;
    push_options small_buffers;
    small_buffers.tuning.send_buffer = 2000;
    small_buffers.tuning.receive_buffer = 2000;
    small_buffers.conflate = true;
    pull server = new_socket<pull>(in.server_context, small_buffers);
    push client = new_socket<push>(in.client_context, small_buffers);
    connect(client);
    bind(server);
    REQUIRE(in.until([&] { return status_of(client).ready; }));
    in.net.partition(in.client, in.server);
    multipart whole;
    REQUIRE(whole.add("first part"));
    REQUIRE(whole.add(patterned_text(200'000)));
    REQUIRE(client.send(std::move(whole)).has_value());
    in.net.run_for(1s);
    REQUIRE(client.send("older").has_value());
    REQUIRE(client.send("newest").has_value());
    CHECK(client.counters().conflated_sent == 1);
    REQUIRE(server.unbind(server.last_endpoint()).has_value());
    bind(server);
    in.net.heal();
    REQUIRE(in.until([&] { return status_of(client).ready && ready_peers(server) == 1; }));
    CHECK(receive_text(server) == "newest");
    CHECK(receive_text(server) == "(timed_out)");
    CHECK(client.counters().conflated_sent == 2);
    CHECK(client.peers().at(0).queued == 0);
}

TEST_CASE("no message arrives twice when sends complete late")
{
    std::size_t received = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        simulation_options late{.seed = seed};
        late.faults.set(fault::late_completion, 500).max_delay = 20ms;
        socket_world in(late);
        socket_options options;
        options.tuning.send_buffer = 3000;
        options.tuning.receive_buffer = 3000;
        options.reconnect = short_delays();
        pull server = new_socket<pull>(in.server_context, options);
        push client = new_socket<push>(in.client_context, options);
        connect(client);
        bind(server);
        REQUIRE(in.until([&] { return status_of(client).ready; }));
        for (int number = 0; number < 60; ++number)
            REQUIRE(client.send(std::to_string(number) + patterned_text(400)).has_value());
        std::vector<std::string> texts;
        for (int round = 0; round < 5; ++round) {
            in.net.run_for(duration(static_cast<std::int64_t>(1 + seed % 7) * 3ms));
            REQUIRE(server.unbind(server.last_endpoint()).has_value());
            bind(server);
        }
        message into;
        while (server.receive(into, 1s))
            texts.emplace_back(into.text());
        received += texts.size();
        std::ranges::sort(texts);
        CHECK(std::ranges::adjacent_find(texts) == texts.end());
    }
    CHECK(received > 800);
}

TEST_CASE("messages that were queued for a peer that does not return wait for another, or count as "
          "unsent")
{
    socket_world in;
    push_options options;
    SUBCASE("they wait")
    {
        options.requeue = true;
    }
    SUBCASE("they count as unsent")
    {
        options.requeue = false;
    }
    push server = new_socket<push>(in.server_context, options);
    std::optional<pull> client(new_socket<pull>(in.client_context));
    bind(server);
    connect(*client);
    REQUIRE(in.until([&] { return ready_peers(server) == 1; }));
    in.net.partition(in.server, in.client);
    in.net.partition(in.client, in.server);
    for (int number = 0; number < 100; ++number)
        REQUIRE(server.send(patterned_text(5000)).has_value());
    in.net.run_for(1min);
    CHECK(server.peers().empty());
    const socket_counters counted = server.counters();
    CHECK(counted.queued_total == 100);
    // The system had room for some of them.
    const std::uint64_t left = options.requeue ? counted.requeued : counted.unsent;
    CHECK(left > 50);
    CHECK(left < 100);
    CHECK(counted.requeued + counted.unsent == left);
    CHECK(server.send("no peer", no_wait).error() == errc::would_block);
}

TEST_CASE("a bound socket forgets peers that have closed")
{
    socket_world in;
    push server = new_socket<push>(in.server_context);
    bind(server);
    for (int round = 0; round < 3; ++round) {
        pull client = new_socket<pull>(in.client_context);
        connect(client);
        REQUIRE(in.until([&] { return ready_peers(server) == 1; }));
        REQUIRE(server.send("hello").has_value());
        CHECK(receive_text(client) == "hello");
        CHECK(server.peers().size() == 1);
        client.close(0ms);
        CHECK(in.until([&] { return server.peers().empty(); }));
    }
    CHECK(server.counters().queued_total == 3);
    CHECK(server.counters().unsent == 0);
}
