// SPDX-License-Identifier: MPL-2.0

// Rotations: the order of turns.

#include "pattern/rotation.hpp"
#include "peers.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>

using namespace slk;
using namespace slk::testing;
using pattern::fair_queue;

namespace {

/// The names of the peers that have the next turns.
std::string turns(fair_queue& of, unsigned count)
{
    std::string order;
    for (; count > 0; --count) {
        pattern::peer* const next = of.current();
        order += next != nullptr ? as_named(*next).name : '-';
        of.advance();
    }
    return order;
}

} // namespace

TEST_CASE("peers take turns in the order in which they were added")
{
    named_peer a('a'), b('b'), c('c');
    fair_queue queue;
    CHECK(turns(queue, 2) == "--");
    queue.add(a, true);
    CHECK(turns(queue, 2) == "aa");
    queue.add(b, true);
    queue.add(c, true);
    CHECK(turns(queue, 7) == "abcabca");
}

TEST_CASE("a new peer has no turn before it is active, and then after the others")
{
    named_peer a('a'), b('b'), c('c');
    fair_queue queue;
    queue.add(a, false);
    queue.add(b, true);
    queue.add(c, false);
    CHECK(turns(queue, 3) == "bbb");
    queue.activate(c);
    queue.activate(c);
    CHECK(turns(queue, 4) == "bcbc");
    queue.activate(a);
    CHECK(turns(queue, 6) == "bcabca");
}

TEST_CASE("a peer that becomes inactive in its turn leaves it to another, and no peer loses a turn")
{
    named_peer a('a'), b('b'), c('c'), d('d');
    fair_queue queue;
    for (named_peer* const each : {&a, &b, &c, &d})
        queue.add(*each, true);
    CHECK(turns(queue, 1) == "a");
    queue.deactivate(b);
    queue.deactivate(b);
    CHECK(turns(queue, 3) == "dca");
    queue.deactivate(a);
    queue.deactivate(c);
    queue.deactivate(d);
    CHECK(queue.current() == nullptr);
    CHECK(turns(queue, 2) == "--");
    queue.activate(c);
    CHECK(turns(queue, 2) == "cc");
}

TEST_CASE("after the last peer is removed in its turn, the first one is next")
{
    named_peer a('a'), b('b'), c('c');
    fair_queue queue;
    for (named_peer* const each : {&a, &b, &c})
        queue.add(*each, true);
    CHECK(turns(queue, 2) == "ab");
    queue.remove(c);
    CHECK_FALSE(queue.has(c));
    CHECK(turns(queue, 3) == "aba");
    queue.add(c, true);
    CHECK(queue.has(c));
    CHECK(turns(queue, 3) == "bca");
}

TEST_CASE("the removal of another peer does not change whose turn it is")
{
    named_peer a('a'), b('b'), c('c'), d('d');
    fair_queue queue;
    for (named_peer* const each : {&a, &b, &c, &d})
        queue.add(*each, true);
    SUBCASE("before the turn has come")
    {
        CHECK(turns(queue, 1) == "a");
        queue.remove(d);
        CHECK(turns(queue, 3) == "bca");
    }
    SUBCASE("after its turn, when the last peer is next")
    {
        CHECK(turns(queue, 3) == "abc");
        queue.remove(a);
        CHECK(turns(queue, 3) == "dbc");
    }
    SUBCASE("an inactive peer")
    {
        queue.deactivate(c);
        CHECK(turns(queue, 1) == "a");
        queue.remove(c);
        CHECK(turns(queue, 3) == "bda");
    }
}

TEST_CASE("exactly the active peers have turns, after any changes")
{
    std::mt19937 random(7);
    std::vector<named_peer> peers;
    for (char name = 'a'; name <= 'l'; ++name)
        peers.emplace_back(name);
    std::map<char, bool> active; // the peers in the queue
    fair_queue queue;
    for (int step = 0; step < 20'000; ++step) {
        named_peer& one = peers[random() % peers.size()];
        const bool is_in = active.contains(one.name);
        REQUIRE(queue.has(one) == is_in);
        switch (random() % 5) {
        case 0:
            if (!is_in)
                queue.add(one, active[one.name] = random() % 2 == 0);
            break;
        case 1:
            if (is_in) {
                queue.remove(one);
                active.erase(one.name);
            }
            break;
        case 2:
            if (is_in) {
                queue.activate(one);
                active[one.name] = true;
            }
            break;
        case 3:
            if (is_in) {
                queue.deactivate(one);
                active[one.name] = false;
            }
            break;
        default: queue.advance();
        }
        std::map<char, int> had;
        unsigned count = 0;
        for (const auto& [name, is] : active)
            count += is ? 1 : 0;
        REQUIRE((queue.current() != nullptr) == (count > 0));
        for (const char name : turns(queue, count))
            ++had[name];
        for (const auto& [name, is] : active)
            REQUIRE(had[name] == (is ? 1 : 0));
    }
}
