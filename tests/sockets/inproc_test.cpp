// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

/// "0", "1", ... up to, and not including, `end`.
template <class Socket>
void receive_numbers(Socket& at, int end, int first = 0)
{
    for (int number = first; number < end; ++number)
        REQUIRE(receive_text(at) == std::to_string(number));
}

std::string routed_text(router& at, const timeout& limit = test_timeout)
{
    peer_id from;
    message into;
    const auto received = at.receive(from, into, limit);
    return received ? std::string(into.text())
                    : "(" + std::string(name_of(received.error().code)) + ")";
}

} // namespace

TEST_CASE("inproc names belong to one context, are free after unbind, and types are checked")
{
    auto in = new_context();
    auto other = new_context();
    auto a = new_socket<pull>(in);
    auto b = new_socket<pull>(other);
    must(a.bind("inproc://name"));
    must(b.bind("inproc://name"));
    auto push_there = new_socket<push>(in);
    CHECK(code_of(push_there.bind("inproc://name")) == errc::address_in_use);
    must(push_there.connect("inproc://name"));
    must(a.unbind("inproc://name"));
    auto c = new_socket<pull>(in);
    must(c.bind("inproc://name"));
    // A pipe stays when its name is unbound.
    must(push_there.send("over the old pipe", test_timeout));
    CHECK(receive_text(a) == "over the old pipe");

    auto wrong = new_socket<push>(in);
    must(wrong.bind("inproc://push"));
    auto another = new_socket<push>(in);
    CHECK(code_of(another.connect("inproc://push")) == errc::invalid_argument);
}

TEST_CASE("a socket that connects by inproc finds the next one that binds the name")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        auto from = new_socket<push>(in);
        must(from.connect("inproc://name"));
        for (int life = 0; life < 3; ++life) {
            CAPTURE(life);
            must(from.send("0", no_wait)); // waits for the next one
            auto to = new_socket<pull>(in);
            must(to.bind("inproc://name"));
            must(from.wait_ready(test_timeout));
            must(from.send("1", test_timeout));
            receive_numbers(to, 2);
            CHECK(status_of(from).ready);
            CHECK(status_of(from).peers == 1);
            to.close(0ms);
            CHECK(until([&] { return !status_of(from).ready; }));
        }
        CHECK(from.counters().unsent == 0);
        CHECK(from.peers().size() == 1);
        CHECK(from.peers()[0].connections == 3);
    }
}

TEST_CASE("with immediate nothing is queued by inproc while the name is not bound")
{
    auto in = new_context();
    socket_options options;
    options.immediate = true;
    auto from = new_socket<push>(in, options);
    must(from.connect("inproc://name"));
    for (int life = 0; life < 3; ++life) {
        CHECK(code_of(from.send("x", no_wait)) == errc::would_block);
        auto to = new_socket<pull>(in);
        must(to.bind("inproc://name"));
        must(from.send("0", test_timeout));
        receive_numbers(to, 1);
        to.close(0ms);
        CHECK(until([&] { return !status_of(from).ready; }));
    }
}

TEST_CASE("a PAIR that was turned away by inproc has its turn when the first has gone")
{
    auto in = new_context();
    auto at = new_socket<pair>(in);
    must(at.bind("inproc://name"));
    auto first = new_socket<pair>(in);
    must(first.connect("inproc://name"));
    must(first.send("first", test_timeout));
    CHECK(receive_text(at) == "first");
    auto second = new_socket<pair>(in), third = new_socket<pair>(in);
    must(second.connect("inproc://name"));
    must(third.connect("inproc://name"));
    for (int number = 0; number < 10; ++number)
        must(second.send(std::to_string(number), no_wait));
    CHECK(until([&] { return at.counters().rejected == 2; }));
    CHECK(status_of(at).last_handshake_failure == errc::rejected);
    CHECK(status_of(second).last_handshake_failure == errc::rejected);
    CHECK_FALSE(status_of(second).ready);
    must(at.send("to the first", test_timeout));
    CHECK(receive_text(first) == "to the first");
    first.close(0ms);
    receive_numbers(at, 10);
    must(at.send("to the second", test_timeout));
    CHECK(receive_text(second) == "to the second");
    second.close(0ms);
    must(third.send("third", test_timeout));
    CHECK(receive_text(at) == "third");
}

