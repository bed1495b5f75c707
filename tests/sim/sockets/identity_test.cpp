// SPDX-License-Identifier: MPL-2.0

// A ROUTER that connects: each connection may bring another peer, known by its own routing id.

#include "sim/sockets/simulated_sockets.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

struct received_message {
    peer_id from;
    std::string text = "nothing";
};

received_message receive_routed(router& at, const timeout& limit = 10s)
{
    received_message received;
    message into;
    if (at.receive(received.from, into, limit))
        received.text = into.text();
    return received;
}

/// A DEALER of this name at the server's address, which says hello.
dealer dealer_at_server(socket_world& in, const char* name)
{
    dealer made = new_socket<dealer>(in.server_context, dealer_called(name));
    bind(made);
    return made;
}

received_message hello_of(dealer& from, router& at)
{
    must(from.send("hello", 10s));
    return receive_routed(at);
}

/// Ends the server, and waits until the client has noticed.
void end_server(socket_world& in, dealer& server, router& client)
{
    server.close(0ms);
    REQUIRE(in.until([&] { return ready_peers(client) == 0; }));
}

} // namespace

TEST_CASE("a ROUTER that connects knows another peer at the same address by that one's routing id")
{
    socket_world in;
    router client = new_socket<router>(in.client_context);
    connect(client);
    dealer alpha = dealer_at_server(in, "ALPHA");
    const peer_id first = hello_of(alpha, client).from;
    CHECK(first.routing_id == "ALPHA");
    end_server(in, alpha, client);
    for (const char* const text : {"1", "2", "3"})
        REQUIRE(client.send({"ALPHA"}, text, no_wait));

    dealer beta = dealer_at_server(in, "BETA");
    const received_message hello = hello_of(beta, client);
    CHECK(hello.from.routing_id == "BETA");
    CHECK(hello.from.generation > first.generation);
    CHECK(client.counters().unsent == 3);
    CHECK(client.send({"ALPHA"}, "x", no_wait).error() == errc::no_route);
    CHECK(client.send(first, "x", no_wait).error() == errc::no_route);
    CHECK(client.peers().size() == 1);
    REQUIRE(client.send({"BETA"}, "for BETA", no_wait));
    CHECK(receive_text(beta) == "for BETA");
}

TEST_CASE(
    "messages for a peer that comes back at the same address wait for it, and keep their order")
{
    for (const bool immediate : {false, true}) {
        CAPTURE(immediate);
        socket_world in;
        router_options options;
        options.immediate = immediate;
        router client = new_socket<router>(in.client_context, options);
        connect(client);
        dealer alpha = dealer_at_server(in, "ALPHA");
        const peer_id first = hello_of(alpha, client).from;
        end_server(in, alpha, client);
        if (immediate)
            CHECK(client.send({"ALPHA"}, "x", no_wait).error() == errc::no_route);
        else
            for (const char* const text : {"1", "2", "3"})
                REQUIRE(client.send({"ALPHA"}, text, no_wait));

        dealer again = dealer_at_server(in, "ALPHA");
        const peer_id second = hello_of(again, client).from;
        CHECK(second.routing_id == "ALPHA");
        CHECK(second.generation > first.generation);
        CHECK(client.send(first, "x", no_wait).error() == errc::peer_replaced);
        CHECK(client.disconnect_peer(first).error() == errc::peer_replaced);
        CHECK(client.has_room(first).error() == errc::peer_replaced);
        REQUIRE(client.send(second, "4", no_wait));
        if (!immediate)
            for (const char* const text : {"1", "2", "3"})
                CHECK(receive_text(again) == text);
        CHECK(receive_text(again) == "4");
        CHECK(client.counters().unsent == 0);
        CHECK(client.peers().at(0).connections == 2);
    }
}

