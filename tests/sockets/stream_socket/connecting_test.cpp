// SPDX-License-Identifier: MPL-2.0
#include <serverlink/dealer.hpp>

#include "sockets/stream_socket/stream_rig.hpp"

#include <doctest/doctest.h>

using namespace slk;
using namespace slk::testing;

TEST_CASE("two STREAMs exchange bytes")
{
    for (const int threads : {0, 1}) {
        for (const std::string& where : stream_endpoints()) {
            CAPTURE(threads);
            CAPTURE(where);
            context in = new_context(threads);
            auto server = new_socket<stream_socket>(in);
            auto client = new_socket<stream_socket>(in);
            (void)bind_and_connect(server, client, where);
            const peer_id to_server = new_peer(client);
            const peer_id to_client = new_peer(server);
            const std::string much = patterned_text(400'000);
            must(client.send(to_server, much));
            CHECK(read(server, to_client, much.size()) == much);
            must(server.send(to_client, "answer"));
            must(server.send(to_client, ""));
            CHECK(read(client, to_server, 6) == "answer");
            CHECK(next(client).what == router_event::disconnected);
        }
    }
}

TEST_CASE("a STREAM's peer of connect() has the name that was given")
{
    context in = new_context();
    loop on = new_peer_loop();
    stream_peer server(on, any_tcp, true);
    auto client = new_socket<stream_socket>(in);
    must(client.connect(server.endpoint(), {.routing_id = "web"}));
    CHECK(client.connect(server.endpoint(), {.routing_id = "web"}).error() ==
          errc::invalid_argument);
    REQUIRE(server.is_connected());
    const peer_id id = new_peer(client);
    CHECK(id.routing_id == "web");
    must(client.send({"web"}, "GET"));
    REQUIRE(server.run_until([&] { return server.received() == "GET"; }));
    must(client.disconnect(server.endpoint()));
    must(client.connect(server.endpoint(), {.routing_id = "web"}));
}

TEST_CASE("a name given to a STREAM's peer is free when the endpoint is taken back unconnected")
{
    context in = new_context();
    auto client = new_socket<stream_socket>(in);
    const std::string nowhere = "tcp://127.0.0.1:1";
    must(client.connect(nowhere, {.routing_id = "web"}));
    must(client.send({"web"}, "x"));
    CHECK(must(client.disconnect(nowhere)).unsent() == 1);
    CHECK(client.send({"web"}, "x").error() == errc::no_route);
    must(client.connect(nowhere, {.routing_id = "web"}));
}

TEST_CASE("a STREAM's peer of connect() gets what was sent before it was connected")
{
    for (const int threads : {0, 1}) {
        for (const char* const name : {"", "web"}) {
            for (const std::string& where : stream_endpoints()) {
                CAPTURE(threads);
                CAPTURE(name);
                CAPTURE(where);
                context in = new_context(threads);
                auto server = new_socket<stream_socket>(in);
                auto client = new_socket<stream_socket>(in, reconnect_at_once());
                const std::string bound = must(server.bind(where));
                must(client.connect(bound, {.routing_id = name}));
                const peer_id id = must(client.peer_at(bound));
                CHECK((*name == '\0' || id.routing_id == name));
                const std::string much = patterned_text(200'000);
                must(client.send(id, much));
                must(client.send(id, "end"));
                const peer_id first = new_peer(server);
                CHECK(read(server, first, much.size() + 3) == much + "end");
                CHECK(new_peer(client).routing_id == id.routing_id);
                must(server.send(first, ""));
                CHECK(next(client).what == router_event::disconnected);
                const peer_id again = new_peer(client);
                CHECK(again.routing_id == id.routing_id);
                CHECK(must(client.peer_at(bound)).generation == again.generation);
                must(client.send(again, "anew"));
                CHECK(read(server, new_peer(server), 4) == "anew");
            }
        }
    }
}

TEST_CASE("a STREAM's peer that is closed before it was connected does not connect any more")
{
    context in = new_context();
    auto client = new_socket<stream_socket>(in);
    const std::string nowhere = "tcp://127.0.0.1:1";
    must(client.connect(nowhere));
    const peer_id id = must(client.peer_at(nowhere));
    must(client.send(id, "x"));
    must(client.close_peer(id));
    CHECK(client.send(id, "x").error() == errc::no_route);
    CHECK(until([&] { return !client.peer_at(nowhere).has_value(); }));
    CHECK(client.counters().unsent == 1);
}

TEST_CASE("a STREAM's peer is known before it is connected, but with the option immediate")
{
    context in = new_context();
    loop on = new_peer_loop();
    stream_peer server(on, any_tcp, true);
    stream_options options;
    options.immediate = true;
    auto client = new_socket<stream_socket>(in, options);
    const std::string nowhere = "tcp://127.0.0.1:1";
    CHECK(client.peer_at(nowhere).error() == errc::invalid_argument);
    must(client.connect(nowhere));
    CHECK(client.peer_at(nowhere).error() == errc::no_route);
    must(client.connect("tcp://127.0.0.1:2", {.routing_id = "nobody"}));
    CHECK(client.send({"nobody"}, "x").error() == errc::no_route);
    must(client.connect(server.endpoint(), {.routing_id = "web"}));
    REQUIRE(server.is_connected());
    const peer_id id = new_peer(client);
    CHECK(id.routing_id == "web");
    must(client.send(id, "GET"));
    REQUIRE(server.run_until([&] { return server.received() == "GET"; }));
}

TEST_CASE("a STREAM's peer of connect() comes again under its routing id, and gets nothing old")
{
    for (const char* const name : {"", "web"}) {
        CAPTURE(name);
        context in = new_context();
        loop on = new_peer_loop();
        auto server = new_socket<stream_socket>(in);
        const std::string bound = must(server.bind(any_tcp));
        auto client = new_socket<stream_socket>(in, reconnect_at_once());
        must(client.connect(bound, {.routing_id = name}));
        const peer_id id = new_peer(client);
        const peer_id first = new_peer(server);
        must(server.send(first, "first"));
        must(server.send(first, ""));
        CHECK(read(client, id, 5) == "first");
        CHECK(next(client).what == router_event::disconnected);
        const peer_id again = new_peer(client);
        CHECK(again.routing_id == id.routing_id);
        CHECK(again.generation > id.generation);
        CHECK(client.send(id, "late").error() == errc::peer_replaced);
        const peer_id second = new_peer(server);
        CHECK(second.routing_id != first.routing_id);
        must(client.send(again, "new"));
        CHECK(read(server, second, 3) == "new");
        must(server.send(second, "second"));
        CHECK(read(client, again, 6) == "second");
    }
}

TEST_CASE("a STREAM can speak ZMTP with a DEALER")
{
    context in = new_context();
    auto raw = new_socket<stream_socket>(in);
    const std::string bound = must(raw.bind(any_tcp));
    auto peer = new_socket<dealer>(in);
    must(peer.connect(bound));
    const peer_id id = new_peer(raw);
    must(raw.send(id, zmtp_greeting() + zmtp_ready("DEALER")));
    std::string got;
    while (got.find("Identity") == std::string::npos)
        got += next(raw).bytes;
    must(raw.send(id, short_frame("hello", false)));
    CHECK(receive_text(peer) == "hello");
    must(peer.send("back"));
    while (got.find("back") == std::string::npos)
        got += next(raw).bytes;
}
