// SPDX-License-Identifier: MPL-2.0

// What the events of a socket say of its endpoints, links and connections.

#include <serverlink/serverlink.hpp>

#include "support/events.hpp"
#include "support/sockets.hpp"
#include "support/stream_peer.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("a connection has its sequence of events at both sides, over each transport")
{
    for (const std::string& where : stream_endpoints()) {
        CAPTURE(where);
        auto in = new_context();
        auto server = new_socket<dealer>(in);
        dealer_options options;
        options.routing_id = "client";
        auto client = new_socket<dealer>(in, options);
        watched_events at_server(server), at_client(client);
        const std::string bound = bind_and_connect(server, client, where);
        must(client.wait_ready(test_timeout));
        must(server.wait_ready(test_timeout));
        client.close(0s);
        REQUIRE(until([&] { return server.counters().disconnected == 1; }));
        (void)server.peers(); // it notices
        server.close(0s);

        at_server.wait_for(event_kind::stopped);
        CHECK(at_server.kinds() == "listening accepted handshake_succeeded peer_added disconnected "
                                   "peer_removed closed stopped");
        CHECK(code_of(at_server.stream.next(no_wait)) == errc::end_of_stream);
        at_client.wait_for(event_kind::stopped);
        CHECK(at_client.kinds() == "connect_delayed connected handshake_succeeded peer_added "
                                   "disconnected peer_removed stopped");

        for (const watched_events* each : {&at_server, &at_client}) {
            std::uint64_t number = 0;
            for (const event& one : each->all) {
                CAPTURE(to_string(one));
                CHECK(one.number == ++number);
                CHECK(one.socket == (each == &at_server ? server : client).number());
                CHECK(one.at > time_point{});
                if (one.kind != event_kind::stopped)
                    CHECK(one.endpoint == bound);
            }
        }
        const event& accepted = at_server.last(event_kind::accepted);
        CHECK(accepted.connection == 1);
        CHECK(accepted.descriptor >= 0);
        CHECK(at_server.last(event_kind::listening).descriptor >= 0);
        CHECK(at_server.last(event_kind::handshake_succeeded).routing_id == "client");
        CHECK(at_server.last(event_kind::peer_added).routing_id == "client");
        const event& disconnected = at_server.last(event_kind::disconnected);
        CHECK(disconnected.connection == 1);
        CHECK(disconnected.reason);
        if (where.starts_with("tcp")) {
            CHECK(accepted.address.family == address_family::ipv4);
            CHECK(disconnected.address == accepted.address);
            CHECK(at_client.last(event_kind::connected).address.port != 0);
        }
        CHECK(at_client.last(event_kind::disconnected).reason == errc::cancelled);
    }
}

TEST_CASE("a refused link reports each try, its end and the delay")
{
    auto in = new_context();
    auto from = new_socket<push>(in, reconnect_at_once());
    auto reserved = new_socket<pull>(in);
    const std::string nowhere = must(reserved.bind(any_tcp));
    must(reserved.unbind(nowhere));
    watched_events seen(from);
    must(from.connect(nowhere));
    seen.wait_for(event_kind::connect_retried);
    seen.wait_for(event_kind::connect_retried);
    CHECK(seen.kinds() ==
          "connect_delayed closed connect_retried connect_delayed closed connect_retried");
    const event& retried = seen.last(event_kind::connect_retried);
    CHECK(retried.reason == errc::connection_refused);
    CHECK(retried.to == link_state::backoff);
    CHECK(retried.delay > 0ns);
    CHECK(retried.attempt == 2);
    CHECK(seen.last(event_kind::closed).reason == errc::connection_refused);
    CHECK(seen.last(event_kind::closed).address.port != 0);
    CHECK(seen.last(event_kind::link_state).to == link_state::binding);
}

TEST_CASE("a bind() that fails, and one that is taken back, are events")
{
    auto in = new_context();
    auto first = new_socket<pull>(in);
    auto second = new_socket<pull>(in);
    watched_events seen(second);
    const std::string taken = must(first.bind(any_tcp));
    CHECK_FALSE(second.bind(taken).has_value());
    CHECK(seen.wait_for(event_kind::bind_failed).reason == errc::address_in_use);
    CHECK(seen.last(event_kind::bind_failed).endpoint == taken);
    CHECK_FALSE(second.bind("nonsense").has_value());
    CHECK(seen.wait_for(event_kind::bind_failed).reason == errc::invalid_argument);
    const std::string bound = must(second.bind(any_tcp));
    must(second.unbind(bound));
    CHECK(seen.wait_for(event_kind::closed).endpoint == bound);
    const std::string name = must(second.bind("inproc://events"));
    must(second.unbind(name));
    CHECK(seen.wait_for(event_kind::closed).endpoint == name);
    CHECK(seen.count(event_kind::listening) == 2);
}

