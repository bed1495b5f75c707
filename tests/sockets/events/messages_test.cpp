// SPDX-License-Identifier: MPL-2.0

// What the events of a socket say of messages: subscriptions, and what is lost.

#include <serverlink/serverlink.hpp>

#include "sockets/router/router_rig.hpp"
#include "support/events.hpp"

#include <map>

using namespace slk;
using namespace slk::testing;

TEST_CASE("a PUB sees the topics of its peers come and go, each once")
{
    for (const char* where : {any_tcp, "inproc://topics"}) {
        CAPTURE(where);
        auto in = new_context();
        auto from = new_socket<pub>(in);
        auto to = new_socket<sub>(in);
        watched_events seen(from, {.kinds = {event_kind::subscribed, event_kind::unsubscribed}});
        bind_and_connect(from, to, where);
        must(to.subscribe("weather"));
        must(to.subscribe("weather"));
        must(from.wait_subscribers("weather", 1, test_timeout));
        must(to.unsubscribe("weather"));
        must(to.unsubscribe("weather"));
        must(to.subscribe(std::string_view("\0x", 2)));
        must(from.wait_subscribers(std::string_view("\0x", 2), 1, test_timeout));
        seen.read();
        REQUIRE(seen.all.size() == 3);
        CHECK(seen.all[0].kind == event_kind::subscribed);
        CHECK(seen.all[0].topic == "weather");
        CHECK(seen.all[1].kind == event_kind::unsubscribed);
        CHECK(seen.all[1].topic == "weather");
        CHECK(seen.all[2].topic == std::string("\0x", 2));
        CHECK(to_string(seen.all[2]).ends_with(" topic \"\\x00x\""));
    }
}

TEST_CASE("long topics fill a stream sooner, so that no peer fills the memory")
{
    auto in = new_context();
    pub_options options;
    auto from = new_socket<pub>(in, options);
    auto to = new_socket<sub>(in);
    watched_events seen(from, {.kinds = {event_kind::subscribed}, .capacity = 100});
    bind_and_connect(from, to, "inproc://long");
    // Each of the long ones takes 41 places.
    const std::string long_text(40 * event_options::text_per_place, 'x');
    for (const char end : {'1', '2', '3', '4'})
        must(to.subscribe(long_text + end));
    for (const char end : {'1', '2', '3', '4'})
        must(to.subscribe(std::string(1, end)));
    must(from.wait_subscribers("4", 1, test_timeout));
    seen.read();
    REQUIRE(seen.all.size() == 7);
    CHECK(seen.all[0].topic == long_text + '1');
    CHECK(seen.all[1].topic == long_text + '2');
    CHECK(seen.all[2].kind == event_kind::events_lost);
    CHECK(seen.all[2].count == 2);
    CHECK(seen.all[3].topic == "1");
    // One event always fits.
    watched_events one(from, {.kinds = {event_kind::subscribed}, .capacity = 1});
    must(to.subscribe(long_text));
    must(from.wait_subscribers(long_text, 1, test_timeout));
    one.read();
    REQUIRE(one.all.size() == 1);
    CHECK(one.all[0].topic == long_text);
}

TEST_CASE("messages that a ROUTER or a PUB drops are events, which count while they are unread")
{
    auto in = new_context();
    SUBCASE("no route")
    {
        router_options options;
        options.mandatory = false;
        auto from = new_socket<router>(in, options);
        watched_events seen(from);
        const auto send_to = [&](const char* whom) {
            CHECK(must(from.send({whom}, "message")) == send_outcome::dropped_no_route);
        };
        for (int number = 0; number < 3; ++number)
            send_to("nobody");
        send_to("another");
        seen.read();
        REQUIRE(seen.all.size() == 2);
        CHECK(seen.all[0].kind == event_kind::dropped);
        CHECK(seen.all[0].drop == drop_reason::no_route);
        CHECK(seen.all[0].routing_id == "nobody");
        CHECK(seen.all[0].count == 3);
        CHECK(seen.all[1].routing_id == "another");
        send_to("another");
        seen.read();
        CHECK(seen.all.back().count == 1);
        CHECK(to_string(seen.all.back()) == "dropped peer \"another\" no_route count 1");
    }
    SUBCASE("nobody has subscribed")
    {
        auto from = new_socket<pub>(in);
        watched_events seen(from);
        for (int number = 0; number < 5; ++number)
            CHECK(must(from.send("message")) == send_outcome::dropped_no_route);
        seen.read();
        REQUIRE(seen.all.size() == 1);
        CHECK(seen.all[0].count == 5);
    }
    SUBCASE("of two peers without a routing id each")
    {
        pub_options options;
        options.send_high_water_mark = 1;
        auto from = new_socket<pub>(in, options);
        sub_options of_sub;
        of_sub.receive_high_water_mark = 1;
        auto first = new_socket<sub>(in, of_sub), second = new_socket<sub>(in, of_sub);
        bind_and_connect(from, first, "inproc://first");
        bind_and_connect(from, second, "inproc://second");
        must(first.subscribe(""));
        must(second.subscribe(""));
        must(from.wait_subscribers("", 2, test_timeout));
        watched_events seen(from);
        for (int number = 0; number < 5; ++number)
            (void)must(from.send("message"));
        seen.read();
        std::map<std::string, std::uint64_t> missed;
        for (const event& each : seen.all)
            missed[each.endpoint] += each.count;
        CHECK(missed["inproc://first"] == 3);
        CHECK(missed["inproc://second"] == 3);
    }
    SUBCASE("full")
    {
        pub_options options;
        options.send_high_water_mark = 1;
        auto from = new_socket<pub>(in, options);
        sub_options of_sub;
        of_sub.receive_high_water_mark = 1;
        auto to = new_socket<sub>(in, of_sub);
        bind_and_connect(from, to, "inproc://full");
        must(to.subscribe(""));
        must(from.wait_subscribers("", 1, test_timeout));
        watched_events seen(from);
        for (int number = 0; number < 5; ++number)
            (void)must(from.send("message"));
        seen.read();
        REQUIRE(seen.all.size() == 1);
        CHECK(seen.all[0].drop == drop_reason::full);
        CHECK(seen.all[0].count == from.counters().dropped_full);
    }
}

