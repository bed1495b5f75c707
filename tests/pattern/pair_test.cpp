// SPDX-License-Identifier: MPL-2.0

// PAIR: one peer at a time.

#include "pattern/pair.hpp"
#include "peers.hpp"

#include <doctest/doctest.h>

using namespace slk;
using namespace slk::testing;

TEST_CASE("a PAIR sends to its only peer, and takes no other meanwhile")
{
    named_peer a('a'), b('b');
    pattern::pair one;
    CHECK(send(one, 1) == "-");
    REQUIRE(one.attach(a));
    const auto refused = one.attach(b);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::address_in_use);
    CHECK(send(one, 2) == "aa");
    add_messages(one, a, 2);
    CHECK(receive(one) == "a0 a1 ");

    a.room = 0;
    CHECK(send(one, 1) == "-");
    // Room of another peer changes nothing.
    one.writable(b, true);
    CHECK_FALSE(can_send(one));
    a.room = 1;
    one.writable(a, true);
    CHECK(send(one, 2) == "a-");
}

TEST_CASE("a PAIR takes the next peer when nothing is sent to the first one any more")
{
    named_peer a('a'), b('b');
    pattern::pair one;
    REQUIRE(one.attach(a));
    add_messages(one, a, 2);
    a.room = 0;
    CHECK(send(one, 1) == "-");
    one.stop_sending(a);
    CHECK_FALSE(can_send(one));
    REQUIRE(one.attach(b));
    CHECK(send(one, 2) == "bb");
    add_messages(one, b, 1);
    // The messages that the first peer has left are received too.
    CHECK(receive(one) == "a0 b0 a1 ");
    one.detach(a);
    CHECK(send(one, 1) == "b");
    one.detach(b);
    CHECK(send(one, 1) == "-");
    CHECK(one.receive_from() == nullptr);
}

TEST_CASE("sending to the peer of a PAIR is resumed, unless another peer came meanwhile")
{
    named_peer a('a'), b('b');
    pattern::pair one;
    REQUIRE(one.attach(a));
    a.room = 1;
    CHECK(send(one, 2) == "a-");
    one.stop_sending(a);
    a.room = 9;
    REQUIRE(one.resume_sending(a));
    CHECK(send(one, 1) == "a");
    one.stop_sending(a);
    REQUIRE(one.attach(b));
    const auto taken = one.resume_sending(a);
    REQUIRE_FALSE(taken);
    CHECK(taken.error().code == errc::address_in_use);
    CHECK(send(one, 1) == "b");
}
