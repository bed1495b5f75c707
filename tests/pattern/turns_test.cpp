// SPDX-License-Identifier: MPL-2.0

// PUSH, PULL and DEALER: the order of the peers that are sent to and received from.

#include "pattern/dealer.hpp"
#include "pattern/pull.hpp"
#include "pattern/push.hpp"
#include "peers.hpp"

#include <doctest/doctest.h>

using namespace slk;
using namespace slk::testing;

namespace {

template <class Pattern>
void attach(Pattern& to, std::initializer_list<named_peer*> peers)
{
    for (named_peer* const each : peers)
        REQUIRE(to.attach(*each));
}

/// What PUSH and DEALER do.
template <class Sender>
void check_balanced_sending()
{
    named_peer a('a'), b('b'), c('c'), d('d');
    Sender out;
    CHECK_FALSE(can_send(out));
    attach(out, {&a, &b, &c});
    // The messages 0 to 6 go to the peers 0 3 6 | 1 4 | 2 5.
    CHECK(send(out, 7) == "abcabca");
    CHECK(send(out, 2) == "bc");

    // A peer without room is left out, until it has some again.
    b.room = 1;
    CHECK(send(out, 8) == "abcacaca");
    b.room = 10;
    out.writable(b, true);
    CHECK(send(out, 4) == "cbac");

    // No peer has room.
    a.room = b.room = c.room = 0;
    CHECK(send(out, 1) == "-");
    a.room = 2;
    out.writable(a, true);
    CHECK(send(out, 3) == "aa-");

    // A new peer is sent to at once.
    attach(out, {&d});
    CHECK(send(out, 2) == "dd");

    // A peer that leaves gets nothing more, even if it has room.
    out.stop_sending(d);
    out.stop_sending(d);
    out.writable(d, true);
    CHECK(send(out, 1) == "-");
    REQUIRE(out.resume_sending(d));
    REQUIRE(out.resume_sending(d));
    CHECK(send(out, 1) == "d");
    for (named_peer* const each : {&d, &a, &b, &c})
        out.detach(*each);
    CHECK(send(out, 1) == "-");
}

/// What PULL and DEALER do.
template <class Receiver>
void check_fair_queueing()
{
    named_peer a('a'), b('b'), c('c'), d('d');
    Receiver in;
    CHECK(in.receive_from() == nullptr);
    attach(in, {&a, &b, &c});
    CHECK(receive(in).empty());
    for (named_peer* const each : {&a, &b, &c})
        add_messages(in, *each, 3);
    CHECK(receive(in, 4) == "a0 b0 c0 a1 ");

    // A new peer has its turn after the others.
    attach(in, {&d});
    add_messages(in, d, 3);
    CHECK(receive(in, 4) == "b1 c1 d0 a2 ");
    CHECK(receive(in) == "b2 c2 d1 d2 ");

    // A peer with many messages does not keep the others from their turns.
    add_messages(in, a, 5);
    add_messages(in, b, 1);
    CHECK(receive(in, 3) == "a3 b3 a4 ");
    add_messages(in, c, 1);
    CHECK(receive(in) == "c3 a5 a6 a7 ");

    // The messages of a peer that leaves are received until it is detached.
    add_messages(in, a, 2);
    add_messages(in, b, 2);
    in.stop_sending(a);
    CHECK(receive(in, 2) == "a8 b4 ");
    in.detach(a);
    CHECK(receive(in) == "b5 ");
    for (named_peer* const each : {&b, &c, &d})
        in.detach(*each);
    CHECK(in.receive_from() == nullptr);
}

} // namespace

TEST_CASE("PUSH sends to the peers that have room, in turn, and receives nothing")
{
    check_balanced_sending<pattern::push>();
    named_peer a('a');
    pattern::push out;
    attach(out, {&a});
    out.readable(a, true);
    CHECK(out.receive_from() == nullptr);
}

TEST_CASE("PULL receives the messages of all peers in turn, and refuses to send")
{
    check_fair_queueing<pattern::pull>();
    named_peer a('a');
    pattern::pull in;
    attach(in, {&a});
    in.writable(a, true);
    CHECK_FALSE(can_send(in));
    const pattern::routing refused = route(in);
    CHECK(refused.what == pattern::routing::kind::refused);
    CHECK(refused.failure.code == errc::not_supported);
}

TEST_CASE("DEALER does both, and the two orders are independent")
{
    check_balanced_sending<pattern::dealer>();
    check_fair_queueing<pattern::dealer>();

    named_peer a('a'), b('b'), c('c');
    pattern::dealer both;
    attach(both, {&a, &b, &c});
    add_messages(both, a, 4);
    add_messages(both, c, 4);
    CHECK(send(both, 1) == "a");
    CHECK(receive(both, 3) == "a0 c0 a1 ");
    CHECK(send(both, 1) == "b");
    both.stop_sending(c);
    CHECK(send(both, 2) == "ab");
    CHECK(receive(both) == "c1 a2 c2 a3 c3 ");
}
