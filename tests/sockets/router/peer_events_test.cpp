// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "sockets/router/router_rig.hpp"
#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("a ROUTER reports peers that connect and disconnect, if its options ask for it")
{
    auto in = new_context();
    router_options options;
    options.notify_connect = true;
    options.notify_disconnect = true;
    auto at = new_socket<router>(in, options);
    const auto where = must(at.bind(any_tcp));
    {
        auto peer = new_dealer(in, where, "peer");
        CHECK(receive_event(at).event == router_event::connected);
        must(peer.send("hello", test_timeout));
        const auto received = receive_event(at);
        CHECK(received.event == router_event::message);
        CHECK(received.text == "hello");
    }
    const auto left = receive_event(at);
    CHECK(left.event == router_event::disconnected);
    CHECK(left.from.routing_id == "peer");

    must(at.set_notify(false, false));
    auto again = new_dealer(in, where, "again");
    must(again.send("hello", test_timeout));
    CHECK(receive_event(at).event == router_event::message);
}

TEST_CASE("peers by inproc are reported, unless notify_inproc is off")
{
    for (const bool on : {true, false}) {
        CAPTURE(on);
        auto in = new_context();
        router_options options;
        options.notify_connect = options.notify_disconnect = true;
        options.notify_inproc = on;
        auto at = new_socket<router>(in, options);
        must(at.bind("inproc://at"));
        {
            auto peer = new_dealer(in, "inproc://at", "peer");
            must(peer.send("hello", test_timeout));
            if (on)
                CHECK(receive_event(at).event == router_event::connected);
            CHECK(receive_event(at).event == router_event::message);
        }
        peer_id from;
        message into;
        CHECK(at.receive(from, into, 20ms).has_value() == on);
    }
}

TEST_CASE("a peer that disconnect_peer() disconnected reconnects as the next generation")
{
    auto in = new_context();
    auto at = new_socket<router>(in);
    auto there = new_dealer(in, must(at.bind(any_tcp)), "there");
    must(there.send("one", test_timeout));
    const auto before = receive_event(at);
    CHECK(code_of(at.disconnect_peer({"unknown"})) == errc::no_route);
    must(at.disconnect_peer(before.from));
    REQUIRE(until([&] { return there.peers().at(0).connections == 2; }));
    must(there.send("two", test_timeout));
    const auto after = receive_event(at);
    CHECK(after.text == "two");
    CHECK(after.from.generation == before.from.generation + 1);
    CHECK(code_of(at.disconnect_peer(before.from)) == errc::peer_replaced);
}

TEST_CASE("the status of a peer has the reason of disconnect_peer(), also after it reconnects")
{
    auto in = new_context();
    auto worker = new_socket<dealer>(in);
    auto at = new_socket<router>(in, reconnect_at_once<router_options>());
    must(at.connect(must(worker.bind(any_tcp)), {"worker"}));
    must(at.send({"worker"}, "first", test_timeout));
    CHECK(receive_text(worker) == "first");
    must(at.disconnect_peer({"worker"}, "too slow"));
    must(at.wait_ready(test_timeout));
    CHECK(until([&] {
        const auto peers = at.peers();
        return peers.size() == 1 && peers[0].ready && peers[0].last_reason.detail != nullptr &&
               std::string_view(peers[0].last_reason.detail) == "too slow";
    }));
    must(at.send({"worker"}, "second", test_timeout));
    CHECK(receive_text(worker) == "second");
}
