// SPDX-License-Identifier: MPL-2.0

// What was queued for a peer that has gone: it goes to the others, or waits for the next one.

#include "sim/sockets/simulated_sockets.hpp"

#include <set>

using namespace slk;
using namespace slk::testing;

namespace {

/// A receiver that takes little, so that what is sent to it stays in the sender's queue.
socket_options reluctant()
{
    socket_options options;
    options.receive_high_water_mark = 1;
    options.tuning.receive_buffer = 4096;
    options.reconnect.base = reconnect_never;
    return options;
}

/// A large message that begins with its number.
std::string numbered(int number)
{
    std::string text = std::to_string(number) + ' ';
    text.resize(20'000, 'x');
    return text;
}

/// The number of the next message, or -1.
template <class Socket>
int receive_number(Socket& from, const timeout& limit = 1s)
{
    const std::string text = receive_text(from, limit);
    return text.starts_with('(') ? -1 : std::stoi(text);
}

/// A bound sender with messages that its only peer, which has closed since, has not taken.
template <class Sender, class Receiver>
struct left_alone {
    explicit left_alone(options_of<Sender> options = {}, int messages = 100)
        : server(new_socket<Sender>(in.server_context, std::move(options)))
    {
        bind(server);
        Receiver client = new_socket<Receiver>(in.client_context, {reluctant()});
        connect(client);
        REQUIRE(in.until([&] { return ready_peers(server) == 1; }));
        for (int number = 0; number < messages; ++number)
            REQUIRE(server.send(numbered(number), no_wait));
        in.net.run_for(1s);
        client.close(0ms);
        REQUIRE(in.until([&] { return ready_peers(server) == 0; }));
    }

    socket_world in;
    Sender server;
};

/// The next peer receives all that the system had not taken, in order, and up to the last one.
template <class Sender, class Receiver>
void check_next_peer_gets_the_rest()
{
    left_alone<Sender, Receiver> rig;
    CHECK(rig.server.counters().unsent == 0);
    CHECK(rig.server.counters().requeued > 50);
    Receiver next = new_socket<Receiver>(rig.in.client_context);
    connect(next);
    REQUIRE(rig.in.until([&] { return ready_peers(rig.server) == 1; }));
    const int first = receive_number(next);
    CHECK(first == 100 - static_cast<int>(rig.server.counters().requeued));
    for (int number = first + 1; number < 100; ++number)
        REQUIRE(receive_number(next) == number);
    REQUIRE(rig.server.send(numbered(100), no_wait));
    CHECK(receive_number(next) == 100);
}

} // namespace

TEST_CASE("what was queued for a peer that has gone waits for the next one, in order")
{
    SUBCASE("PUSH")
    {
        check_next_peer_gets_the_rest<push, pull>();
    }
    SUBCASE("DEALER")
    {
        check_next_peer_gets_the_rest<dealer, dealer>();
    }
    SUBCASE("PAIR")
    {
        check_next_peer_gets_the_rest<pair, pair>();
    }
}

TEST_CASE("a message that is sent while others wait for a peer comes behind them")
{
    left_alone<push, pull> rig;
    CHECK(rig.server.send("x", no_wait).error() == errc::would_block);
    CHECK_FALSE(rig.server.events().writable);
    pull next = new_socket<pull>(rig.in.client_context);
    connect(next);
    REQUIRE(rig.server.send(numbered(100), 10s));
    int last = -1;
    while (last != 100) {
        const int number = receive_number(next);
        REQUIRE(number > last);
        last = number;
    }
}

TEST_CASE("what was queued for a peer that has gone goes to the other peers")
{
    socket_world in;
    push server = new_socket<push>(in.server_context);
    bind(server);
    pull one = new_socket<pull>(in.client_context, reluctant());
    pull two = new_socket<pull>(in.client_context);
    connect(one);
    connect(two);
    REQUIRE(in.until([&] { return ready_peers(server) == 2; }));
    for (int number = 0; number < 100; ++number)
        REQUIRE(server.send(numbered(number), no_wait));
    in.net.run_for(1s);
    one.close(0ms);
    REQUIRE(in.until([&] { return ready_peers(server) == 1; }));
    CHECK(server.counters().unsent == 0);
    const std::uint64_t requeued = server.counters().requeued;
    CHECK(requeued > 20);
    std::set<int> received;
    for (int number = receive_number(two); number >= 0; number = receive_number(two))
        CHECK(received.insert(number).second);
    CHECK(received.size() == 50 + requeued);
    CHECK(received.contains(99));
    CHECK(received.contains(98));
}

TEST_CASE("messages of several parts are requeued whole")
{
    socket_world in;
    push server = new_socket<push>(in.server_context);
    bind(server);
    pull one = new_socket<pull>(in.client_context, reluctant());
    connect(one);
    REQUIRE(in.until([&] { return ready_peers(server) == 1; }));
    for (int number = 0; number < 50; ++number) {
        multipart whole;
        must(whole.add(numbered(number)));
        must(whole.add("second"));
        REQUIRE(server.send(std::move(whole), no_wait));
    }
    in.net.run_for(1s);
    one.close(0ms);
    pull two = new_socket<pull>(in.client_context);
    connect(two);
    REQUIRE(in.until([&] { return ready_peers(server) == 1 && server.counters().requeued > 0; }));
    multipart got;
    for (std::uint64_t left = server.counters().requeued; left > 0; --left) {
        REQUIRE(two.receive(got, 1s));
        CHECK(texts_of(got).size() == 2);
    }
    CHECK(texts_of(got).at(0) == numbered(49));
}

TEST_CASE("without a peer at most the send high-water mark waits, and the rest counts as unsent")
{
    socket_world in;
    push_options options;
    options.send_high_water_mark = 40;
    push server = new_socket<push>(in.server_context, options);
    bind(server);
    {
        pull one = new_socket<pull>(in.client_context, reluctant());
        pull two = new_socket<pull>(in.client_context, reluctant());
        connect(one);
        connect(two);
        REQUIRE(in.until([&] { return ready_peers(server) == 2; }));
        int number = 0;
        while (server.send(numbered(number), no_wait))
            ++number;
        in.net.run_for(1s);
        while (server.send(numbered(number), no_wait))
            ++number;
    }
    REQUIRE(in.until([&] { return ready_peers(server) == 0; }));
    CHECK(server.counters().requeued == 40);
    CHECK(server.counters().unsent > 20);
    const close_report report = server.close(0ms);
    CHECK(report.unsent() == 40);
}

TEST_CASE("without requeue the queue of a peer that has gone is abandoned, and counted")
{
    push_options options;
    options.requeue = false;
    left_alone<push, pull> rig(options);
    CHECK(rig.server.counters().unsent > 50);
    CHECK(rig.server.counters().requeued == 0);
    pull next = new_socket<pull>(rig.in.client_context);
    connect(next);
    REQUIRE(rig.server.send("next", 10s));
    CHECK(receive_text(next) == "next");
}

TEST_CASE("a ROUTER's messages for a peer that has gone never go to another one")
{
    socket_world in;
    router server = new_socket<router>(in.server_context);
    bind(server);
    {
        dealer_options options{reluctant()};
        options.routing_id = "a";
        dealer one = new_socket<dealer>(in.client_context, options);
        connect(one);
        REQUIRE(in.until([&] { return ready_peers(server) == 1; }));
        for (int number = 0; number < 100; ++number)
            REQUIRE(server.send({"a"}, numbered(number), no_wait));
        in.net.run_for(1s);
    }
    REQUIRE(in.until([&] { return ready_peers(server) == 0; }));
    CHECK(server.counters().unsent > 50);
    CHECK(server.counters().requeued == 0);
}

TEST_CASE("what is queued for an endpoint that is taken back goes to the others")
{
    socket_world in;
    push client = new_socket<push>(in.client_context);
    connect(client, "tcp://10.0.0.1:5000");
    connect(client, "tcp://10.0.0.1:5001");
    for (int number = 0; number < 10; ++number)
        REQUIRE(client.send(std::to_string(number), no_wait));
    const auto report = client.disconnect("tcp://10.0.0.1:5000");
    REQUIRE(report);
    CHECK(report->unsent() == 0);
    REQUIRE(report->peers.size() == 1);
    CHECK(report->peers[0].requeued == 5);
    pull server = new_socket<pull>(in.server_context);
    bind(server, "tcp://10.0.0.1:5001");
    for (const char* const text : {"1", "3", "5", "7", "9", "0", "2", "4", "6", "8"})
        CHECK(receive_text(server, 10s) == text);
    CHECK(client.counters().unsent == 0);
}

TEST_CASE("what is queued for the only endpoint is given up with it, and reported")
{
    socket_world in;
    push client = new_socket<push>(in.client_context);
    connect(client);
    for (int number = 0; number < 10; ++number)
        REQUIRE(client.send(std::to_string(number), no_wait));
    const auto report = client.disconnect("tcp://10.0.0.1:5000");
    REQUIRE(report);
    CHECK(report->unsent() == 10);
    CHECK(client.counters().unsent == 10);
    CHECK(client.counters().requeued == 0);
}

TEST_CASE("a conflating sender keeps the newest message of a peer that has gone")
{
    socket_world in;
    push_options options;
    options.conflate = true;
    push server = new_socket<push>(in.server_context, options);
    bind(server);
    {
        pull one = new_socket<pull>(in.client_context, reluctant());
        connect(one);
        REQUIRE(in.until([&] { return ready_peers(server) == 1; }));
        for (int number = 0; number < 20; ++number) {
            REQUIRE(server.send(numbered(number), no_wait));
            in.net.run_for(100ms);
        }
    }
    REQUIRE(in.until([&] { return ready_peers(server) == 0; }));
    CHECK(server.counters().requeued >= 1);
    pull next = new_socket<pull>(in.client_context);
    connect(next);
    REQUIRE(in.until([&] { return ready_peers(server) == 1; }));
    CHECK(receive_number(next) == 19);
    CHECK(receive_text(next, 1s) == "(timed_out)");
}

TEST_CASE("close() waits for a peer for the messages that wait for one")
{
    left_alone<push, pull> rig;
    pull next = new_socket<pull>(rig.in.client_context);
    connect(next);
    REQUIRE(rig.in.until([&] { return status_of(next).ready; }));
    const std::uint64_t requeued = rig.server.counters().requeued;
    CHECK(rig.server.close(10s).unsent() == 0);
    std::uint64_t received = 0;
    while (receive_number(next) >= 0)
        ++received;
    CHECK(received == requeued);
}
