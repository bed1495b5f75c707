// SPDX-License-Identifier: MPL-2.0

// A ROUTER and its peers: routing ids, generations, events.

#include "sim/sockets/simulated_sockets.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

dealer_options with_routing_id(const char* name)
{
    dealer_options options;
    options.routing_id = name;
    return options;
}

struct received_event {
    peer_id from;
    router_event event = router_event::message;
    std::string text;
};

/// Returns the text "nothing" if nothing was received.
received_event receive_event(router& at, const timeout& limit = 1s)
{
    received_event received;
    message into;
    const auto event = at.receive(received.from, into, limit);
    if (event)
        received.event = *event;
    received.text = event ? std::string(into.text()) : "nothing";
    return received;
}

/// Returns the generation of the only ready peer, or 0.
std::uint64_t ready_generation(router& at)
{
    std::uint64_t found = 0;
    for (const peer_status& each : at.peers())
        if (each.ready)
            found = each.generation;
    return found;
}

} // namespace

TEST_CASE("a router event does not come between the parts of a message")
{
    socket_world in;
    router_options options;
    options.notify_connect = true;
    router server = new_socket<router>(in.server_context, options);
    bind(server);
    dealer client = new_socket<dealer>(in.client_context, with_routing_id("a"));
    connect(client);
    multipart whole;
    REQUIRE(whole.add("one").has_value());
    REQUIRE(whole.add("two").has_value());
    REQUIRE(client.send(std::move(whole)).has_value());
    CHECK(receive_event(server).event == router_event::connected);
    const received_event first = receive_event(server);
    CHECK(first.text == "one");
    dealer other = new_socket<dealer>(in.client_context, with_routing_id("b"));
    connect(other);
    in.net.run_for(1s);
    const received_event second = receive_event(server);
    CHECK(second.event == router_event::message);
    CHECK(second.text == "two");
    CHECK(second.from == first.from);
    CHECK(receive_event(server).event == router_event::connected);
}

TEST_CASE("a ROUTER with notify options reports peers that connect and disconnect")
{
    socket_world in;
    router_options options;
    options.notify_connect = true;
    options.notify_disconnect = true;
    router server = new_socket<router>(in.server_context, options);
    bind(server);
    dealer client = new_socket<dealer>(in.client_context, with_routing_id("a"));
    connect(client);
    const received_event came = receive_event(server);
    CHECK(came.event == router_event::connected);
    CHECK(came.from.routing_id == "a");
    CHECK(came.text.empty());
    REQUIRE(client.send("last message").has_value());
    client.close(1s);
    // The event comes after the messages of the peer.
    CHECK(receive_event(server).text == "last message");
    const received_event went = receive_event(server);
    CHECK(went.event == router_event::disconnected);
    CHECK(went.from == came.from);
    CHECK(receive_event(server).text == "nothing");
    must(server.set_notify(false, false));
    dealer other = new_socket<dealer>(in.client_context, with_routing_id("a"));
    connect(other);
    REQUIRE(other.send("hello").has_value());
    const received_event first = receive_event(server);
    CHECK(first.text == "hello");
    CHECK(first.from.generation == came.from.generation + 1);
}

TEST_CASE("a routing id belongs to the first peer that has it until that peer closes")
{
    socket_world in;
    router server = new_socket<router>(in.server_context);
    bind(server);
    dealer one = new_socket<dealer>(in.client_context, with_routing_id("a"));
    connect(one);
    REQUIRE(one.send("of one").has_value());
    const received_event first = receive_event(server);
    CHECK(first.text == "of one");
    dealer two = new_socket<dealer>(in.client_context, with_routing_id("a"));
    connect(two);
    in.run_with_calls(server, 20s);
    CHECK(server.counters().rejected > 2);
    // It is retried slowly.
    CHECK(server.counters().rejected < 10);
    CHECK(server.send({"a"}, "to one").has_value());
    CHECK(receive_text(one) == "to one");
    CHECK(ready_peers(server) == 1);
    one.close(0ms);
    REQUIRE(in.until([&] { return ready_generation(server) > first.from.generation; }, 10s));
    REQUIRE(two.send("of two").has_value());
    CHECK(receive_event(server).text == "of two");
    CHECK(server.send(first.from, "to one").error() == errc::peer_replaced);
}

TEST_CASE("with handover a new peer takes the routing id, and unread messages of the old one are "
          "discarded")
{
    socket_world in;
    router_options options;
    options.handover = true;
    options.notify_connect = true;
    options.notify_disconnect = true;
    router server = new_socket<router>(in.server_context, options);
    bind(server);
    dealer one = new_socket<dealer>(in.client_context, with_routing_id("a"));
    connect(one);
    const received_event came = receive_event(server);
    REQUIRE(one.send("unread").has_value());
    REQUIRE(server.send({"a"}, "on its way").has_value());
    in.net.run_for(1s);
    dealer two = new_socket<dealer>(in.client_context, with_routing_id("a"));
    connect(two);
    REQUIRE(in.until([&] { return server.peers().size() == 1 && ready_generation(server) > 1; }));
    CHECK(in.until([&] { return !status_of(one).ready; }, 10ms));
    const received_event went = receive_event(server, no_wait);
    CHECK(went.event == router_event::disconnected);
    CHECK(went.from == came.from);
    const received_event second = receive_event(server, no_wait);
    CHECK(second.event == router_event::connected);
    CHECK(second.from == peer_id{"a", came.from.generation + 1});
    CHECK(server.counters().discarded == 1);
    CHECK(server.counters().unsent == 0);
    CHECK(server.send(came.from, "to one").error() == errc::peer_replaced);
    CHECK(server.send(second.from, "to two").has_value());
    CHECK(receive_text(two) == "to two");
}

TEST_CASE(
    "a ROUTER can send to the routing id that connect() gives, at once or when the peer is ready")
{
    socket_world in;
    router_options options;
    SUBCASE("at once")
    {
        router client = new_socket<router>(in.client_context, options);
        connect(client, "tcp://10.0.0.1:5000", {.routing_id = "peer"});
        CHECK(client.send({"peer"}, "hello", no_wait).has_value());
        CHECK(client.connect("tcp://10.0.0.1:5001", {.routing_id = "peer"}).error() ==
              errc::invalid_argument);
        dealer server = new_socket<dealer>(in.server_context, with_routing_id("another name"));
        bind(server);
        CHECK(receive_text(server) == "hello");
        REQUIRE(server.send("back").has_value());
        CHECK(receive_event(client).from.routing_id == "peer");
    }
    SUBCASE("only when ready")
    {
        options.immediate = true;
        router client = new_socket<router>(in.client_context, options);
        connect(client, "tcp://10.0.0.1:5000", {.routing_id = "peer"});
        CHECK(client.send({"peer"}, "too early", no_wait).error() == errc::no_route);
        CHECK(client.connect("tcp://10.0.0.1:5001", {.routing_id = "peer"}).error() ==
              errc::invalid_argument);
        dealer server = new_socket<dealer>(in.server_context);
        bind(server);
        REQUIRE(client.wait_ready(10s).has_value());
        CHECK(client.send({"peer"}, "hello", no_wait).has_value());
        CHECK(receive_text(server) == "hello");
        server.close(0ms);
        REQUIRE(in.until([&] { return !status_of(client).ready; }));
        CHECK(client.send({"peer"}, "too late", no_wait).error() == errc::no_route);
    }
}
