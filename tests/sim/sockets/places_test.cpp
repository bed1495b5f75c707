// SPDX-License-Identifier: MPL-2.0

// Places at a PAIR and at a ROUTER, of peers that came and left while the socket was not used.

#include "sim/sockets/simulated_sockets.hpp"
#include "support/zmtp_handshake.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

constexpr const char* second_endpoint = "tcp://10.0.0.1:5001";

router_options with_handover()
{
    router_options options = reconnect_at_once();
    options.handover = true;
    return options;
}

dealer_options dealer_at_once(const char* name)
{
    return reconnect_at_once(dealer_called(name));
}

/// What a DEALER with a routing id of one byte sends after its greeting.
std::string ready_of_dealer(const char* routing_id)
{
    std::string ready = zmtp_ready("DEALER");
    ready += "\10Identity" + std::string("\0\0\0\1", 4) + routing_id;
    ready[1] = static_cast<char>(ready.size() - 2);
    return ready;
}

/// A peer by tcp takes the place of one by inproc, and leaves unseen.
template <class Server, class Client>
void check_place_of_inproc(const socket_options& client_options)
{
    socket_world in;
    Server server = new_socket<Server>(in.server_context);
    bind(server);
    bind(server, "inproc://here");
    Client first = new_socket<Client>(in.client_context, client_options);
    connect(first);
    REQUIRE(in.until([&] { return status_of(first).ready; }));
    Client second = new_socket<Client>(in.server_context, client_options);
    connect(second, "inproc://here");
    REQUIRE(status_of(second).last_handshake_failure == errc::rejected);
    first.close(0s);
    in.net.run_for(1s);
    CHECK(in.until(
        [&] {
            (void)server.events();
            return status_of(second).ready;
        },
        1s));
    CHECK(ready_peers(server) == 1);
}

} // namespace

TEST_CASE("a peer of inproc gets the place that a peer by tcp has left unseen")
{
    check_place_of_inproc<pair, pair>({});
    check_place_of_inproc<router, dealer>(dealer_called("a"));
}

TEST_CASE("a peer that has taken over a routing id, and left unseen, has displaced the other one")
{
    socket_world in;
    router server = new_socket<router>(in.server_context, with_handover());
    bind(server);
    dealer first = new_socket<dealer>(in.client_context, dealer_at_once("a"));
    connect(first);
    REQUIRE(in.until([&] { return ready_peers(server) == 1; }));
    dealer second = new_socket<dealer>(in.client_context, dealer_at_once("a"));
    connect(second);
    REQUIRE(in.until([&] { return status_of(second).ready; }));
    second.close(0s);
    in.net.run_for(1s);
    // The first one is disconnected, and comes again.
    CHECK(in.until(
        [&] {
            (void)server.events();
            return server.counters().connected == 3;
        },
        1s));
    CHECK(server.counters().disconnected == 2);
    // It is known.
    server.set_options(router_options{}).value();
    dealer third = new_socket<dealer>(in.client_context, dealer_at_once("a"));
    connect(third);
    in.net.run_for(1s);
    CHECK_FALSE(status_of(third).ready);
    CHECK(ready_peers(server) == 1);
}

TEST_CASE("two living peers do not take a routing id from each other for ever")
{
    socket_world in;
    router server = new_socket<router>(in.server_context, with_handover());
    bind(server);
    dealer_options often = dealer_called("a");
    often.reconnect.base = often.reconnect.floor = often.reconnect.cap = 100ms;
    dealer first = new_socket<dealer>(in.client_context, often);
    dealer second = new_socket<dealer>(in.client_context, often);
    connect(first);
    connect(second);
    const auto connected_after = [&](int minutes) {
        for (int second_of = 0; second_of < 60 * minutes; ++second_of) {
            in.net.run_for(1s);
            (void)server.events();
            (void)first.events();
            (void)second.events();
        }
        return server.counters().connected;
    };
    const auto early = connected_after(10);
    CHECK(early > 5);
    CHECK(early < 25);
    CHECK(connected_after(10) <= early + 2);
    // The one that has to wait gets it when the other one has gone.
    dealer& holder = status_of(first).ready ? first : second;
    dealer& other = status_of(first).ready ? second : first;
    CHECK_FALSE(status_of(other).ready);
    holder.close(0s);
    CHECK(in.until(
        [&] {
            (void)server.events();
            return status_of(other).ready;
        },
        60s));
}

