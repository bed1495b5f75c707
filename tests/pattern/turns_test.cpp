// SPDX-License-Identifier: MPL-2.0

// Who gets messages and whose are taken, by PUSH, PULL and DEALER.

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

/// What all senders do.
template <class Sender>
void check_dealing()
{
    named_peer a('a'), b('b'), c('c'), d('d');
    Sender out;
    CHECK(out.send_to() == nullptr);
    attach(out, {&a, &b, &c});
    // The messages 0 to 6 go to the peers 0 3 6 | 1 4 | 2 5.
    CHECK(send(out, 7) == "abcabca");
    CHECK(send(out, 2) == "bc");

    // A full one is left out, until there is room again.
    b.room = 1;
    CHECK(send(out, 8) == "abcacaca");
    b.room = 10;
    out.writable(b, true);
    CHECK(send(out, 4) == "cbac");

    // Nobody has room.
    a.room = b.room = c.room = 0;
    CHECK(send(out, 1) == "-");
    a.room = 2;
    out.writable(a, true);
    CHECK(send(out, 3) == "aa-");

    // One that comes is ready at once.
    attach(out, {&d});
    CHECK(send(out, 2) == "dd");

    // One that leaves gets nothing more, also when there is room in its lane.
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

/// What all receivers do.
template <class Receiver>
void check_fair_queueing()
{
    named_peer a('a'), b('b'), c('c'), d('d');
    Receiver in;
    CHECK(in.receive_from() == nullptr);
    attach(in, {&a, &b, &c});
    CHECK(receive(in).empty());
    for (named_peer* const each : {&a, &b, &c})
        give(in, *each, 3);
    CHECK(receive(in, 4) == "a0 b0 c0 a1 ");

    // One that comes in the middle is behind the others.
    attach(in, {&d});
    give(in, d, 3);
    CHECK(receive(in, 4) == "b1 c1 d0 a2 ");
    CHECK(receive(in) == "b2 c2 d1 d2 ");

    // One that has much does not keep the others from their turns.
    give(in, a, 5);
    give(in, b, 1);
    CHECK(receive(in, 3) == "a3 b3 a4 ");
    give(in, c, 1);
    CHECK(receive(in) == "c3 a5 a6 a7 ");

    // One that has left is read to its end, and is nobody then.
    give(in, a, 2);
    give(in, b, 2);
    in.stop_sending(a);
    CHECK(receive(in, 2) == "a8 b4 ");
    in.detach(a);
    CHECK(receive(in) == "b5 ");
    for (named_peer* const each : {&b, &c, &d})
        in.detach(*each);
    CHECK(in.receive_from() == nullptr);
}

} // namespace

TEST_CASE("PUSH deals its messages out to the peers that have room, in turn")
{
    check_dealing<pattern::push>();
    named_peer a('a');
    pattern::push out;
    attach(out, {&a});
    out.readable(a, true);
    CHECK(out.receive_from() == nullptr);
}

TEST_CASE("PULL takes the messages of all peers in turn")
{
    check_fair_queueing<pattern::pull>();
    named_peer a('a');
    pattern::pull in;
    attach(in, {&a});
    in.writable(a, true);
    CHECK(in.send_to() == nullptr);
}

TEST_CASE("DEALER does both, and the two orders do not disturb each other")
{
    check_dealing<pattern::dealer>();
    check_fair_queueing<pattern::dealer>();

    named_peer a('a'), b('b'), c('c');
    pattern::dealer both;
    attach(both, {&a, &b, &c});
    give(both, a, 4);
    give(both, c, 4);
    CHECK(send(both, 1) == "a");
    CHECK(receive(both, 3) == "a0 c0 a1 ");
    CHECK(send(both, 1) == "b");
    both.stop_sending(c);
    CHECK(send(both, 2) == "ab");
    CHECK(receive(both) == "c1 a2 c2 a3 c3 ");
}
