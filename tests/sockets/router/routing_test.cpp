// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "sockets/router/router_rig.hpp"
#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("a ROUTER reports the peer of each message, and sends to the peer that it is given")
{
    auto in = new_context();
    auto at = new_socket<router>(in);
    const auto where = must(at.bind(any_tcp));
    auto ann = new_dealer(in, where, "ann");
    auto bob = new_dealer(in, where, "bob");
    must(ann.send("from ann", test_timeout));
    CHECK(receive_event(at).from.routing_id == "ann");
    must(bob.send("from bob", test_timeout));
    CHECK(receive_event(at).from.routing_id == "bob");
    must(at.send({"bob"}, "to bob", test_timeout));
    must(at.send({"ann"}, "to ann", test_timeout));
    CHECK(receive_text(ann) == "to ann");
    CHECK(receive_text(bob) == "to bob");
}

TEST_CASE("a mandatory ROUTER refuses a message without a route, another one drops and counts it")
{
    auto in = new_context();
    auto at = new_socket<router>(in);
    CHECK(code_of(at.send({"unknown"}, "x", no_wait)) == errc::no_route);
    must(at.set_mandatory(false));
    CHECK(must(at.send({"unknown"}, "x", no_wait)) == send_outcome::dropped_no_route);
    CHECK(at.counters().dropped_no_route == 1);

    router_options options;
    options.mandatory = false;
    options.send_high_water_mark = 1;
    auto full = new_socket<router>(in, options);
    must(full.connect("tcp://127.0.0.1:1", {.routing_id = "absent"}));
    CHECK(must(full.send({"absent"}, "1", no_wait)) == send_outcome::queued);
    CHECK(must(full.send({"absent"}, "2", no_wait)) == send_outcome::dropped_full);
    CHECK(full.counters().dropped_full == 1);
    CHECK_FALSE(must(full.has_room({"absent"})));
    CHECK(code_of(full.has_room({"unknown"})) == errc::no_route);
    must(full.set_mandatory(true));
    CHECK(code_of(full.send({"absent"}, "3", no_wait)) == errc::would_block);
}

TEST_CASE("messages of parts go both ways between a ROUTER and a DEALER")
{
    auto in = new_context(0);
    auto at = new_socket<router>(in);
    auto there = new_dealer(in, must(at.bind(any_tcp)), "x");
    multipart whole;
    must(whole.add("a"));
    must(whole.add("b"));
    must(there.send(std::move(whole), test_timeout));
    peer_id from;
    CHECK(must(at.receive(from, whole, test_timeout)) == router_event::message);
    CHECK(texts_of(whole) == std::vector<std::string>{"a", "b"});
    must(at.send(from, std::move(whole), test_timeout));
    must(there.receive(whole, test_timeout));
    CHECK(texts_of(whole) == std::vector<std::string>{"a", "b"});
}