TEST_CASE("a ROUTER that mutes duplicates keeps them connected, and hears one of them")
{
    for (const bool handover : {false, true}) {
        CAPTURE(handover);
        socket_world in;
        router_options options;
        options.mute_duplicates = true;
        options.handover = handover;
        router server = new_socket<router>(in.server_context, options);
        bind(server);
        dealer first = new_socket<dealer>(in.client_context, dealer_at_once("a"));
        dealer second = new_socket<dealer>(in.client_context, dealer_at_once("a"));
        connect(first);
        REQUIRE(in.until([&] { return ready_peers(server) == 1; }));
        connect(second);
        REQUIRE(in.until([&] { return status_of(second).ready; }));
        (void)server.events();
        dealer& heard = handover ? second : first;
        dealer& muted = handover ? first : second;
        for (int round = 0; round < 3; ++round) {
            REQUIRE(muted.send("muted", no_wait));
            REQUIRE(heard.send("heard", no_wait));
            in.net.run_for(5s);
            peer_id from;
            message body;
            REQUIRE(server.receive(from, body, no_wait));
            CHECK(body.text() == "heard");
            CHECK_FALSE(server.receive(from, body, no_wait));
        }
        CHECK(server.send({.routing_id = "a"}, "answer", no_wait));
        in.net.run_for(1s);
        message answer;
        REQUIRE(heard.receive(answer, no_wait));
        CHECK_FALSE(muted.receive(answer, no_wait));
        CHECK(status_of(muted).ready);
        CHECK(server.counters().connected == 2);
        // It is heard when it connects anew, and the id is free.
        heard.close(0s);
        in.net.run_for(1s);
        (void)server.events();
        CHECK(status_of(muted).ready);
        muted.close(0s);
        dealer third = new_socket<dealer>(in.client_context, dealer_at_once("a"));
        connect(third);
        REQUIRE(third.send("third", no_wait));
        in.net.run_for(1s);
        peer_id last;
        REQUIRE(server.receive(last, answer, no_wait));
        CHECK(answer.text() == "third");
    }
}

TEST_CASE("a peer that is one too many does not take the routing id of another one")
{
    socket_world in;
    router_options options = with_handover();
    options.max_peers = 1;
    router server = new_socket<router>(in.server_context, options);
    bind(server);
    bind(server, second_endpoint);
    // Its handshake is under way when the first one is let in.
    test_link second(*in.client_loop, numeric_endpoint);
    REQUIRE(in.until([&] { return second.connected(); }));
    const reader answers(second.connection);
    const stream_sender greeting(second.connection, zmtp_greeting());
    dealer first = new_socket<dealer>(in.client_context, dealer_at_once("a"));
    connect(first);
    REQUIRE(in.until([&] { return ready_peers(server) == 1; }));
    const stream_sender ready(second.connection, ready_of_dealer("a"));
    in.net.run_for(100ms);
    CHECK(answers.finished());
    CHECK(std::string(status_of(server).last_handshake_failure.detail) == "max_peers");
    options.handover = false;
    server.set_options(options).value();
    dealer third = new_socket<dealer>(in.client_context, dealer_at_once("a"));
    connect(third, second_endpoint);
    // Before it has sent its queue.
    in.net.run_for(100ms);
    CHECK(server.counters().connected == 1);
    CHECK_FALSE(status_of(third).ready);
    CHECK(status_of(first).ready);
}

TEST_CASE("a peer of a connect() that came and left unseen has no place at a ROUTER")
{
    socket_world in;
    router client = new_socket<router>(in.client_context, router_options{reconnect_at_once()});
    bind(client, "tcp://10.0.0.2:6000");
    connect(client);
    bool seen = false;
    dealer first = new_socket<dealer>(in.server_context, dealer_called("a"));
    bind(first);
    REQUIRE(in.until([&] { return status_of(first).peers == 1; }));
    SUBCASE("none of its connections was seen") {}
    SUBCASE("one of its connections was seen")
    {
        seen = true;
        REQUIRE(ready_peers(client) == 1);
        first.close(0s);
        in.net.run_for(1s);
        first = new_socket<dealer>(in.server_context, dealer_called("a"));
        bind(first);
        REQUIRE(in.until([&] { return status_of(first).peers == 1; }));
    }
    first.close(0s);
    in.net.run_for(1s);
    dealer second = new_socket<dealer>(in.server_context, dealer_at_once("a"));
    connect(second, "tcp://10.0.0.2:6000");
    in.net.run_for(1s);
    CHECK(client.counters().connected - client.counters().disconnected == (seen ? 0 : 1));
    CHECK(status_of(second).ready != seen);
}

TEST_CASE("a PLAIN server that connects knows each peer by the user that this one has sent")
{
    socket_world in;
    socket_options options = reconnect_at_once();
    options.security.mechanism = security_mechanism::plain_server;
    options.security.accepted = {{"ann", ""}, {"", ""}};
    push server = new_socket<push>(in.client_context, options);
    connect(server);
    for (const char* const user : {"ann", ""}) {
        socket_options with_user;
        with_user.security.mechanism = security_mechanism::plain_client;
        with_user.security.own = {user, ""};
        pull client = new_socket<pull>(in.server_context, with_user);
        bind(client);
        REQUIRE(in.until([&] { return ready_peers(server) == 1; }));
        CHECK(server.peers().at(0).user == user);
        client.close(0s);
        REQUIRE(in.until([&] { return ready_peers(server) == 0; }));
    }
}
