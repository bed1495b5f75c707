// SPDX-License-Identifier: MPL-2.0

// Peers that cannot be admitted: they are rejected in the handshake, and lose nothing.

#include "sim/sockets/simulated_sockets.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

std::string next_text(pair& at)
{
    return receive_text(at, 30s);
}

std::string next_text(router& at)
{
    peer_id from;
    message into;
    return at.receive(from, into, 30s) ? std::string(into.text()) : "nothing";
}

/// Messages "0", "1", ... arrive in their order.
template <class Socket>
void receive_numbers(Socket& at, int count)
{
    for (int number = 0; number < count; ++number)
        REQUIRE(next_text(at) == std::to_string(number));
}

template <class Socket>
void queue_numbers(Socket& from, int count)
{
    for (int number = 0; number < count; ++number)
        REQUIRE(from.send(std::to_string(number), no_wait));
}

/// The second client is rejected as long as the first one is there, and keeps its queue.
template <class Client, class Server>
void check_kept_until_closed(socket_world& in, Client& one, Client& two, Server& server)
{
    queue_numbers(two, 10);
    in.net.run_for(20s);
    CHECK(status_of(two).last_handshake_failure == errc::rejected);
    CHECK(two.peers().at(0).sent == 0);
    one.close(0ms);
    receive_numbers(server, 10);
}

} // namespace

TEST_CASE("a peer whose routing id is taken keeps its queue until it is admitted")
{
    socket_world in;
    router server = new_socket<router>(in.server_context);
    bind(server);
    dealer one = new_socket<dealer>(in.client_context, dealer_called("a"));
    connect(one);
    REQUIRE(one.send("hello", 1s));
    REQUIRE(next_text(server) == "hello");
    dealer two = new_socket<dealer>(in.client_context, dealer_called("a"));
    connect(two);
    queue_numbers(two, 10);
    // Also while the server's thread does something else.
    in.net.run_for(20s);
    CHECK(server.counters().rejected > 2);
    CHECK(server.counters().rejected < 10);
    CHECK(two.peers().at(0).queued == 10);
    CHECK(two.peers().at(0).sent == 0);
    const endpoint_status refused = status_of(two);
    CHECK_FALSE(refused.ready);
    CHECK(refused.last_handshake_failure == errc::rejected);
    CHECK(refused.link.last_error == errc::rejected);
    CHECK(status_of(server).last_handshake_failure == errc::rejected);
    one.close(0ms);
    receive_numbers(server, 10);
}

TEST_CASE("a client that crashed and comes back loses nothing while its old connection has its id")
{
    socket_world in;
    router_options options;
    options.peer_timeout = 3s;
    router server = new_socket<router>(in.server_context, options);
    bind(server);
    dealer before = new_socket<dealer>(in.client_context, dealer_called("a"));
    connect(before);
    REQUIRE(before.send("hello", 1s));
    REQUIRE(next_text(server) == "hello");
    // Its host is gone without a word; the client that comes back is on another one.
    in.net.partition(in.client, in.server);
    in.net.partition(in.server, in.client);
    const host_id next = new_host(in.net, "next client", {ip("10.0.0.3")});
    loop next_loop = new_loop(in.net, next);
    {
        context next_context = new_context(next_loop);
        dealer again = new_socket<dealer>(next_context, dealer_called("a"));
        connect(again);
        queue_numbers(again, 10);
        in.net.run_for(1s);
        CHECK(server.counters().rejected == 1);
        receive_numbers(server, 10);
    }
}

TEST_CASE("with PLAIN a peer whose routing id is taken is rejected in the handshake, too")
{
    socket_world in;
    router_options options;
    options.security.mechanism = security_mechanism::plain_server;
    options.security.accepted = {{"user", "password"}};
    router server = new_socket<router>(in.server_context, options);
    bind(server);
    dealer_options client = dealer_called("a");
    client.security.mechanism = security_mechanism::plain_client;
    client.security.own = {"user", "password"};
    dealer one = new_socket<dealer>(in.client_context, client);
    connect(one);
    REQUIRE(one.send("hello", 1s));
    REQUIRE(next_text(server) == "hello");
    dealer two = new_socket<dealer>(in.client_context, client);
    connect(two);
    check_kept_until_closed(in, one, two, server);
}

TEST_CASE("a second PAIR keeps its queue until the first has closed")
{
    socket_world in;
    pair server = new_socket<pair>(in.server_context);
    bind(server);
    pair one = new_socket<pair>(in.client_context);
    connect(one);
    REQUIRE(in.until([&] { return status_of(one).ready; }));
    pair two = new_socket<pair>(in.client_context);
    connect(two);
    check_kept_until_closed(in, one, two, server);
}

TEST_CASE("a PAIR that connects has no place for another peer, also with immediate")
{
    socket_world in;
    socket_options options;
    options.immediate = true;
    pair client = new_socket<pair>(in.client_context, options);
    bind(client, "tcp://10.0.0.2:6000");
    connect(client);
    pair other = new_socket<pair>(in.server_context);
    connect(other, "tcp://10.0.0.2:6000");
    in.net.run_for(10s);
    CHECK(ready_peers(client) == 0);
    CHECK(ready_peers(other) == 0);
    CHECK(client.counters().rejected > 0);
    pair server = new_socket<pair>(in.server_context);
    bind(server);
    REQUIRE(in.until([&] { return ready_peers(server) == 1; }, 30s));
    REQUIRE(server.send("to the client", 1s));
    CHECK(receive_text(client, 10s) == "to the client");
}

TEST_CASE("a name that connect() has given is not taken over, not even with handover")
{
    socket_world in;
    router_options options;
    options.handover = true;
    router at = new_socket<router>(in.client_context, options);
    bind(at, "tcp://10.0.0.2:6000");
    connect(at, "tcp://10.0.0.1:5000", {.routing_id = "server"});
    dealer server = new_socket<dealer>(in.server_context);
    bind(server);
    dealer intruder = new_socket<dealer>(in.server_context, dealer_called("server"));
    connect(intruder, "tcp://10.0.0.2:6000");
    queue_numbers(intruder, 1);
    in.run_with_calls(at, 10s);
    CHECK(status_of(intruder).last_handshake_failure == errc::rejected);
    REQUIRE(at.send({"server"}, "hello", 1s));
    CHECK(receive_text(server) == "hello");
}

TEST_CASE("two ROUTERs, and two PAIRs, do not wait for each other")
{
    socket_world in;
    router bound = new_socket<router>(in.server_context);
    bind(bound);
    router_options options;
    options.routing_id = "client";
    router client = new_socket<router>(in.client_context, options);
    connect(client);
    CHECK(in.time_until([&] { return ready_peers(client) == 1 && ready_peers(bound) == 1; }) < 1s);
    pair one = new_socket<pair>(in.server_context);
    bind(one, "tcp://10.0.0.1:6000");
    pair two = new_socket<pair>(in.client_context);
    connect(two, "tcp://10.0.0.1:6000");
    CHECK(in.time_until([&] { return ready_peers(one) == 1 && ready_peers(two) == 1; }) < 1s);
}

TEST_CASE("a peer that never says READY to a ROUTER is disconnected after handshake_timeout")
{
    socket_world in;
    router_options options;
    options.handshake_timeout = 2s;
    router server = new_socket<router>(in.server_context, options);
    bind(server);
    test_link silent(*in.client_loop, "tcp://10.0.0.1:5000");
    REQUIRE(in.until([&] { return server.counters().handshake_failures > 0; }, 10s));
    CHECK(status_of(server).last_handshake_failure == errc::timed_out);
}
