// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("close sends the queued messages before it returns, and reports how many")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        auto to = new_socket<pull>(in);
        auto from = new_socket<push>(in, reconnect_at_once());
        bind_and_connect(to, from);
        for (int number = 0; number < 500; ++number)
            must(from.send(std::to_string(number), no_wait));
        const auto report = from.close(test_timeout);
        REQUIRE(report.peers.size() == 1);
        CHECK(report.peers[0].flushed == 500);
        CHECK(report.unsent() == 0);
        for (int number = 0; number < 500; ++number)
            REQUIRE(receive_text(to) == std::to_string(number));
    }
}

TEST_CASE("close returns at its timeout, and reports the unsent messages")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        auto from = new_socket<push>(in, reconnect_at_once());
        must(from.connect("tcp://127.0.0.1:1"));
        for (int number = 0; number < 7; ++number)
            must(from.send("x", no_wait));
        const auto began = std::chrono::steady_clock::now();
        const auto report = from.close(short_timeout);
        CHECK(std::chrono::steady_clock::now() - began >= short_timeout);
        CHECK(report.unsent() == 7);
        REQUIRE(report.peers.size() == 1);
        CHECK(report.peers[0].endpoint == "tcp://127.0.0.1:1");
        CHECK(report.peers[0].flushed == 0);
    }
}

TEST_CASE("the destructor waits for unsent messages as long as linger allows")
{
    auto in = new_context();
    const auto lifetime = [&](duration linger) {
        push_options options = reconnect_at_once();
        options.linger = linger;
        auto from = new_socket<push>(in, options);
        must(from.connect("tcp://127.0.0.1:1"));
        must(from.send("x", no_wait));
        const auto began = std::chrono::steady_clock::now();
        from = new_socket<push>(in);
        return std::chrono::steady_clock::now() - began;
    };
    CHECK(lifetime(200ms) >= 200ms);
    CHECK(lifetime(0s) < 200ms);
}

TEST_CASE("unbind frees the port before it returns, and received messages stay readable")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        auto to = new_socket<pull>(in);
        const auto where = must(to.bind(any_tcp));
        auto from = new_socket<push>(in, reconnect_at_once());
        must(from.connect(where));
        must(from.send("before", test_timeout));
        REQUIRE(until([&] { return to.events().readable; }));
        must(to.unbind(where));
        CHECK(code_of(to.unbind(where)) == errc::invalid_argument);
        auto other = new_socket<pull>(in);
        CHECK(must(other.bind(where)) == where);
        CHECK(receive_text(to) == "before");
        must(from.send("after", test_timeout));
        CHECK(receive_text(other) == "after");
    }
}

TEST_CASE("an endpoint is taken back by any spelling of it")
{
    auto in = new_context();
    auto to = new_socket<pull>(in);
    const std::string bound = must(to.bind("tcp://*:*"));
    const std::string port = bound.substr(bound.rfind(':') + 1);
    CHECK(code_of(to.unbind("tcp://127.0.0.1:" + port)) == errc::invalid_argument);
    CHECK(code_of(to.unbind("tcp://*:1")) == errc::invalid_argument);
    CHECK(code_of(to.disconnect("tcp://*:" + port)) == errc::invalid_argument);
    must(to.unbind("tcp://*:" + port));
    CHECK(to.endpoints().empty());

    auto from = new_socket<push>(in);
    const std::pair<const char*, const char*> spellings[] = {
        {"tcp://LocalHost:1", "tcp://localhost:1"},
        {"tcp://[::1]:1", "tcp://[0:0:0:0:0:0:0:1]:1"},
        {"tcp://127.0.0.1:0;127.0.0.1:1", "tcp://127.0.0.1;127.0.0.1:1"},
    };
    for (const auto& [given, other] : spellings) {
        CAPTURE(given);
        must(from.connect(given));
        must(from.connect(given));
        must(from.disconnect(other));
        CHECK(from.endpoints().empty());
    }
    // The very text comes first.
    must(from.connect("tcp://localhost:1"));
    must(from.connect("tcp://LOCALHOST:1"));
    must(from.disconnect("tcp://LOCALHOST:1"));
    REQUIRE(from.endpoints().size() == 1);
    CHECK(from.endpoints()[0].endpoint == "tcp://localhost:1");
}

TEST_CASE("disconnect with a timeout sends the queued messages first")
{
    auto in = new_context();
    auto to = new_socket<pull>(in);
    const auto where = must(to.bind(any_tcp));
    auto from = new_socket<push>(in, reconnect_at_once());
    must(from.connect(where));
    for (int number = 0; number < 100; ++number)
        must(from.send(std::to_string(number), test_timeout));
    const auto report = must(from.disconnect(where, test_timeout));
    CHECK(report.unsent() == 0);
    CHECK(report.peers.at(0).flushed == 100);
    CHECK(code_of(from.send("x", no_wait)) == errc::would_block);
    CHECK(from.endpoints().empty());
    CHECK(code_of(from.disconnect(where)) == errc::invalid_argument);
    for (int number = 0; number < 100; ++number)
        REQUIRE(receive_text(to) == std::to_string(number));

    must(from.connect("tcp://127.0.0.1:1"));
    must(from.send("never sent", no_wait));
    CHECK(must(from.disconnect("tcp://127.0.0.1:1")).unsent() == 1);
    CHECK(from.counters().unsent == 1);
}

TEST_CASE("messages of a peer that has closed can still be received")
{
    for (const char* const where : {"tcp://127.0.0.1:*", "inproc://closed"}) {
        CAPTURE(where);
        auto in = new_context();
        auto to = new_socket<pull>(in);
        {
            auto from = new_socket<push>(in);
            bind_and_connect(to, from, where);
            for (int number = 0; number < 10; ++number)
                must(from.send(std::to_string(number), test_timeout));
            (void)from.close(test_timeout);
        }
        for (int number = 0; number < 10; ++number)
            CHECK(receive_text(to) == std::to_string(number));
        CHECK(until([&] {
            message got;
            return code_of(to.receive(got, no_wait)) == errc::would_block && to.peers().empty();
        }));
        CHECK(to.counters().received == 10);
    }
}

TEST_CASE("a socket notices that the other end of inproc was closed")
{
    auto in = new_context();
    auto to = new_socket<pull>(in);
    auto from = new_socket<push>(in);
    bind_and_connect(to, from, "inproc://unread");
    must(from.send("x", test_timeout));
    (void)to.close(0s);
    CHECK(until([&] { return ready_peers(from) == 0; }));
    CHECK_FALSE(status_of(from).ready);
    CHECK(code_of(from.wait_ready(no_wait)) == errc::would_block);
}
