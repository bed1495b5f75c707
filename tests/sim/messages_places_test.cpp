// SPDX-License-Identifier: MPL-2.0

// Whom a message may be queued for: peers who are ready, and the one peer of a PAIR.

#include "sim/messages_rig.hpp"

using namespace slk;
using namespace slk::sim_tests;

namespace {

socket_options ready_only()
{
    socket_options options;
    options.immediate = true;
    return options;
}

} // namespace

TEST_CASE("with immediate nothing is queued for a peer who is not there")
{
    messages_world in;
    push client = make<push>(in.client_side, ready_only());
    connect(client, "tcp://10.0.0.1:5000");
    connect(client, "tcp://10.0.0.1:5001");
    CHECK(client.send("too early", no_wait).error() == errc::would_block);
    CHECK(client.send("too early", 1s).error() == errc::timed_out);
    pull one = make<pull>(in.server_side);
    bind(one, "tcp://10.0.0.1:5000");
    // It waits for him, and then all goes to him.
    REQUIRE(client.send("0", 10s).has_value());
    for (const char* const text : {"1", "2", "3"})
        REQUIRE(client.send(text, no_wait).has_value());
    for (const char* const text : {"0", "1", "2", "3"})
        CHECK(next(one) == text);
    REQUIRE(one.unbind(one.last_endpoint()).has_value());
    REQUIRE(in.until([&] { return !first(client).ready; }));
    CHECK(client.send("too late", no_wait).error() == errc::would_block);
    bind(one, "tcp://10.0.0.1:5000");
    REQUIRE(client.send("4", 10s).has_value());
    CHECK(next(one) == "4");
    CHECK(client.counters().queued_total == 5);
    CHECK(client.counters().unsent == 0);
}

TEST_CASE("without immediate a peer's queue takes its mark and no more before he is there")
{
    messages_world in;
    socket_options options;
    options.send_high_water_mark = 10;
    push client = make<push>(in.client_side, options);
    connect(client);
    for (int number = 0; number < 10; ++number)
        REQUIRE(client.send(std::to_string(number), no_wait).has_value());
    CHECK(client.send("10", no_wait).error() == errc::would_block);
    connect(client, "tcp://10.0.0.1:5001");
    for (int number = 10; number < 20; ++number)
        REQUIRE(client.send(std::to_string(number), no_wait).has_value());
    CHECK(client.send("20", no_wait).error() == errc::would_block);
    pull server = make<pull>(in.server_side);
    bind(server);
    for (int number = 0; number < 10; ++number)
        CHECK(next(server, 10s) == std::to_string(number));
}

TEST_CASE("a second peer of a PAIR is turned away, and comes again when the first has gone")
{
    messages_world in;
    slk::pair server = make<slk::pair>(in.server_side);
    bind(server);
    slk::pair one = make<slk::pair>(in.client_side);
    connect(one);
    REQUIRE(in.until([&] { return first(one).ready && ready_peers(server) == 1; }));
    slk::pair two = make<slk::pair>(in.client_side);
    connect(two);
    REQUIRE(two.send("of two").has_value());
    attend(in, server, 10s);
    CHECK(server.counters().rejected > 2);
    CHECK(server.counters().rejected < 12);
    CHECK(ready_peers(server) == 1);
    CHECK(next(server, no_wait) == "would_block");
    REQUIRE(one.send("of one").has_value());
    CHECK(next(server) == "of one");
    REQUIRE(server.send("to one").has_value());
    CHECK(next(one) == "to one");
    one.close(0ms);
    REQUIRE(in.until([&] { return first(two).ready && ready_peers(server) == 1; }, 10s));
    in.net.run_for(1s);
    REQUIRE(two.send("again of two").has_value());
    CHECK(next(server) == "again of two");
}

TEST_CASE("a PAIR that has a peer refuses another connect(), and keeps the one that it has")
{
    messages_world in;
    slk::pair server = make<slk::pair>(in.server_side);
    bind(server);
    slk::pair client = make<slk::pair>(in.client_side);
    connect(client);
    REQUIRE(in.until([&] { return first(client).ready; }));
    CHECK(client.connect("tcp://10.0.0.1:5000").error() == errc::address_in_use);
    CHECK(client.endpoints().size() == 1);
    REQUIRE(client.send("hello").has_value());
    CHECK(next(server) == "hello");
    CHECK(first(client).link.generation == 1);
}

TEST_CASE("a PAIR whose place was taken meanwhile waits until it is free")
{
    messages_world in;
    // It connects, and is bound as well.
    slk::pair client = make<slk::pair>(in.client_side, ready_only());
    slk::pair server = make<slk::pair>(in.server_side);
    bind(server);
    connect(client);
    bind(client, "tcp://10.0.0.2:6000");
    REQUIRE(in.until([&] { return first(client).ready && ready_peers(server) == 1; }));
    REQUIRE(server.unbind(server.last_endpoint()).has_value());
    REQUIRE(in.until([&] { return !first(client).ready; }));
    slk::pair guest = make<slk::pair>(in.server_side);
    connect(guest, "tcp://10.0.0.2:6000");
    REQUIRE(in.until([&] { return ready_peers(client) == 1; }));
    bind(server);
    attend(in, client, 10s);
    CHECK(client.counters().rejected > 0);
    CHECK(ready_peers(client) == 1);
    REQUIRE(client.send("to the guest").has_value());
    CHECK(next(guest) == "to the guest");
    guest.close(0ms);
    REQUIRE(in.until([&] { return first(client).ready && ready_peers(server) == 1; }, 10s));
    in.net.run_for(1s);
    REQUIRE(client.send("to the server", no_wait).has_value());
    CHECK(next(server) == "to the server");
}
