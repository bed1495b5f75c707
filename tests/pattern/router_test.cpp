// SPDX-License-Identifier: MPL-2.0

// The routing table of a ROUTER.

#include "pattern/router.hpp"
#include "peers.hpp"

#include <doctest/doctest.h>

using namespace slk;
using namespace slk::testing;
using namespace std::string_literals;

namespace {

named_peer peer_with(std::string id)
{
    named_peer made('x');
    made.routing_id = std::move(id);
    return made;
}

} // namespace

TEST_CASE("a ROUTER finds its peers by their routing ids, whatever bytes these are")
{
    pattern::router table(0);
    named_peer a = peer_with("a"), b = peer_with("a\0b"s), c = peer_with("\xff"s);
    for (named_peer* const each : {&a, &b, &c})
        REQUIRE(table.attach(*each));
    CHECK(table.find("a") == &a);
    CHECK(table.find("a\0b"s) == &b);
    CHECK(table.find("\xff") == &c);
    CHECK(table.find("b") == nullptr);
    CHECK(table.find("") == nullptr);
    CHECK(table.send_to() == nullptr);
}

TEST_CASE("a peer without a routing id gets one: a zero byte, and a number that counts up")
{
    pattern::router table(0x01fffffe);
    named_peer a('a'), b('b'), c('c');
    for (named_peer* const each : {&a, &b, &c})
        REQUIRE(table.attach(*each));
    CHECK(a.routing_id == "\0\x01\xff\xff\xfe"s);
    CHECK(b.routing_id == "\0\x01\xff\xff\xff"s);
    CHECK(c.routing_id == "\0\x02\0\0\0"s);
    CHECK(table.find(b.routing_id) == &b);
}

TEST_CASE("a made-up routing id is never that of somebody who is there")
{
    pattern::router table(0xffffffff);
    named_peer thief = peer_with("\0\xff\xff\xff\xff"s), next = peer_with("\0\0\0\0\0"s);
    REQUIRE(table.attach(thief));
    REQUIRE(table.attach(next));
    named_peer a('a');
    REQUIRE(table.attach(a));
    CHECK(a.routing_id == "\0\0\0\0\1"s);
    CHECK(table.find(thief.routing_id) == &thief);
}

TEST_CASE("a newcomer whose routing id is taken is sent away, and nothing changes")
{
    pattern::router table(0);
    named_peer first = peer_with("id"), second = peer_with("id");
    REQUIRE(table.attach(first));
    const auto refused = table.attach(second);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::address_in_use);
    CHECK(table.leaving() == nullptr);
    CHECK(table.find("id") == &first);
    CHECK(second.generation == 0);
    // Where he was not let in he cannot do any harm when he goes.
    table.stop_sending(second);
    CHECK(table.find("id") == &first);
    table.stop_sending(first);
    CHECK(table.find("id") == nullptr);
    REQUIRE(table.attach(second));
    CHECK(table.find("id") == &second);
}

TEST_CASE("with handover a newcomer takes the routing id over, and the other one is named")
{
    pattern::router table(0);
    table.handover = true;
    named_peer first = peer_with("id"), second = peer_with("id"), other = peer_with("other");
    REQUIRE(table.attach(first));
    CHECK(table.leaving() == nullptr);
    REQUIRE(table.attach(second));
    CHECK(table.leaving() == &first);
    CHECK(table.find("id") == &second);
    // His leaving does not take the id from its new owner.
    table.detach(first);
    CHECK(table.find("id") == &second);
    REQUIRE(table.attach(other));
    CHECK(table.leaving() == nullptr);
}

TEST_CASE("every attached peer has a generation of its own, also the same one again")
{
    pattern::router table(0);
    named_peer a = peer_with("a"), b = peer_with("b");
    REQUIRE(table.attach(a));
    REQUIRE(table.attach(b));
    CHECK(a.generation != 0);
    CHECK(b.generation != 0);
    CHECK(a.generation != b.generation);
    const std::uint64_t before = a.generation;
    table.detach(a);
    REQUIRE(table.attach(a));
    CHECK(a.generation != before);
    CHECK(a.generation != b.generation);
}

TEST_CASE("a peer that is away for a while cannot be found, and keeps its id if that is free")
{
    pattern::router table(0);
    named_peer a = peer_with("a"), usurper = peer_with("a");
    REQUIRE(table.attach(a));
    table.stop_sending(a);
    CHECK(table.find("a") == nullptr);
    REQUIRE(table.resume_sending(a));
    CHECK(table.find("a") == &a);
    table.stop_sending(a);
    REQUIRE(table.attach(usurper));
    const auto taken = table.resume_sending(a);
    REQUIRE_FALSE(taken);
    CHECK(taken.error().code == errc::address_in_use);
    CHECK(table.find("a") == &usurper);
    table.handover = true;
    REQUIRE(table.resume_sending(a));
    CHECK(table.leaving() == &usurper);
    CHECK(table.find("a") == &a);
}

TEST_CASE("a ROUTER takes the messages of all peers in turn, also of those that have left")
{
    pattern::router table(0);
    named_peer a('a'), b('b');
    REQUIRE(table.attach(a));
    REQUIRE(table.attach(b));
    give(table, a, 2);
    give(table, b, 3);
    table.stop_sending(a);
    CHECK(receive(table) == "a0 b0 a1 b1 b2 ");
    give(table, a, 1);
    table.detach(a);
    CHECK(receive(table).empty());
}