TEST_CASE("the end of a socket is the end of each place where it listens")
{
    for (const bool in_background : {false, true}) {
        CAPTURE(in_background);
        auto in = new_context();
        auto ends = new_socket<pull>(in);
        watched_events seen(ends);
        must(ends.bind("inproc://ends"));
        must(ends.bind(any_tcp));
        if (in_background)
            ends.close_in_background(0ms);
        else
            (void)ends.close(0ms);
        CHECK(until([&] {
            seen.read();
            return seen.count(event_kind::closed) == 2;
        }));
    }
}

TEST_CASE("a handshake that fails is followed by the end of its connection")
{
    auto in = new_context();
    pull_options options;
    options.handshake_timeout = 500ms;
    event_kind expected = event_kind::handshake_failed_no_detail;
    errc reason = errc::timed_out;
    std::string bytes;
    SUBCASE("the peer says nothing") {}
    SUBCASE("the peer breaks the protocol")
    {
        bytes = std::string(64, 'x');
        expected = event_kind::handshake_failed_protocol;
        reason = errc::protocol_error;
    }
    SUBCASE("the peer goes")
    {
        bytes = zmtp_greeting();
        reason = errc::end_of_stream;
    }
    auto to = new_socket<pull>(in, options);
    watched_events seen(to);
    const std::string where = must(to.bind(any_tcp));
    loop peer_loop = new_peer_loop();
    {
        stream_peer peer(peer_loop, where);
        if (!bytes.empty())
            REQUIRE(peer.send(bytes));
        if (reason == errc::timed_out)
            REQUIRE(until([&] {
                must(peer_loop.run_for(0ms));
                seen.read();
                return seen.count(event_kind::disconnected) > 0;
            }));
        else
            (void)peer_loop.run_for(1ms);
    }
    if (seen.count(event_kind::disconnected) == 0)
        seen.wait_for(event_kind::disconnected);
    const event& failed = seen.last(expected);
    if (reason != errc::end_of_stream)
        CHECK(failed.reason == reason);
    CHECK(failed.connection == 1);
    CHECK(seen.last(event_kind::disconnected).connection == 1);
    CHECK(seen.kinds() == "listening accepted " + std::string(name_of(expected)) + " disconnected");
}

TEST_CASE("credentials that are refused are events of both sides, with the status of ZAP")
{
    auto in = new_context();
    pull_options of_server;
    of_server.security.mechanism = security_mechanism::plain_server;
    of_server.security.accepted = {{"ann", "secret"}};
    auto to = new_socket<pull>(in, of_server);
    push_options of_client = reconnect_at_once();
    of_client.security.mechanism = security_mechanism::plain_client;
    of_client.security.own = {"ann", "wrong"};
    auto from = new_socket<push>(in, of_client);
    watched_events at_server(to), at_client(from);
    bind_and_connect(to, from);
    CHECK(at_server.wait_for(event_kind::handshake_failed_auth).reason.native == 400);
    CHECK(at_client.wait_for(event_kind::handshake_failed_auth).reason.native == 400);
    CHECK(at_client.wait_for(event_kind::disconnected).connection == 1);
}

TEST_CASE("a connection that is not let in is an event")
{
    auto in = new_context();
    pull_options options;
    options.max_peers = 1;
    auto to = new_socket<pull>(in, options);
    watched_events seen(to);
    const std::string where = must(to.bind(any_tcp));
    auto first = new_socket<push>(in);
    must(first.connect(where));
    must(first.wait_ready(test_timeout));
    auto second = new_socket<push>(in, reconnect_at_once());
    must(second.connect(where));
    const event refused = seen.wait_for(event_kind::accept_refused);
    CHECK(refused.reason == errc::connection_refused);
    CHECK(refused.address.family == address_family::ipv4);
}

TEST_CASE("a peer of inproc is added and removed")
{
    auto in = new_context();
    auto to = new_socket<pull>(in);
    watched_events seen(to);
    {
        auto from = new_socket<push>(in);
        bind_and_connect(to, from, "inproc://added");
        must(to.wait_ready(test_timeout));
    }
    (void)to.peers();
    seen.read();
    CHECK(seen.kinds() == "listening peer_added peer_removed");
}
