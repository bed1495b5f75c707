// SPDX-License-Identifier: MPL-2.0

// A peer that connects again and again while nobody reads: order, and one high-water mark.

#include "sim/sockets/simulated_sockets.hpp"
#include "support/sanitized.hpp"

#include <algorithm>
#include <ctime>

using namespace slk;
using namespace slk::testing;

namespace {

/// Sends as many numbers as the peer takes on one connection, then ends it. Returns the next one.
template <class Socket, class Options>
int send_on_one_connection(socket_world& in, const Options& options, int next)
{
    Socket client = new_socket<Socket>(in.client_context, options);
    connect(client);
    for (int sent = 0; sent < 100; ++sent)
        if (!client.send(std::to_string(next), 1s))
            break;
        else
            ++next;
    in.net.run_for(1s);
    client.close(10ms);
    in.net.run_for(1s);
    return next;
}

/// The processor time of the first call after this number of peers have come and gone, each of
/// which has left a message.
template <class Socket, class Options>
double time_of_first_call(const Options& options, int peers)
{
    socket_world in;
    Socket server = new_socket<Socket>(in.server_context, options);
    bind(server);
    for (int number = 0; number < peers; ++number) {
        dealer client =
            new_socket<dealer>(in.client_context, dealer_called(std::to_string(number).c_str()));
        connect(client);
        REQUIRE(client.send("x", no_wait));
        REQUIRE(client.close(1s).unsent() == 0);
    }
    in.net.run_for(1s);
    const std::clock_t began = std::clock();
    CHECK(server.events().readable);
    return static_cast<double>(std::clock() - began);
}

template <class Socket, class Options>
void check_time_of_first_call(const Options& options)
{
    const int peers = slow_build ? 150 : 500;
    const double some = time_of_first_call<Socket>(options, peers);
    const double many = time_of_first_call<Socket>(options, 4 * peers);
    CHECK(many < 8 * std::max(some, 1.0));
}

} // namespace

TEST_CASE("a peer with a routing id that connects again is read in order, within one mark")
{
    for (const bool calls : {false, true}) {
        CAPTURE(calls);
        socket_world in;
        socket_options options;
        options.receive_high_water_mark = 150;
        dealer server = new_socket<dealer>(in.server_context, {options});
        bind(server);
        dealer_options client;
        client.routing_id = "a";
        int sent = 0;
        for (int connection = 0; connection < 8; ++connection) {
            sent = send_on_one_connection<dealer>(in, client, sent);
            if (calls)
                (void)server.events();
        }
        int count = 0, last = -1;
        for (std::string text = receive_text(server, 1s); text != "(timed_out)";
             text = receive_text(server, 1s)) {
            REQUIRE(std::stoi(text) > last);
            last = std::stoi(text);
            ++count;
        }
        CHECK(count >= 150);
    }
}

TEST_CASE("after what an earlier connection has left is read, the next one has the whole mark")
{
    socket_world in;
    socket_options options;
    options.receive_high_water_mark = 100;
    dealer server = new_socket<dealer>(in.server_context, {options});
    bind(server);
    dealer_options named;
    named.routing_id = "a";
    CHECK(send_on_one_connection<dealer>(in, named, 0) == 100);
    dealer client = new_socket<dealer>(in.client_context, named);
    connect(client);
    for (int number = 100; number < 300; ++number)
        REQUIRE(client.send(std::to_string(number), no_wait));
    in.net.run_for(1s);
    for (int number = 0; number < 300; ++number)
        REQUIRE(receive_text(server, 1s) == std::to_string(number));
}

TEST_CASE("the same holds for the messages of a ROUTER's peer, and for its link")
{
    socket_world in;
    router_options options;
    options.receive_high_water_mark = 150;
    router client = new_socket<router>(in.client_context, options);
    connect(client);
    int sent = 0;
    for (int connection = 0; connection < 8; ++connection) {
        dealer server = new_socket<dealer>(in.server_context);
        bind(server);
        in.net.run_for(6s);
        for (int each = 0; each < 100; ++each)
            if (server.send(std::to_string(sent), no_wait))
                ++sent;
        in.net.run_for(1s);
        server.close(10ms);
        in.net.run_for(1s);
    }
    int count = 0, last = -1;
    message into;
    peer_id from;
    while (client.receive(from, into, 1s)) {
        const int number = std::stoi(std::string(into.text()));
        REQUIRE(number > last);
        last = number;
        ++count;
    }
    CHECK(count >= 150);
}

TEST_CASE("a connection that sends nothing in between does not change the order")
{
    socket_world in;
    dealer server = new_socket<dealer>(in.server_context);
    bind(server);
    dealer_options named;
    named.routing_id = "a";
    int next = 0;
    for (const int messages : {3, 0, 3}) {
        dealer client = new_socket<dealer>(in.client_context, named);
        connect(client);
        REQUIRE(in.until([&] { return status_of(client).ready; }));
        for (int sent = 0; sent < messages; ++sent)
            REQUIRE(client.send(std::to_string(next++), no_wait));
        in.run_with_calls(server, 1s);
        client.close(1s);
        in.run_with_calls(server, 1s);
    }
    for (int number = 0; number < next; ++number)
        CHECK(receive_text(server, 1s) == std::to_string(number));
}

TEST_CASE("a connection whose routing id is taken over leaves its turn to the next one")
{
    for (const bool calls : {false, true}) {
        CAPTURE(calls);
        socket_world in;
        router_options options;
        options.handover = true;
        router server = new_socket<router>(in.server_context, options);
        bind(server);
        const auto pass_time = [&] { calls ? in.run_with_calls(server, 1s) : in.net.run_for(1s); };
        dealer first = new_socket<dealer>(in.client_context, dealer_called("same"));
        connect(first);
        for (int number = 0; number < 5; ++number)
            REQUIRE(first.send(std::to_string(number), no_wait));
        pass_time();
        first.close(1s);
        in.run_with_calls(server, 1s);
        // The second one loses the id to the third, and does not come again.
        dealer_options once = dealer_called("same");
        once.reconnect.base = reconnect_never;
        dealer second = new_socket<dealer>(in.client_context, once);
        connect(second);
        pass_time();
        dealer third = new_socket<dealer>(in.client_context, once);
        connect(third);
        pass_time();
        for (int number = 5; number < 10; ++number)
            REQUIRE(third.send(std::to_string(number), no_wait));
        in.run_with_calls(server, 1ms);
        message into;
        peer_id from;
        for (int number = 0; number < 10; ++number) {
            REQUIRE(server.receive(from, into, 1s));
            CHECK(into.text() == std::to_string(number));
        }
    }
}

TEST_CASE("the time of a call grows no faster than the number of peers that have left messages")
{
    SUBCASE("of a DEALER")
    {
        check_time_of_first_call<dealer>(dealer_options{});
    }
    SUBCASE("of a ROUTER")
    {
        check_time_of_first_call<router>(router_options{});
    }
}
