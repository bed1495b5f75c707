// SPDX-License-Identifier: MPL-2.0

// What a ROUTER tells about its peers: router::stats(), is_known() and known_peers().

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"
#include "support/texts.hpp"

#include <chrono>
#include <string>
#include <thread>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

bool knows(router& which, const std::string& name)
{
    return must(which.is_known({name}));
}

/// Receives this number of whole messages.
void receive_messages(router& at, int count)
{
    for (int number = 0; number < count; ++number) {
        peer_id from;
        multipart got;
        REQUIRE(at.receive(from, got, test_timeout));
    }
}

} // namespace

TEST_CASE("a ROUTER counts the messages of each peer and their bytes")
{
    for (const int threads : {0, 1}) {
        for (const char* const endpoint : {any_tcp, "inproc://counted"}) {
            CAPTURE(threads);
            CAPTURE(endpoint);
            auto in = new_context(threads);
            auto at = new_socket<router>(in);
            auto one = new_socket<dealer>(in, {.routing_id = "one"});
            auto other = new_socket<dealer>(in, {.routing_id = "other"});
            const std::string where = must(at.bind(endpoint));
            must(one.connect(where));
            must(other.connect(where));
            // Nothing is received meanwhile.
            const auto turn = [&] { return (void)one.events(), (void)other.events(); };
            REQUIRE(until([&] { return turn(), knows(at, "one") && knows(at, "other"); }));

            must(one.send("hello", test_timeout));
            must(one.send(multipart_of({"ab", "", "c"}), test_timeout));
            must(other.send(std::string(100000, 'x'), test_timeout));
            receive_messages(at, 3);
            must(at.send({"one"}, multipart_of({"x", "yz"}), test_timeout));
            must(at.send({"one"}, "12345", test_timeout));
            must(at.send({"one"}, std::string(70000, 'y'), test_timeout));

            const auto of_one = must(at.stats({"one"}));
            CHECK(of_one.messages_received == 2);
            CHECK(of_one.bytes_received == 8);
            CHECK(of_one.messages_sent == 3);
            CHECK(of_one.bytes_sent == 70008);
            CHECK(of_one.connected);
            const auto of_other = must(at.stats({"other"}));
            CHECK(of_other.messages_received == 1);
            CHECK(of_other.bytes_received == 100000);
            CHECK(of_other.messages_sent == 0);
            CHECK(of_other.bytes_sent == 0);

            CHECK(code_of(at.stats({"nobody"})) == errc::no_route);
            CHECK(code_of(at.stats({"one", 99})) == errc::peer_replaced);
            CHECK_FALSE(knows(at, "nobody"));
            const auto known = must(at.known_peers());
            REQUIRE(known.size() == 2);
            CHECK(known[0].routing_id == "one");
            CHECK(known[1].routing_id == "other");
            CHECK(must(at.stats(known[1])).messages_received == 1);
        }
    }
}

TEST_CASE("a ROUTER counts the parts of a message as they are received")
{
    auto in = new_context();
    auto at = new_socket<router>(in);
    auto from = new_socket<dealer>(in, {.routing_id = "a"});
    bind_and_connect(at, from);
    must(from.send(multipart_of({"12", "345"}), test_timeout));
    peer_id who;
    message part;
    REQUIRE(at.receive(who, part, test_timeout));
    CHECK(must(at.stats({"a"})).bytes_received == 2);
    CHECK(must(at.stats({"a"})).messages_received == 0);
    REQUIRE(at.receive(who, part, test_timeout));
    CHECK(must(at.stats({"a"})).bytes_received == 5);
    CHECK(must(at.stats({"a"})).messages_received == 1);
}

TEST_CASE("a ROUTER knows how long a peer has been connected, and forgets it when it goes")
{
    for (const char* const endpoint : {any_tcp, "inproc://timed"}) {
        CAPTURE(endpoint);
        auto in = new_context();
        auto at = new_socket<router>(in);
        const std::string where = must(at.bind(endpoint));
        const auto before = std::chrono::steady_clock::now();
        auto from = new_socket<dealer>(in, {.routing_id = "a"});
        must(from.connect(where));
        REQUIRE(until([&] { return knows(at, "a"); }));
        std::this_thread::sleep_for(20ms);
        const auto elapsed = must(at.stats({"a"})).connected_for;
        const auto now = std::chrono::steady_clock::now();
        CHECK(elapsed >= 20ms);
        CHECK(elapsed <= now - before);
        from.close(0s);
        REQUIRE(until([&] { return !knows(at, "a"); }));
        CHECK(code_of(at.stats({"a"})) == errc::no_route);
        CHECK(must(at.known_peers()).empty());
    }
}

TEST_CASE("a ROUTER knows a peer that connect() has named before it is connected")
{
    auto in = new_context();
    auto at = new_socket<router>(in, reconnect_at_once());
    must(at.connect("tcp://127.0.0.1:1", {.routing_id = "alias"}));
    CHECK(knows(at, "alias"));
    must(at.send({"alias"}, "queued", test_timeout));
    const auto stats = must(at.stats({"alias"}));
    CHECK_FALSE(stats.connected);
    CHECK(stats.connected_for == 0s);
    CHECK(stats.messages_sent == 1);
    CHECK(stats.bytes_sent == 6);
}

TEST_CASE("a ROUTER knows when the last heartbeat of a peer arrived")
{
    const auto now = [] { return std::chrono::system_clock::now().time_since_epoch(); };
    for (const bool ours : {false, true}) {
        CAPTURE(ours);
        auto in = new_context();
        const duration often = 30ms;
        auto at = new_socket<router>(in, {.peer_timeout = ours ? often : 0s});
        auto from = new_socket<dealer>(in, {.peer_timeout = ours ? 0s : often, .routing_id = "a"});
        const auto began = now() - 1ms;
        bind_and_connect(at, from);
        REQUIRE(until([&] { return knows(at, "a"); }));
        REQUIRE(until([&] { return must(at.stats({"a"})).last_heartbeat > 0ms; }));
        const auto first = must(at.stats({"a"})).last_heartbeat;
        CHECK(first >= began);
        CHECK(first <= now());
        CHECK(until([&] { return must(at.stats({"a"})).last_heartbeat > first; }));
    }
    auto in = new_context();
    auto at = new_socket<router>(in, {.peer_timeout = 0s});
    auto from = new_socket<dealer>(in, {.peer_timeout = 0s, .routing_id = "a"});
    bind_and_connect(at, from);
    must(from.send("x", test_timeout));
    receive_messages(at, 1);
    CHECK(must(at.stats({"a"})).last_heartbeat == 0ms);
}
