// SPDX-License-Identifier: MPL-2.0

// ROUTER: routing ids, generations, and notices of its peers.

#include "pattern/router.hpp"
#include "peers.hpp"

#include <doctest/doctest.h>

using namespace slk;
using namespace slk::testing;
using namespace std::string_literals;

namespace {

using kind = pattern::routing::kind;

named_peer peer_with(std::string id)
{
    named_peer made('x');
    made.routing_id = std::move(id);
    return made;
}

/// Whether attach() or resume_sending() has taken the peer, and displaced no other.
bool took_free_place(const result<pattern::peer*>& taken)
{
    return taken && *taken == nullptr;
}

pattern::peer* find(const pattern::router& table, std::string id, std::uint64_t generation = 0)
{
    return table.find({std::move(id), generation}).value_or(nullptr);
}

pattern::routing route_to(pattern::router& table, std::string id, std::uint64_t generation = 0)
{
    const peer_id to{std::move(id), generation};
    return route(table, &to);
}

} // namespace

TEST_CASE("a ROUTER finds its peers by their routing ids, which may have any bytes")
{
    pattern::router table(0);
    named_peer a = peer_with("a"), b = peer_with("a\0b"s), c = peer_with("\xff"s);
    for (named_peer* const each : {&a, &b, &c})
        REQUIRE(took_free_place(table.attach(*each)));
    CHECK(find(table, "a") == &a);
    CHECK(find(table, "a\0b"s) == &b);
    CHECK(find(table, "\xff") == &c);
    CHECK(find(table, "b") == nullptr);
    CHECK(find(table, "") == nullptr);
    const pattern::routing nameless = route(table);
    CHECK(nameless.what == kind::refused);
    CHECK(nameless.failure.code == errc::invalid_argument);
    CHECK(route_to(table, "a").to == &a);
    CHECK(route_to(table, "a", a.generation).to == &a);
    CHECK(route_to(table, "b").what == kind::refused);
}

TEST_CASE("a peer without a routing id gets one: a zero byte, and the next number")
{
    pattern::router table(0x01fffffe);
    named_peer a('a'), b('b'), c('c');
    for (named_peer* const each : {&a, &b, &c})
        REQUIRE(took_free_place(table.attach(*each)));
    CHECK(a.routing_id == "\0\x01\xff\xff\xfe"s);
    CHECK(b.routing_id == "\0\x01\xff\xff\xff"s);
    CHECK(c.routing_id == "\0\x02\0\0\0"s);
    CHECK(find(table, b.routing_id) == &b);
}

TEST_CASE("a routing id that a ROUTER makes is not one that a peer has")
{
    pattern::router table(0xffffffff);
    named_peer holder = peer_with("\0\xff\xff\xff\xff"s), next = peer_with("\0\0\0\0\0"s);
    REQUIRE(took_free_place(table.attach(holder)));
    REQUIRE(took_free_place(table.attach(next)));
    named_peer a('a');
    REQUIRE(took_free_place(table.attach(a)));
    CHECK(a.routing_id == "\0\0\0\0\1"s);
    CHECK(find(table, holder.routing_id) == &holder);
}

TEST_CASE("a new peer whose routing id is taken is not attached, and nothing changes")
{
    pattern::router table(0);
    named_peer first = peer_with("id"), second = peer_with("id");
    REQUIRE(took_free_place(table.attach(first)));
    const auto refused = table.attach(second);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::address_in_use);
    CHECK(find(table, "id") == &first);
    CHECK(second.generation == 0);
    // A peer that was not attached does not take the id away when it goes.
    table.stop_sending(second);
    CHECK(find(table, "id") == &first);
    table.stop_sending(first);
    CHECK(find(table, "id") == nullptr);
    REQUIRE(took_free_place(table.attach(second)));
    CHECK(find(table, "id") == &second);
}

TEST_CASE(
    "with handover a new peer takes the routing id over, and attach() returns the displaced one")
{
    pattern::router table(0);
    table.handover = true;
    named_peer first = peer_with("id"), second = peer_with("id"), other = peer_with("other");
    REQUIRE(took_free_place(table.attach(first)));
    const auto displaced = table.attach(second);
    REQUIRE(displaced);
    CHECK(*displaced == &first);
    CHECK(find(table, "id") == &second);
    // The end of the displaced peer does not take the id from its new owner.
    table.detach(first);
    CHECK(find(table, "id") == &second);
    REQUIRE(took_free_place(table.attach(other)));
}

TEST_CASE("every attach() gives a generation that no peer had before")
{
    pattern::router table(0);
    named_peer a = peer_with("a"), b = peer_with("b");
    REQUIRE(took_free_place(table.attach(a)));
    REQUIRE(took_free_place(table.attach(b)));
    CHECK(a.generation != 0);
    CHECK(b.generation != 0);
    CHECK(a.generation != b.generation);
    const std::uint64_t before = a.generation;
    table.detach(a);
    REQUIRE(took_free_place(table.attach(a)));
    CHECK(a.generation != before);
    CHECK(a.generation != b.generation);
}

