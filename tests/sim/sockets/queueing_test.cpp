// SPDX-License-Identifier: MPL-2.0

// Which peers messages are queued for: ready ones, absent ones, and the only peer of a PAIR.

#include "sim/sockets/simulated_sockets.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

socket_options with_immediate()
{
    socket_options options;
    options.immediate = true;
    return options;
}

} // namespace

TEST_CASE("with immediate nothing is queued for a peer that is not ready")
{
    socket_world in;
    push client = new_socket<push>(in.client_context, with_immediate());
    connect(client, "tcp://10.0.0.1:5000");
    connect(client, "tcp://10.0.0.1:5001");
    CHECK(client.send("too early", no_wait).error() == errc::would_block);
    CHECK(client.send("too early", 1s).error() == errc::timed_out);
    pull one = new_socket<pull>(in.server_context);
    bind(one, "tcp://10.0.0.1:5000");
    // The send waits for the peer, and all messages go to it.
    REQUIRE(client.send("0", 10s).has_value());
    for (const char* const text : {"1", "2", "3"})
        REQUIRE(client.send(text, no_wait).has_value());
    for (const char* const text : {"0", "1", "2", "3"})
        CHECK(receive_text(one) == text);
    REQUIRE(one.unbind(one.last_endpoint()).has_value());
    REQUIRE(in.until([&] { return !status_of(client).ready; }));
    CHECK(client.send("too late", no_wait).error() == errc::would_block);
    bind(one, "tcp://10.0.0.1:5000");
    REQUIRE(client.send("4", 10s).has_value());
    CHECK(receive_text(one) == "4");
    CHECK(client.counters().queued_total == 5);
    CHECK(client.counters().unsent == 0);
}

TEST_CASE("without immediate an absent peer has a queue up to the send high-water mark")
{
    socket_world in;
    socket_options options;
    options.send_high_water_mark = 10;
    push client = new_socket<push>(in.client_context, options);
    connect(client);
    for (int number = 0; number < 10; ++number)
        REQUIRE(client.send(std::to_string(number), no_wait).has_value());
    CHECK(client.send("10", no_wait).error() == errc::would_block);
    connect(client, "tcp://10.0.0.1:5001");
    for (int number = 10; number < 20; ++number)
        REQUIRE(client.send(std::to_string(number), no_wait).has_value());
    CHECK(client.send("20", no_wait).error() == errc::would_block);
    pull server = new_socket<pull>(in.server_context);
    bind(server);
    for (int number = 0; number < 10; ++number)
        CHECK(receive_text(server, 10s) == std::to_string(number));
}

TEST_CASE("a second peer of a PAIR is rejected, and admitted when the first has closed")
{
    socket_world in;
    pair server = new_socket<pair>(in.server_context);
    bind(server);
    pair one = new_socket<pair>(in.client_context);
    connect(one);
    REQUIRE(in.until([&] { return status_of(one).ready && ready_peers(server) == 1; }));
    pair two = new_socket<pair>(in.client_context);
    connect(two);
    REQUIRE(two.send("of two").has_value());
    in.run_with_calls(server, 20s);
    CHECK(server.counters().rejected > 2);
    CHECK(server.counters().rejected < 10);
    CHECK(ready_peers(server) == 1);
    CHECK(receive_text(server, no_wait) == "(would_block)");
    REQUIRE(one.send("of one").has_value());
    CHECK(receive_text(server) == "of one");
    REQUIRE(server.send("to one").has_value());
    CHECK(receive_text(one) == "to one");
    one.close(0ms);
    REQUIRE(in.until([&] { return status_of(two).ready && ready_peers(server) == 1; }, 10s));
    REQUIRE(two.send("again of two").has_value());
    CHECK(receive_text(server) == "of two");
    CHECK(receive_text(server) == "again of two");
}

TEST_CASE("a PAIR with a peer refuses another connect(), and keeps its peer")
{
    socket_world in;
    pair server = new_socket<pair>(in.server_context);
    bind(server);
    pair client = new_socket<pair>(in.client_context);
    connect(client);
    REQUIRE(in.until([&] { return status_of(client).ready; }));
    CHECK(client.connect("tcp://10.0.0.1:5000").error() == errc::address_in_use);
    CHECK(client.endpoints().size() == 1);
    REQUIRE(client.send("hello").has_value());
    CHECK(receive_text(server) == "hello");
    CHECK(status_of(client).link.generation == 1);
}