TEST_CASE("messages that are not sent, or not read, when a peer goes for good are events")
{
    auto in = new_context();
    auto to = new_socket<pull>(in);
    push_options options;
    options.requeue = false;
    auto from = new_socket<push>(in, options);
    watched_events at_sender(from), at_receiver(to);
    bind_and_connect(to, from);
    must(from.send("unread", test_timeout));
    REQUIRE(until([&] { return to.events().readable; }));
    to.close(0s);
    at_receiver.wait_for(event_kind::stopped);
    CHECK(at_receiver.last(event_kind::dropped).drop == drop_reason::discarded);
    CHECK(at_receiver.last(event_kind::dropped).count == 1);
    at_sender.wait_for(event_kind::disconnected);
    must(from.send("unsent", test_timeout));
    from.close(0s);
    at_sender.wait_for(event_kind::stopped);
    CHECK(at_sender.last(event_kind::dropped).drop == drop_reason::unsent);
    CHECK(at_sender.last(event_kind::dropped).count == 1);
}

TEST_CASE("a ROUTER's peers have their ids and generations in events")
{
    auto in = new_context();
    auto server = new_socket<router>(in);
    watched_events seen(server);
    const std::string where = must(server.bind(any_tcp));
    for (const std::uint64_t generation : {1U, 2U}) {
        auto client = new_dealer(in, where, "client");
        must(client.send("message", test_timeout));
        CHECK(receive_event(server).text == "message");
        seen.wait_for(event_kind::peer_added);
        CHECK(seen.last(event_kind::peer_added).routing_id == "client");
        CHECK(seen.last(event_kind::peer_added).generation == generation);
        CHECK(seen.last(event_kind::handshake_succeeded).routing_id == "client");
        client.close(0s);
        REQUIRE(until([&] { return server.counters().disconnected == generation; }));
        (void)server.peers();
        seen.wait_for(event_kind::peer_removed);
        CHECK(seen.last(event_kind::peer_removed).generation == generation);
        CHECK(seen.last(event_kind::peer_removed).reason);
    }
}

TEST_CASE("an event is one line, whatever an endpoint's text is")
{
    event what;
    what.kind = event_kind::bind_failed;
    what.endpoint = "tcp://x\nerror peer: forged\x1b[1m";
    CHECK(to_string(what) == "bind_failed tcp://x\\x0aerror peer: forged\\x1b[1m");
}

TEST_CASE("the losses of many full peers do not push other events out")
{
    auto in = new_context();
    pub_options options;
    options.send_high_water_mark = 1;
    auto from = new_socket<pub>(in, options);
    sub_options of_sub;
    of_sub.receive_high_water_mark = 1;
    std::vector<sub> all;
    for (int number = 0; number < 300; ++number) {
        all.push_back(new_socket<sub>(in, of_sub));
        bind_and_connect(from, all.back(), ("inproc://many " + std::to_string(number)).c_str());
        must(all.back().subscribe(""));
    }
    must(from.wait_subscribers("", all.size(), test_timeout));
    watched_events seen(from, {.capacity = 1000});
    for (int number = 0; number < 50; ++number)
        (void)must(from.send("message"));
    seen.read();
    std::uint64_t missed = 0;
    for (const event& each : seen.all) {
        CHECK(each.kind == event_kind::dropped);
        missed += each.count;
    }
    CHECK(missed == from.counters().dropped_full);
    CHECK(missed == 48 * all.size());
}