TEST_CASE("a peer whose routing id is taken by inproc has its turn when the first has gone")
{
    auto in = new_context();
    auto at = new_socket<router>(in);
    must(at.bind("inproc://name"));
    dealer_options options;
    options.routing_id = "a";
    auto first = new_socket<dealer>(in, options), second = new_socket<dealer>(in, options);
    must(first.connect("inproc://name"));
    must(second.connect("inproc://name"));
    must(second.send("second", no_wait));
    must(first.send("first", test_timeout));
    CHECK(routed_text(at) == "first");
    CHECK(routed_text(at, no_wait) == "(would_block)");
    CHECK(at.counters().rejected == 1);
    first.close(0ms);
    CHECK(routed_text(at) == "second");
}

TEST_CASE("a ROUTER that connects by inproc knows the next owner of the name by its routing id")
{
    auto in = new_context();
    auto client = new_socket<router>(in);
    must(client.connect("inproc://name"));
    peer_id from;
    message into;
    for (const char* const name : {"ALPHA", "BETA"}) {
        dealer_options options;
        options.routing_id = name;
        auto server = new_socket<dealer>(in, options);
        must(server.bind("inproc://name"));
        must(server.send("hello", test_timeout));
        must(client.receive(from, into, test_timeout));
        CHECK(from.routing_id == name);
        server.close(0ms);
        CHECK(until([&] { return ready_peers(client) == 0; }));
        must(client.send({name}, "waits", no_wait));
    }
    CHECK(code_of(client.send({"ALPHA"}, "x", no_wait)) == errc::no_route);
    CHECK(client.counters().unsent == 1);
    dealer_options options;
    options.routing_id = "BETA";
    auto server = new_socket<dealer>(in, options);
    must(server.bind("inproc://name"));
    must(client.wait_ready(test_timeout)); // the queue goes to the new pipe
    CHECK(receive_text(server) == "waits");
}

TEST_CASE("a peer that a ROUTER disconnects comes again, by inproc as by tcp")
{
    for (const char* const where : {"tcp://127.0.0.1:*", "inproc://name"}) {
        CAPTURE(where);
        auto in = new_context();
        auto at = new_socket<router>(in);
        auto from = new_socket<dealer>(in, reconnect_at_once<dealer_options>());
        bind_and_connect(at, from, where);
        must(from.send("one", test_timeout));
        peer_id first, second;
        message into;
        must(at.receive(first, into, test_timeout));
        must(at.disconnect_peer(first));
        REQUIRE(until([&] { return from.peers().at(0).connections == 2; }));
        must(from.send("two", test_timeout));
        must(at.receive(second, into, test_timeout));
        CHECK(into.text() == "two");
        CHECK(second.generation > first.generation);
    }
}

TEST_CASE("what is queued by inproc for an owner of the name that closes goes to the next one")
{
    auto in = new_context();
    auto from = new_socket<push>(in);
    auto first = new_socket<pull>(in);
    must(first.bind("inproc://name"));
    must(from.connect("inproc://name"));
    must(from.send("unread", test_timeout));
    first.close(0ms);
    CHECK(first.counters().discarded <= 1);
    must(from.send("0", test_timeout));
    must(from.send("1", test_timeout));
    auto second = new_socket<pull>(in);
    must(second.bind("inproc://name"));
    receive_numbers(second, 2);
}

TEST_CASE("a name that a socket of another type binds is waited for until a suitable one binds it")
{
    auto in = new_context();
    auto from = new_socket<push>(in);
    must(from.connect("inproc://name"));
    must(from.send("0", no_wait));
    {
        auto wrong = new_socket<push>(in);
        must(wrong.bind("inproc://name"));
        CHECK(until([&] { return status_of(from).handshake_failures == 1; }));
        CHECK(status_of(from).last_handshake_failure == errc::invalid_argument);
    }
    auto to = new_socket<pull>(in);
    must(to.bind("inproc://name"));
    receive_numbers(to, 1);
}

