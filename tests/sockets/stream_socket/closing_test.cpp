// SPDX-License-Identifier: MPL-2.0
#include "sockets/stream_socket/stream_rig.hpp"

#include <serverlink/metrics.hpp>

#include <doctest/doctest.h>

#include <thread>

using namespace slk;
using namespace slk::testing;

TEST_CASE("an empty message closes a STREAM's peer behind what was queued for it")
{
    for (const std::string& where : stream_endpoints()) {
        CAPTURE(where);
        context in = new_context();
        auto server = new_socket<stream_socket>(in);
        const std::string bound = must(server.bind(where));
        loop on = new_peer_loop();
        stream_peer client(on, bound);
        const peer_id id = new_peer(server);
        const std::string much = patterned_text(3'000'000);
        must(server.send(id, much));
        must(server.send(id, ""));
        CHECK(server.send(id, "late").error() == errc::no_route);
        CHECK(client.is_closed());
        CHECK(client.received() == much);
        client.close();
        CHECK(eventually(on, [&] { return server.peers().empty(); }));
        CHECK(is_quiet(server));
        CHECK(server.counters().unsent == 0);
        CHECK(server.counters().unconfirmed == 0);
    }
}

TEST_CASE("what a STREAM's peer has sent is thrown away when this side closes it")
{
    context in = new_context();
    auto server = new_socket<stream_socket>(in);
    const std::string bound = must(server.bind(any_tcp));
    loop on = new_peer_loop();
    stream_peer client(on, bound);
    const peer_id id = new_peer(server);
    REQUIRE(client.send("unread"));
    CHECK(eventually(on, [&] { return server.events().readable; }));
    must(server.send(id, message()));
    REQUIRE(client.send("more"));
    CHECK(is_quiet(server, 5ms));
    CHECK(client.is_closed());
    CHECK(server.counters().discarded >= 1);
    // Others are not touched.
    stream_peer other(on, bound);
    const peer_id next_id = new_peer(server);
    must(server.send(next_id, "here"));
    CHECK(other.run_until([&] { return other.received() == "here"; }));
}

TEST_CASE("a STREAM that closes its peer of connect() is done with the endpoint")
{
    context in = new_context();
    loop on = new_peer_loop();
    stream_peer server(on, any_tcp, true);
    auto client = new_socket<stream_socket>(in, reconnect_at_once());
    must(client.connect(server.endpoint(), {.routing_id = "server"}));
    CHECK(client.endpoints().size() == 1);
    REQUIRE(server.is_connected());
    const peer_id id = new_peer(client);
    must(client.send(id, "request"));
    must(client.send(id, ""));
    CHECK(server.is_closed());
    CHECK(server.received() == "request");
    server.finish_sending();
    CHECK(eventually(on, [&] { return client.endpoints().empty(); }));
    CHECK(client.peers().empty());
    CHECK(client.disconnect(server.endpoint()).error() == errc::invalid_argument);
    // The name is free.
    must(client.connect(server.endpoint(), {.routing_id = "server"}));
}

TEST_CASE("close() and unbind() of a STREAM let its peers have what is queued")
{
    const std::string much = patterned_text(3'000'000);
    for (const bool unbinds : {false, true}) {
        CAPTURE(unbinds);
        context in = new_context();
        auto server = new_socket<stream_socket>(in);
        const std::string bound = must(server.bind(any_tcp));
        loop on = new_peer_loop();
        stream_peer client(on, bound);
        const peer_id id = new_peer(server);
        must(server.send(id, much));
        close_report report;
        std::thread closes([&] {
            if (unbinds)
                report = server.unbind(bound, 5s).value_or(close_report{});
            else
                report = server.close(5s);
        });
        CHECK(client.is_closed());
        client.close();
        closes.join();
        CHECK(client.received() == much);
        CHECK(report.unsent() == 0);
        CHECK(flushed(report) == 1);
    }
}

TEST_CASE("a STREAM is done with a peer that it closes, whatever that still sends")
{
    for (const bool finishes : {false, true}) {
        CAPTURE(finishes);
        context in = new_context();
        stream_options options;
        options.receive_high_water_mark = 1;
        options.max_chunk_size = 1000;
        options.peer_timeout = 0s;
        auto server = new_socket<stream_socket>(in, options);
        const std::string bound = must(server.bind(any_tcp));
        loop on = new_peer_loop();
        stream_peer client(on, bound);
        const peer_id id = new_peer(server);
        (void)client.send(std::string(300'000, 'x'));
        if (finishes)
            client.close();
        // The mark is used up, and the connection is not read.
        CHECK(eventually(on, [&] { return server.events().readable; }));
        must(server.close_peer(id));
        CHECK(eventually(on, [&] { return must(metrics_of(server)).peers.empty(); }));
        CHECK(is_quiet(server));
    }
}

TEST_CASE(
    "the name of a peer of connect() that a STREAM has closed is free, and nobody waits for it")
{
    context in = new_context();
    auto server = new_socket<stream_socket>(in);
    auto client = new_socket<stream_socket>(in);
    const std::string where = must(server.bind(any_tcp));
    must(client.connect(where, {.routing_id = "web"}));
    CHECK(next(client).what == router_event::connected);
    must(client.close_peer({.routing_id = "web"}));
    REQUIRE(until([&] { return must(metrics_of(client)).peers.empty(); }));
    REQUIRE(until([&] { return client.connect(where, {.routing_id = "web"}).has_value(); }));
    CHECK(next(client).what == router_event::connected);
    must(client.connect(where, {.routing_id = "second"}));
    CHECK(next(client).what == router_event::connected);
    must(client.close_peer({.routing_id = "web"}));
    CHECK(client.wait_ready(test_timeout).has_value());
}
