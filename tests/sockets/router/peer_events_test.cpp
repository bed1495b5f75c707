// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "sockets/router/router_rig.hpp"
#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("a ROUTER tells of peers that come and go, if it is asked to")
{
    auto in = new_context();
    router_options options;
    options.notify_connect = true;
    options.notify_disconnect = true;
    auto at = new_socket<router>(in, options);
    const auto where = must(at.bind(any_tcp));
    {
        auto guest = new_dealer(in, where, "guest");
        CHECK(next_of(at).what == router_event::connected);
        must(guest.send("hello", test_timeout));
        const auto said = next_of(at);
        CHECK(said.what == router_event::message);
        CHECK(said.text == "hello");
    }
    const auto gone = next_of(at);
    CHECK(gone.what == router_event::disconnected);
    CHECK(gone.from.routing_id == "guest");

    at.set_notify(false, false);
    auto again = new_dealer(in, where, "again");
    must(again.send("hello", test_timeout));
    CHECK(next_of(at).what == router_event::message);
}

TEST_CASE("a peer that is disconnected by name comes again as another generation")
{
    auto in = new_context();
    auto at = new_socket<router>(in);
    auto there = new_dealer(in, must(at.bind(any_tcp)), "there");
    must(there.send("one", test_timeout));
    const auto before = next_of(at);
    CHECK(code_of(at.disconnect_peer({"nobody"})) == errc::no_route);
    must(at.disconnect_peer(before.from));
    REQUIRE(until([&] { return there.peers().at(0).connections == 2; }));
    must(there.send("two", test_timeout));
    const auto after = next_of(at);
    CHECK(after.text == "two");
    CHECK(after.from.generation == before.from.generation + 1);
    CHECK(code_of(at.disconnect_peer(before.from)) == errc::no_route);
}

TEST_CASE("why a ROUTER has disconnected a peer is told by its status, also when he is back")
{
    auto in = new_context();
    auto far = new_socket<dealer>(in);
    auto at = new_socket<router>(in, reconnect_at_once<router_options>());
    must(at.connect(must(far.bind(any_tcp)), {"worker"}));
    must(at.send({"worker"}, "first", test_timeout));
    CHECK(receive_text(far) == "first");
    must(at.disconnect_peer({"worker"}, "too slow"));
    must(at.wait_ready(test_timeout));
    CHECK(until([&] {
        const auto peers = at.peers();
        return peers.size() == 1 && peers[0].ready && peers[0].last_reason.detail != nullptr &&
               std::string_view(peers[0].last_reason.detail) == "too slow";
    }));
    must(at.send({"worker"}, "second", test_timeout));
    CHECK(receive_text(far) == "second");
}
