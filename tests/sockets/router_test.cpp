// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

dealer new_dealer(context& in, const std::string& to, const std::string& id)
{
    dealer_options options = reconnect_at_once<dealer_options>();
    options.routing_id = id;
    auto made = new_socket<dealer>(in, options);
    must(made.connect(to));
    return made;
}

struct heard {
    router_event what{};
    peer_id from{};
    std::string text{};
};

heard next_of(router& at, const timeout& limit = test_timeout)
{
    heard got;
    message part;
    got.what = must(at.receive(got.from, part, limit));
    got.text = part.text();
    return got;
}

} // namespace

TEST_CASE("a ROUTER says from whom, and sends to whom it is told")
{
    auto in = new_context();
    auto at = new_socket<router>(in);
    const auto where = must(at.bind(any_tcp));
    auto ann = new_dealer(in, where, "ann");
    auto bob = new_dealer(in, where, "bob");
    must(ann.send("from ann", test_timeout));
    CHECK(next_of(at).from.routing_id == "ann");
    must(bob.send("from bob", test_timeout));
    CHECK(next_of(at).from.routing_id == "bob");
    must(at.send({"bob"}, "to bob", test_timeout));
    must(at.send({"ann"}, "to ann", test_timeout));
    CHECK(receive_text(ann) == "to ann");
    CHECK(receive_text(bob) == "to bob");
}

TEST_CASE("a peer without a routing id gets one of five bytes that begins with a zero")
{
    auto in = new_context();
    auto at = new_socket<router>(in);
    auto somebody = new_dealer(in, must(at.bind(any_tcp)), "");
    must(somebody.send("hello", test_timeout));
    const auto got = next_of(at);
    REQUIRE(got.from.routing_id.size() == 5);
    CHECK(got.from.routing_id[0] == '\0');
    must(at.send(got.from, "hello yourself", test_timeout));
    CHECK(receive_text(somebody) == "hello yourself");
}

TEST_CASE("a mandatory ROUTER refuses what nobody can get, another one drops and counts it")
{
    auto in = new_context();
    auto at = new_socket<router>(in);
    CHECK(code_of(at.send({"nobody"}, "x", no_wait)) == errc::no_route);
    at.set_mandatory(false);
    CHECK(must(at.send({"nobody"}, "x", no_wait)) == send_outcome::dropped_no_route);
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
    CHECK(code_of(full.has_room({"nobody"})) == errc::no_route);
    full.set_mandatory(true);
    CHECK(code_of(full.send({"absent"}, "3", no_wait)) == errc::would_block);
}

TEST_CASE("a peer that connect() has named can be sent to before it is there, and keeps the name")
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
    must(there.send("answer", test_timeout));
    CHECK(next_of(at).from.routing_id == "server");
    CHECK(code_of(at.connect(where, {.routing_id = "server"})) == errc::invalid_argument);
    CHECK(code_of(at.connect(where, {.routing_id = std::string("\0x", 2)})) ==
          errc::invalid_argument);
    CHECK(code_of(there.connect(where, {.routing_id = "x"})) == errc::invalid_argument);
}

TEST_CASE("who comes with a routing id that is taken is sent away, or takes over")
{
    for (const bool handover : {false, true}) {
        CAPTURE(handover);
        auto in = new_context();
        router_options options;
        options.handover = handover;
        auto at = new_socket<router>(in, options);
        const auto where = must(at.bind(any_tcp));
        auto first = new_dealer(in, where, "me");
        must(first.send("first", test_timeout));
        const auto old = next_of(at);
        auto second = new_dealer(in, where, "me");
        must(second.send("second", test_timeout));
        if (handover) {
            const auto now = next_of(at);
            CHECK(now.text == "second");
            CHECK(now.from.generation > old.from.generation);
            CHECK(code_of(at.send(old.from, "too late", no_wait)) == errc::no_route);
            must(at.send(now.from, "hello", test_timeout));
            CHECK(receive_text(second) == "hello");
        } else {
            CHECK(until([&] { return at.counters().rejected > 0; }));
            must(at.send(old.from, "still you", test_timeout));
            CHECK(receive_text(first) == "still you");
            // The newcomer comes again, and is let in when the name is free.
            (void)first.close(0s);
            CHECK(until([&] {
                (void)second.send("second", no_wait);
                return at.events().readable;
            }));
            CHECK(next_of(at).text == "second");
        }
    }
}

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

TEST_CASE("a DEALER that probes makes itself known without a message")
{
    auto in = new_context();
    auto at = new_socket<router>(in);
    dealer_options options;
    options.routing_id = "prober";
    options.probe_router = true;
    auto probing = new_socket<dealer>(in, options);
    bind_and_connect(at, probing);
    const auto got = next_of(at);
    CHECK(got.from.routing_id == "prober");
    CHECK(got.text.empty());
}

TEST_CASE("a ROUTER that probes makes itself known to another one, and otherwise does not")
{
    for (const bool probes : {true, false}) {
        auto in = new_context();
        auto at = new_socket<router>(in);
        router_options options = reconnect_at_once<router_options>();
        options.routing_id = "prober";
        options.probe_router = probes;
        auto other = new_socket<router>(in, options);
        bind_and_connect(at, other);
        must(other.wait_ready(test_timeout)); // it greets when it takes notice of the peer
        if (probes) {
            const auto said = next_of(at);
            CHECK(said.from.routing_id == "prober");
            CHECK(said.text.empty());
        } else {
            must(at.wait_ready(test_timeout));
            multipart none;
            peer_id from;
            CHECK(code_of(at.receive(from, none, short_timeout)) == errc::timed_out);
        }
    }
}

TEST_CASE("messages of parts go to and fro between a ROUTER and a DEALER")
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