TEST_CASE("what an earlier peer of a link has sent is received as its own, and first")
{
    socket_world in;
    router client = new_socket<router>(in.client_context);
    connect(client);
    dealer alpha = dealer_at_server(in, "ALPHA");
    const peer_id first = hello_of(alpha, client).from;
    REQUIRE(alpha.send("unread 1", 1s));
    REQUIRE(alpha.send("unread 2", 1s));
    in.net.run_for(1s);
    end_server(in, alpha, client);
    dealer beta = dealer_at_server(in, "BETA");
    REQUIRE(beta.send("of BETA", 10s));
    in.run_with_calls(client, 10s);
    const received_message one = receive_routed(client), two = receive_routed(client);
    CHECK(one.text == "unread 1");
    CHECK(one.from == first);
    CHECK(two.text == "unread 2");
    CHECK(two.from == first);
    const received_message last = receive_routed(client);
    CHECK(last.text == "of BETA");
    CHECK(last.from.routing_id == "BETA");
    CHECK(client.counters().discarded == 0);
}

TEST_CASE("a peer without a routing id keeps the one that a connecting ROUTER has made")
{
    socket_world in;
    router client = new_socket<router>(in.client_context);
    connect(client);
    dealer first = dealer_at_server(in, "");
    const peer_id made = hello_of(first, client).from;
    CHECK(made.routing_id.size() == 5);
    end_server(in, first, client);
    REQUIRE(client.send({made.routing_id}, "waits", no_wait));
    dealer second = dealer_at_server(in, "");
    in.run_with_calls(client, 10s); // the queue goes to the new connection
    CHECK(receive_text(second, 10s) == "waits");
    CHECK(hello_of(second, client).from.routing_id == made.routing_id);
    end_server(in, second, client);
    dealer named = dealer_at_server(in, "NAMED");
    CHECK(hello_of(named, client).from.routing_id == "NAMED");
    CHECK(client.send({made.routing_id}, "x", no_wait).error() == errc::no_route);
}

TEST_CASE("a name that connect() gives stays, whichever peer answers at the address")
{
    socket_world in;
    router client = new_socket<router>(in.client_context);
    connect(client, "tcp://10.0.0.1:5000", {.routing_id = "server"});
    dealer alpha = dealer_at_server(in, "ALPHA");
    CHECK(hello_of(alpha, client).from.routing_id == "server");
    end_server(in, alpha, client);
    REQUIRE(client.send({"server"}, "waits", no_wait));
    dealer beta = dealer_at_server(in, "BETA");
    CHECK(receive_text(beta, 10s) == "waits");
    CHECK(hello_of(beta, client).from.routing_id == "server");
    CHECK(client.counters().unsent == 0);
}

TEST_CASE("a DEALER shows the routing id of the peer that it is connected to now")
{
    socket_world in;
    dealer client = new_socket<dealer>(in.client_context);
    connect(client);
    for (const char* const name : {"ALPHA", "BETA"}) {
        dealer server = dealer_at_server(in, name);
        REQUIRE(in.until([&] { return status_of(client).ready; }, 10s));
        CHECK(client.peers().at(0).routing_id == name);
        server.close(0ms);
        REQUIRE(in.until([&] { return !status_of(client).ready; }));
    }
}

TEST_CASE("what was queued for a displaced peer is not sent to the one that has its routing id")
{
    socket_world in;
    router_options options;
    options.handover = true;
    router server = new_socket<router>(in.server_context, options);
    bind(server);
    // The first client does not read: what is sent to it stays in the queue.
    dealer_options small = dealer_called("a");
    small.receive_high_water_mark = 1;
    small.reconnect.base = reconnect_never;
    small.tuning.receive_buffer = 4096;
    dealer one = new_socket<dealer>(in.client_context, small);
    connect(one);
    REQUIRE(one.send("hello", 1s));
    const peer_id first = receive_routed(server).from;
    const std::string large(100'000, 'x');
    for (int number = 0; number < 20; ++number)
        REQUIRE(server.send(first, large, no_wait));
    in.net.run_for(1s);
    dealer two = new_socket<dealer>(in.client_context, dealer_called("a"));
    connect(two);
    REQUIRE(two.send("hello", 1s));
    const peer_id second = receive_routed(server).from;
    CHECK(server.send(first, "x", no_wait).error() == errc::peer_replaced);
    REQUIRE(server.send(second, "for the second", no_wait));
    CHECK(receive_text(two) == "for the second");
    in.run_with_calls(server, 1s);
    CHECK(server.counters().unsent > 0);
}