TEST_CASE("endpoints of inproc that are taken back leave nothing behind")
{
    auto in = new_context();
    auto at = new_socket<pair>(in);
    must(at.bind("inproc://name"));
    auto first = new_socket<pair>(in), second = new_socket<pair>(in);
    must(first.connect("inproc://name"));
    must(second.connect("inproc://name")); // is turned away
    must(second.disconnect("inproc://name"));
    must(first.disconnect("inproc://name"));
    CHECK(until([&] { return ready_peers(at) == 0; }));
    must(second.connect("inproc://name"));
    must(second.send("0", test_timeout));
    receive_numbers(at, 1);
    must(at.unbind("inproc://name"));
    must(second.send("1", test_timeout));
    receive_numbers(at, 2, 1);
}

TEST_CASE("by inproc what a socket receives after its disconnect() is not unsent at the other one")
{
    auto in = new_context();
    auto stays = new_socket<dealer>(in);
    auto leaves = new_socket<dealer>(in);
    must(stays.bind("inproc://name"));
    must(leaves.connect("inproc://name"));
    must(stays.wait_ready(test_timeout));
    must(stays.send("received", test_timeout));
    must(stays.send("discarded", test_timeout));
    must(leaves.disconnect("inproc://name", 0ms));
    CHECK(stays.peers().empty());
    CHECK(receive_text(leaves) == "received");
    leaves.close(0ms);
    CHECK(leaves.counters().discarded == 1);
    CHECK(stays.counters().unsent == 0);
}

TEST_CASE("without checks_types_by_inproc any two sockets meet, if both want it so")
{
    socket_options any;
    any.checks_types_by_inproc = false;
    for (std::uint8_t bound = 0; bound <= std::uint8_t(slk::socket_type::xsub); ++bound) {
        for (std::uint8_t other = 0; other <= std::uint8_t(slk::socket_type::xsub); ++other) {
            CAPTURE(int(bound));
            CAPTURE(int(other));
            auto in = new_context();
            auto a = must(frame_socket::create(in, slk::socket_type(bound), any));
            auto b = must(frame_socket::create(in, slk::socket_type(other), any));
            must(a.bind("inproc://any"));
            must(b.connect("inproc://any"));
            // Nothing is promised of what becomes of messages, but each call returns.
            for (frame_socket* const each : {&a, &b}) {
                (void)each->send(std::as_bytes(std::span("x", 1)), false, no_wait);
                if (each->type() == slk::socket_type::sub)
                    must(each->subscribe({}));
            }
            message got;
            for (frame_socket* const each : {&a, &b, &a, &b})
                (void)each->receive(got, no_wait);
        }
    }
    auto in = new_context();
    auto to = new_socket<pull>(in, any);
    auto from = new_socket<pair>(in, any);
    must(to.bind("inproc://any"));
    must(from.connect("inproc://any"));
    must(from.send("hello", test_timeout));
    CHECK(receive_text(to) == "hello");
    auto strict = new_socket<pair>(in);
    CHECK(code_of(strict.connect("inproc://any")) == errc::invalid_argument);
}

TEST_CASE("with inproc_ends_with_peer a connect() is over with the socket that it has met")
{
    auto in = new_context();
    push_options options;
    options.inproc_ends_with_peer = true;
    auto from = new_socket<push>(in, options);
    auto to = new_socket<pull>(in), other = new_socket<pull>(in);
    must(from.connect("inproc://a")); // waits for the first one
    must(to.bind("inproc://a"));
    bind_and_connect(other, from, "inproc://b");
    must(from.send("x", no_wait));
    CHECK(receive_text(to) == "x");
    must(from.send("y", no_wait));
    CHECK(receive_text(other) == "y");
    to.close(0ms);
    for (int count = 0; count < 4; ++count) {
        must(from.send("z", no_wait));
        CHECK(receive_text(other) == "z");
    }
    CHECK(code_of(from.disconnect("inproc://a")) == errc::invalid_argument);
    auto again = new_socket<pull>(in);
    must(again.bind("inproc://a"));
    other.close(0ms);
    CHECK(code_of(from.send("nobody", no_wait)) == errc::would_block);
    must(from.connect("inproc://a"));
    must(from.send("again", no_wait));
    CHECK(receive_text(again) == "again");
}
