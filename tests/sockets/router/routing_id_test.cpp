// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "sockets/router/router_rig.hpp"
#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("a peer without a routing id gets one of five bytes, the first of which is zero")
{
    auto in = new_context();
    auto at = new_socket<router>(in);
    auto unnamed = new_dealer(in, must(at.bind(any_tcp)), "");
    must(unnamed.send("hello", test_timeout));
    const auto got = receive_event(at);
    REQUIRE(got.from.routing_id.size() == 5);
    CHECK(got.from.routing_id[0] == '\0');
    must(at.send(got.from, "reply", test_timeout));
    CHECK(receive_text(unnamed) == "reply");
}

TEST_CASE("a ROUTER can send to a peer that connect() named before it is ready, and the name stays")
{
    auto in = new_context();
    auto at = new_socket<router>(in, reconnect_at_once<router_options>());
    dealer_options options;
    options.routing_id = "its own name";
    auto there = new_socket<dealer>(in, options);
    const auto where = must(there.bind(any_tcp));
    must(at.connect(where, {.routing_id = "server"}));
    must(at.send({"server"}, "early", no_wait));
    CHECK(receive_text(there) == "early");
    must(there.send("reply", test_timeout));
    CHECK(receive_event(at).from.routing_id == "server");
    CHECK(code_of(at.connect(where, {.routing_id = "server"})) == errc::invalid_argument);
    CHECK(code_of(at.connect(where, {.routing_id = std::string("\0x", 2)})) ==
          errc::invalid_argument);
    CHECK(code_of(there.connect(where, {.routing_id = "x"})) == errc::invalid_argument);
}

TEST_CASE("a peer with a routing id that is taken is rejected, or takes it over with handover")
{
    for (const bool handover : {false, true}) {
        CAPTURE(handover);
        auto in = new_context();
        router_options options;
        options.handover = handover;
        auto at = new_socket<router>(in, options);
        const auto where = must(at.bind(any_tcp));
        // It does not come back: the two would take the routing id from each other for ever.
        dealer_options once;
        once.routing_id = "me";
        once.reconnect.base = reconnect_never;
        auto first = new_socket<dealer>(in, once);
        must(first.connect(where));
        must(first.send("first", test_timeout));
        const auto old = receive_event(at);
        auto second = new_dealer(in, where, "me");
        must(second.send("second", test_timeout));
        if (handover) {
            const auto now = receive_event(at);
            CHECK(now.text == "second");
            CHECK(now.from.generation > old.from.generation);
            CHECK(code_of(at.send(old.from, "too late", no_wait)) == errc::peer_replaced);
            must(at.send(now.from, "hello", test_timeout));
            CHECK(receive_text(second) == "hello");
        } else {
            CHECK(until([&] { return at.counters().rejected > 0; }));
            must(at.send(old.from, "to the first", test_timeout));
            CHECK(receive_text(first) == "to the first");
            // The second peer reconnects, and is admitted with all its messages when the routing
            // id is free.
            (void)first.close(0s);
            CHECK(receive_event(at).text == "second");
        }
    }
}
