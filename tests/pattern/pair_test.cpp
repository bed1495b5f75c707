// SPDX-License-Identifier: MPL-2.0

// PAIR has one peer.

#include "pattern/pair.hpp"
#include "peers.hpp"

#include <doctest/doctest.h>

using namespace slk;
using namespace slk::testing;

TEST_CASE("a PAIR sends to its only peer, and sends away whoever comes meanwhile")
{
    named_peer a('a'), b('b');
    pattern::pair one;
    CHECK(send(one, 1) == "-");
    REQUIRE(one.attach(a));
    const auto refused = one.attach(b);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::address_in_use);
    CHECK(send(one, 2) == "aa");
    give(one, a, 2);
    CHECK(receive(one) == "a0 a1 ");

    a.room = 0;
    CHECK(send(one, 1) == "-");
    // Others have no say.
    one.writable(b, true);
    CHECK(one.send_to() == nullptr);
    a.room = 1;
    one.writable(a, true);
    CHECK(send(one, 2) == "a-");
}

TEST_CASE("the next peer of a PAIR may come when the first one has left")
{
    named_peer a('a'), b('b');
    pattern::pair one;
    REQUIRE(one.attach(a));
    give(one, a, 2);
    a.room = 0;
    CHECK(send(one, 1) == "-");
    one.stop_sending(a);
    CHECK(one.send_to() == nullptr);
    REQUIRE(one.attach(b));
    CHECK(send(one, 2) == "bb");
    give(one, b, 1);
    // What the first one has left behind is received too.
    CHECK(receive(one) == "a0 b0 a1 ");
    one.detach(a);
    CHECK(send(one, 1) == "b");
    one.detach(b);
    CHECK(send(one, 1) == "-");
    CHECK(one.receive_from() == nullptr);
}

TEST_CASE("a PAIR's peer that was away for a while is the peer again, unless another one came")
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
