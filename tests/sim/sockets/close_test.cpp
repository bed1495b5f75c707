// SPDX-License-Identifier: MPL-2.0

// How a socket ends, and what it tells about the messages that were on their way.

#include "sim/sockets/simulated_sockets.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

std::uint64_t flushed(const close_report& told)
{
    std::uint64_t sum = 0;
    for (const close_report::peer& each : told.peers)
        sum += each.flushed;
    return sum;
}

} // namespace

TEST_CASE("close() tells which messages of a long send the system has taken")
{
    socket_world in;
    socket_options little;
    little.receive_high_water_mark = 1;
    pull server = new_socket<pull>(in.server_context, little);
    push client = new_socket<push>(in.client_context);
    bind(server);
    connect(client);
    REQUIRE(in.until([&] { return status_of(client).ready; }));
    // More than the buffers of a connection hold, and given to the system in one piece.
    std::vector<message> letters;
    for (int number = 0; number < 100; ++number)
        letters.push_back(*message::copy_of(patterned_text(3000)));
    REQUIRE(client.send_batch(letters) == 100u);
    const close_report told = client.close(1s);
    CHECK(flushed(told) + told.unsent() == 100);
    CHECK(told.unsent() > 0);
    CHECK(told.unsent() == client.counters().unsent);
    std::uint64_t received = 0;
    while (receive_text(server) == patterned_text(3000))
        ++received;
    // What was on its way may be lost; what the system has not taken cannot arrive.
    CHECK(received > 1);
    CHECK(received <= flushed(told));
}

TEST_CASE("close() waits for a peer who is not there, but not for longer than it may")
{
    socket_world in;
    push client = new_socket<push>(in.client_context);
    connect(client);
    REQUIRE(client.send("one").has_value());
    SUBCASE("who does not come")
    {
        const time_point began = in.net.now();
        const close_report told = client.close(2s);
        const duration taken = in.net.now() - began;
        CHECK(taken >= 2s);
        CHECK(taken < 2'010ms);
        CHECK(told.unsent() == 1);
        CHECK(flushed(told) == 0);
        CHECK(client.counters().unsent == 1);
    }
    SUBCASE("who comes meanwhile")
    {
        std::optional<pull> server;
        in.net.at(in.net.now() + 500ms, [&] {
            server.emplace(new_socket<pull>(in.server_context));
            bind(*server);
        });
        const time_point began = in.net.now();
        const close_report told = client.close(10s);
        CHECK(in.net.now() - began < 3s);
        CHECK(told.unsent() == 0);
        CHECK(flushed(told) == 1);
        CHECK(receive_text(*server) == "one");
    }
    SUBCASE("and not at all without time")
    {
        const time_point began = in.net.now();
        CHECK(client.close(0ms).unsent() == 1);
        CHECK(in.net.now() - began < 1ms);
    }
    CHECK(client.send("two").error() == errc::invalid_state);
}

TEST_CASE("a socket that is destroyed lingers as its option says")
{
    socket_world in;
    socket_options options;
    options.linger = 3s;
    const time_point began = in.net.now();
    {
        push client = new_socket<push>(in.client_context, options);
        connect(client);
        REQUIRE(client.send("one").has_value());
    }
    CHECK(in.net.now() - began >= 3s);
    CHECK(in.net.now() - began < 3'010ms);
}

TEST_CASE("what has arrived and is not received before close() is counted")
{
    socket_world in;
    pull server = new_socket<pull>(in.server_context);
    push client = new_socket<push>(in.client_context);
    bind(server);
    connect(client);
    for (int number = 0; number < 5; ++number)
        REQUIRE(client.send("hello").has_value());
    in.net.run_for(1s);
    CHECK(receive_text(server) == "hello");
    CHECK(server.counters().discarded == 0);
    server.close(0ms);
    CHECK(server.counters().received == 1);
    CHECK(server.counters().discarded == 4);
}

TEST_CASE("what was sent by inproc is not unsent while the other side can receive it")
{
    socket_world in;
    pull server = new_socket<pull>(in.client_context);
    push client = new_socket<push>(in.client_context);
    bind(server, "inproc://here");
    connect(client, "inproc://here");
    REQUIRE(client.send("hello").has_value());
    SUBCASE("which stays")
    {
        const close_report told = client.close(1s);
        CHECK(flushed(told) == 1);
        CHECK(told.unsent() == 0);
        CHECK(client.counters().unsent == 0);
        CHECK(receive_text(server) == "hello");
    }
    SUBCASE("which has gone")
    {
        server.close(0ms);
        CHECK(server.counters().discarded == 1);
        CHECK(client.close(1s).peers.empty());
    }
    CHECK(client.counters().queued_total == 1);
}