TEST_CASE("a peer that is not sent to cannot be found, and gets its id back if that is free")
{
    pattern::router table(0);
    named_peer a = peer_with("a"), other = peer_with("a");
    REQUIRE(took_free_place(table.attach(a)));
    table.stop_sending(a);
    CHECK(find(table, "a") == nullptr);
    REQUIRE(took_free_place(table.resume_sending(a)));
    CHECK(find(table, "a") == &a);
    table.stop_sending(a);
    REQUIRE(took_free_place(table.attach(other)));
    const auto taken = table.resume_sending(a);
    REQUIRE_FALSE(taken);
    CHECK(taken.error().code == errc::address_in_use);
    CHECK(find(table, "a") == &other);
    table.handover = true;
    const auto displaced = table.resume_sending(a);
    REQUIRE(displaced);
    CHECK(*displaced == &other);
    CHECK(find(table, "a") == &a);
}

TEST_CASE(
    "a ROUTER receives the messages of all peers in turn, even of those that it does not send to")
{
    pattern::router table(0);
    named_peer a('a'), b('b');
    REQUIRE(took_free_place(table.attach(a)));
    REQUIRE(took_free_place(table.attach(b)));
    add_messages(table, a, 2);
    add_messages(table, b, 3);
    table.stop_sending(a);
    CHECK(receive(table) == "a0 b0 a1 b1 b2 ");
    add_messages(table, a, 1);
    table.detach(a);
    CHECK(receive(table).empty());
}

TEST_CASE("a generation names one peer: the next peer with the same routing id is another one")
{
    pattern::router table(0);
    named_peer first = peer_with("id"), second = peer_with("id");
    REQUIRE(took_free_place(table.attach(first)));
    table.detach(first);
    REQUIRE(took_free_place(table.attach(second)));
    CHECK(find(table, "id", first.generation) == nullptr);
    CHECK(route_to(table, "id", first.generation).failure.code == errc::peer_replaced);
    CHECK(find(table, "id", second.generation) == &second);
    CHECK(route_to(table, "id", second.generation).to == &second);
    CHECK(route_to(table, "id").to == &second);
}

TEST_CASE("without a peer or without room a mandatory ROUTER fails or waits, and another one drops")
{
    pattern::router table(0);
    named_peer a = peer_with("a"), b = peer_with("b");
    CHECK_FALSE(can_send(table));
    REQUIRE(took_free_place(table.attach(a)));
    REQUIRE(took_free_place(table.attach(b)));
    a.room = 0;
    CHECK(can_send(table));
    CHECK(route_to(table, "a").what == kind::wait);
    CHECK(route_to(table, "b").to == &b);
    CHECK(route_to(table, "c").failure.code == errc::no_route);
    b.room = 0;
    CHECK_FALSE(can_send(table));

    table.mandatory = false;
    CHECK(can_send(table));
    CHECK(route_to(table, "a").what == kind::dropped);
    CHECK(route_to(table, "a").outcome == send_outcome::dropped_full);
    CHECK(route_to(table, "c").what == kind::dropped);
    CHECK(route_to(table, "c").outcome == send_outcome::dropped_no_route);
    a.room = 1;
    CHECK(route_to(table, "a").to == &a);
}

TEST_CASE("a ROUTER has a notice for each peer that comes and goes, if they are asked for")
{
    pattern::router table(0);
    named_peer a = peer_with("a");
    REQUIRE(took_free_place(table.attach(a)));
    CHECK(table.prepare(a));
    table.connected(a);
    table.disconnected(a);
    CHECK(table.own_messages.empty());

    table.notify_connect = true;
    CHECK(table.prepare(a));
    table.connected(a);
    table.disconnected(a);
    REQUIRE(!table.own_messages.empty());
    auto notice = table.own_messages.pop();
    CHECK(notice->what == router_event::connected);
    CHECK(notice->about == peer_id{"a", a.generation});
    CHECK(table.own_messages.empty());

    table.notify_connect = false;
    table.notify_disconnect = true;
    CHECK(table.prepare(a));
    table.connected(a);
    CHECK(table.own_messages.empty());
    table.disconnected(a);
    REQUIRE(!table.own_messages.empty());
    notice = table.own_messages.pop();
    CHECK(notice->what == router_event::disconnected);
    CHECK(notice->about == peer_id{"a", a.generation});
    CHECK(table.own_messages.empty());
}

TEST_CASE("connect() may give a ROUTER's peer a routing id that no peer has")
{
    pattern::router table(0);
    named_peer a = peer_with("a"), named = peer_with("named");
    REQUIRE(took_free_place(table.attach(a)));
    CHECK(table.check_name("b"));
    CHECK(table.check_name(std::string(255, 'n')));
    for (const std::string& bad : {"a"s, ""s, "\0b"s, std::string(256, 'n')})
        CHECK(table.check_name(bad).error().code == errc::invalid_argument);
    // Until its handshake, a peer is unknown unless connect() has given it a name.
    named.named = true;
    CHECK(table.attaches_unconnected(named));
    CHECK_FALSE(table.attaches_unconnected(a));
}

TEST_CASE("handover does not take a name that connect() has given")
{
    pattern::router table(0);
    table.handover = true;
    named_peer given = peer_with("id"), other = peer_with("id");
    given.named = true;
    REQUIRE(took_free_place(table.attach(given)));
    CHECK(table.attach(other).error().code == errc::address_in_use);
    CHECK(find(table, "id") == &given);
}
