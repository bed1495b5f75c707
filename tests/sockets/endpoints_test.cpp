// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("bind answers where it listens, in numbers")
{
    auto in = new_context();
    auto at = new_socket<pull>(in);
    const auto where = must(at.bind(any_tcp));
    CHECK(where.starts_with("tcp://127.0.0.1:"));
    CHECK_FALSE(where.ends_with(":0"));
    CHECK(at.last_endpoint() == where);
    CHECK(must(at.bind("tcp://*:0")).starts_with("tcp://0.0.0.0:"));
    CHECK(must(at.bind("tcp://[::1]:*")).starts_with("tcp://[::1]:"));
    CHECK(must(at.bind("inproc://a name")) == "inproc://a name");
    CHECK(at.endpoints().size() == 4);
}

TEST_CASE("what cannot be bound or connected to is an error value at once")
{
    auto in = new_context();
    auto at = new_socket<pull>(in);
    for (const char* const bad : {"", "tcp", "tcp://", "tcp://127.0.0.1", "tcp://127.0.0.1:65536",
                                  "tcp://127.0.0.1:x", "://x", "inproc://"}) {
        CAPTURE(bad);
        CHECK(code_of(at.bind(bad)) == errc::invalid_argument);
        CHECK(code_of(at.connect(bad)) == errc::invalid_argument);
    }
    CHECK(code_of(at.bind("pgm://x:1")) == errc::not_supported);
    CHECK(code_of(at.connect("tcp://127.0.0.1:*")) == errc::invalid_argument);
    CHECK(code_of(at.connect("tcp://*:1")) == errc::invalid_argument);
    CHECK(code_of(at.bind("tcp://192.0.2.1:*")) == errc::address_not_available);
    const auto taken = must(at.bind(any_tcp));
    CHECK(code_of(at.bind(taken)) == errc::address_in_use);
    must(at.bind("inproc://taken"));
    CHECK(code_of(at.bind("inproc://taken")) == errc::address_in_use);
    CHECK(at.endpoints().size() == 2);
    CHECK(at.last_endpoint() == "inproc://taken");
}

TEST_CASE("inproc names are of one context, free again after unbind, and types are checked")
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
    // A pipe that exists stays when the name goes.
    must(push_there.send("old friend", test_timeout));
    CHECK(receive_text(a) == "old friend");

    auto wrong = new_socket<push>(in);
    must(wrong.bind("inproc://of a push"));
    auto another = new_socket<push>(in);
    CHECK(code_of(another.connect("inproc://of a push")) == errc::invalid_argument);
}

TEST_CASE("types that do not suit each other are refused, and the endpoint says why")
{
    auto in = new_context();
    auto at = new_socket<push>(in);
    auto wrong = new_socket<push>(in, reconnect_at_once());
    bind_and_connect(at, wrong);
    CHECK(until([&] { return wrong.endpoints()[0].handshake_failures > 0; }));
    CHECK(wrong.endpoints()[0].last_handshake_failure == errc::protocol_error);
    CHECK(until([&] { return at.endpoints()[0].handshake_failures > 0; }));
    CHECK(at.endpoints()[0].last_handshake_failure == errc::protocol_error);
    CHECK_FALSE(wrong.endpoints()[0].ready);
}

TEST_CASE("a peer that restarts is found again, and what was queued meanwhile arrives")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        auto from = new_socket<push>(in, reconnect_at_once());
        std::string where = "tcp://127.0.0.1:*";
        for (int life = 0; life < 20; ++life) {
            auto to = new_socket<pull>(in);
            where = must(to.bind(where));
            if (life == 0)
                must(from.connect(where));
            // What the last connection took with it is gone, so the first word may be one of
            // this life or of the time between.
            REQUIRE(until([&] { return from.endpoints()[0].ready; }));
            must(from.send(std::to_string(life), test_timeout));
            std::string got = receive_text(to);
            while (got != std::to_string(life))
                got = receive_text(to);
        }
        CHECK(from.endpoints()[0].link.generation >= 20);
    }
}

TEST_CASE("a second peer of a PAIR is sent away, and let in when the first has gone")
{
    auto in = new_context();
    auto at = new_socket<pair>(in);
    const auto where = must(at.bind(any_tcp));
    auto first = new_socket<pair>(in, reconnect_at_once());
    must(first.connect(where));
    must(first.send("first", test_timeout));
    CHECK(receive_text(at) == "first");
    auto second = new_socket<pair>(in, reconnect_at_once());
    must(second.connect(where));
    must(second.send("second", no_wait));
    CHECK(until([&] { return at.counters().rejected > 0; }));
    must(at.send("to the first", test_timeout));
    CHECK(receive_text(first) == "to the first");
    (void)first.close(0s);
    // What its refused connections have taken is lost.
    CHECK(until([&] {
        (void)second.send("second", no_wait);
        return receive_text(at, short_timeout) == "second";
    }));
}

TEST_CASE("a context takes as many sockets as it may, and makes room when one has gone")
{
    auto in = new_context(1, {.max_sockets = 2});
    auto a = new_socket<pair>(in);
    {
        auto b = new_socket<pair>(in);
        CHECK(code_of(pair::create(in)) == errc::too_many_descriptors);
    }
    CHECK(pair::create(in).has_value());
}

TEST_CASE("a context refuses options that make no sense")
{
    CHECK(code_of(context::create({.threads = -1})) == errc::invalid_argument);
    CHECK(code_of(context::create({.threads = 65})) == errc::invalid_argument);
    CHECK(code_of(context::create({.max_sockets = 0})) == errc::invalid_argument);
    CHECK(code_of(context::create({.loop = {.backend = "steam"}})) == errc::not_supported);
}
