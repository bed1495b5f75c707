// SPDX-License-Identifier: MPL-2.0

// A ROUTER and its peers: names, generations, notices.

#include "sim/sockets/simulated_sockets.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

dealer_options called(const char* name)
{
    dealer_options options;
    options.routing_id = name;
    return options;
}

struct heard {
    peer_id from;
    router_event what = router_event::message;
    std::string text;
};

/// Nothing: "nothing".
heard listen(router& at, const timeout& limit = 1s)
{
    heard told;
    message into;
    const auto what = at.receive(told.from, into, limit);
    if (what)
        told.what = *what;
    told.text = what ? std::string(into.text()) : "nothing";
    return told;
}

/// The generation of the only peer that is ready; 0: there is none.
std::uint64_t first_route(router& at)
{
    std::uint64_t found = 0;
    for (const peer_status& each : at.peers())
        if (each.ready)
            found = each.generation;
    return found;
}

} // namespace

TEST_CASE("a notice does not come between the parts of a message")
{
    socket_world in;
    router_options options;
    options.notify_connect = true;
    router server = new_socket<router>(in.server_context, options);
    bind(server);
    dealer client = new_socket<dealer>(in.client_context, called("a"));
    connect(client);
    multipart letter;
    REQUIRE(letter.add("one").has_value());
    REQUIRE(letter.add("two").has_value());
    REQUIRE(client.send(std::move(letter)).has_value());
    CHECK(listen(server).what == router_event::connected);
    const heard first = listen(server);
    CHECK(first.text == "one");
    dealer other = new_socket<dealer>(in.client_context, called("b"));
    connect(other);
    in.net.run_for(1s);
    const heard second = listen(server);
    CHECK(second.what == router_event::message);
    CHECK(second.text == "two");
    CHECK(second.from == first.from);
    CHECK(listen(server).what == router_event::connected);
}

TEST_CASE("a ROUTER that is asked to tells who comes and who goes")
{
    socket_world in;
    router_options options;
    options.notify_connect = true;
    options.notify_disconnect = true;
    router server = new_socket<router>(in.server_context, options);
    bind(server);
    dealer client = new_socket<dealer>(in.client_context, called("a"));
    connect(client);
    const heard came = listen(server);
    CHECK(came.what == router_event::connected);
    CHECK(came.from.routing_id == "a");
    CHECK(came.text.empty());
    REQUIRE(client.send("last words").has_value());
    client.close(1s);
    // His end is told of behind what he has said.
    CHECK(listen(server).text == "last words");
    const heard went = listen(server);
    CHECK(went.what == router_event::disconnected);
    CHECK(went.from == came.from);
    CHECK(listen(server).text == "nothing");
    server.set_notify(false, false);
    dealer other = new_socket<dealer>(in.client_context, called("a"));
    connect(other);
    REQUIRE(other.send("hello").has_value());
    const heard first = listen(server);
    CHECK(first.text == "hello");
    CHECK(first.from.generation == came.from.generation + 1);
}

TEST_CASE("a routing id that is taken is his who had it first, until he goes")
{
    socket_world in;
    router server = new_socket<router>(in.server_context);
    bind(server);
    dealer one = new_socket<dealer>(in.client_context, called("a"));
    connect(one);
    REQUIRE(one.send("of one").has_value());
    const heard first = listen(server);
    CHECK(first.text == "of one");
    dealer two = new_socket<dealer>(in.client_context, called("a"));
    connect(two);
    in.run_with_calls(server, 10s);
    CHECK(server.counters().rejected > 2);
    // It has to wait longer and longer.
    CHECK(server.counters().rejected < 12);
    CHECK(server.send({"a"}, "to one").has_value());
    CHECK(receive_text(one) == "to one");
    CHECK(ready_peers(server) == 1);
    one.close(0ms);
    REQUIRE(in.until([&] { return first_route(server) > first.from.generation; }, 10s));
    REQUIRE(two.send("of two").has_value());
    CHECK(listen(server).text == "of two");
    CHECK(server.send(first.from, "to one").error() == errc::no_route);
}

TEST_CASE("with handover a newcomer takes the routing id, and what the other had said is gone")
{
    socket_world in;
    router_options options;
    options.handover = true;
    options.notify_connect = true;
    options.notify_disconnect = true;
    router server = new_socket<router>(in.server_context, options);
    bind(server);
    dealer one = new_socket<dealer>(in.client_context, called("a"));
    connect(one);
    const heard came = listen(server);
    REQUIRE(one.send("unread").has_value());
    REQUIRE(server.send({"a"}, "on its way").has_value());
    in.net.run_for(1s);
    dealer two = new_socket<dealer>(in.client_context, called("a"));
    connect(two);
    REQUIRE(in.until([&] { return server.peers().size() == 1 && first_route(server) > 1; }));
    CHECK(in.until([&] { return !status_of(one).ready; }, 10ms));
    const heard went = listen(server, no_wait);
    CHECK(went.what == router_event::disconnected);
    CHECK(went.from == came.from);
    const heard newcomer = listen(server, no_wait);
    CHECK(newcomer.what == router_event::connected);
    CHECK(newcomer.from == peer_id{"a", came.from.generation + 1});
    CHECK(server.counters().discarded == 1);
    CHECK(server.counters().unsent == 0);
    CHECK(server.send(came.from, "to one").error() == errc::no_route);
    CHECK(server.send(newcomer.from, "to two").has_value());
    CHECK(receive_text(two) == "to two");
}

TEST_CASE("a ROUTER can send by the name that connect() gives, at once or when the peer is ready")
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
        dealer server = new_socket<dealer>(in.server_context, called("another name"));
        bind(server);
        CHECK(receive_text(server) == "hello");
        REQUIRE(server.send("back").has_value());
        CHECK(listen(client).from.routing_id == "peer");
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
