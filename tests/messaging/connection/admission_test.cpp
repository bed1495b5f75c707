// SPDX-License-Identifier: MPL-2.0

// Which connections are let in, which give way, and when a password is answered.

#include "messaging/connection/admission.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <new>
#include <string_view>

using namespace slk;
using namespace slk::messaging;
using namespace std::chrono_literals;

namespace {

address ip(std::string_view text)
{
    const auto parsed = address::parse(text, 1234);
    REQUIRE(parsed);
    return *parsed;
}

/// An IPv4 address for each number.
address numbered(std::uint32_t number)
{
    address made = ip("10.0.0.0");
    for (std::size_t byte = 0; byte < 4; ++byte)
        made.bytes[byte] = static_cast<std::uint8_t>(number >> (24 - 8 * byte));
    return made;
}

struct endpoint_limits {
    explicit endpoint_limits(const admission_limits& limits)
        : admits(limits, reference<peer_count>::adopt(new(std::nothrow) peer_count), 7)
    {
    }
    endpoint_limits(const endpoint_limits&) = delete;
    endpoint_limits& operator=(const endpoint_limits&) = delete;
    ~endpoint_limits()
    {
        for (admitted_peer& each : all)
            admits.leave(each, now);
    }

    admitted_peer& enter(const address& from)
    {
        admitted_peer& made = all.emplace_back();
        REQUIRE(admits.enter(made, from, now));
        return made;
    }
    admitted_peer& enter(const address& from, handshake_stage stage)
    {
        admitted_peer& made = enter(from);
        admits.progress(made, stage, now);
        return made;
    }
    /// The one that gives way to a connection from there ends.
    admitted_peer* displace(const address& from)
    {
        admitted_peer* const first = admits.ask(from, now).gives_way;
        if (first != nullptr)
            admits.leave(*first, now);
        return first;
    }
    /// As the pipe of the peer does.
    bool become_ready(admitted_peer& entry)
    {
        if (admits.refuses(entry))
            return false;
        admits.become_ready(entry);
        ++admits.peers()->value;
        return true;
    }
    void end(admitted_peer& ready)
    {
        --admits.peers()->value;
        admits.leave(ready, now);
    }
    /// The delay of the answer to the password of a new connection.
    duration delay_of(const address& from, bool right, time_point handshake_ends = never)
    {
        admitted_peer& made = enter(from);
        const duration delay = admits.authenticated(made, right, now, handshake_ends) - now;
        admits.leave(made, now);
        return delay;
    }

    time_point now{1h};
    std::deque<admitted_peer> all;
    admission admits;
};

} // namespace

TEST_CASE("the connection that has said least gives way, and of several the one without progress "
          "for the longest time")
{
    endpoint_limits at({.pending_handshakes = 7});
    const address peer = ip("10.0.0.1");
    auto& authenticated = at.enter(peer);
    (void)at.admits.authenticated(authenticated, true, at.now);
    auto& greeted = at.enter(peer, handshake_stage::greeted);
    auto& begun = at.enter(peer, handshake_stage::begun);
    auto& silent = at.enter(peer);
    auto& silent_too = at.enter(peer);
    auto& greeted_late = at.enter(peer, handshake_stage::greeted);
    CHECK(at.admits.ask(peer, at.now).gives_way == nullptr);
    CHECK_FALSE(at.admits.ask(peer, at.now).why);
    auto& refused = at.enter(peer, handshake_stage::greeted);
    (void)at.admits.authenticated(refused, false, at.now);
    // It says more, but that does not help.
    at.admits.progress(refused, handshake_stage::greeted, at.now);
    at.now += 50ms;
    const auto first = at.admits.ask(peer, at.now);
    CHECK(first.gives_way == &refused);
    CHECK(std::string_view(first.why.detail) == "max_pending_handshakes");
    for (admitted_peer* const next :
         {&refused, &silent, &silent_too, &begun, &greeted, &greeted_late, &authenticated}) {
        CHECK(at.displace(peer) == next);
        at.enter(peer, handshake_stage::authenticated);
    }
}

TEST_CASE("a connection does not give way within 50 ms of its last progress, if others are older")
{
    endpoint_limits at({.pending_handshakes = 4});
    for (std::uint32_t number = 0; number < 3; ++number)
        at.enter(numbered(number), handshake_stage::begun);
    at.now += 50ms;
    auto& good = at.enter(ip("10.0.0.1"));
    for (std::uint32_t number = 0; number < 2; ++number) {
        CHECK(at.displace(numbered(10)) == &at.all[number]);
        at.enter(numbered(10 + number), handshake_stage::begun);
        at.now += 24ms;
    }
    SUBCASE("it makes progress")
    {
        at.admits.progress(good, handshake_stage::begun, at.now);
        at.now += 2ms;
        CHECK(at.displace(numbered(20)) == &at.all[2]);
        at.enter(numbered(20), handshake_stage::begun);
        at.now += 48ms;
        CHECK(at.displace(numbered(21)) == &at.all[4]);
        at.enter(numbered(21), handshake_stage::begun);
        CHECK(at.displace(numbered(22)) == &at.all[5]);
        at.enter(numbered(22), handshake_stage::begun);
        CHECK(at.displace(numbered(23)) == &good);
    }
    SUBCASE("it makes none")
    {
        at.now += 2ms;
        CHECK(at.displace(numbered(20)) == &good);
    }
}

TEST_CASE(
    "of connections that all made progress just now, one gives way of the stage that has most")
{
    endpoint_limits at({.pending_handshakes = 5});
    at.enter(ip("10.0.0.1"));
    for (std::uint32_t number = 0; number < 2; ++number)
        at.enter(numbered(number), handshake_stage::greeted);
    for (std::uint32_t number = 0; number < 2; ++number)
        at.enter(numbered(number), handshake_stage::begun);
    CHECK(at.displace(numbered(10)) == &at.all[3]);
    at.enter(numbered(10), handshake_stage::greeted);
    CHECK(at.displace(numbered(11)) == &at.all[1]);
}

TEST_CASE("those that came before an eighth of the places was taken are passed over for a moment")
{
    endpoint_limits at({.pending_handshakes = 100, .pending_handshakes_per_address = 16});
    for (int number = 0; number < 16; ++number)
        at.enter(ip("10.0.0.1"), handshake_stage::greeted);
    CHECK_FALSE(admission::is_told_last(at.all[1]));
    CHECK(admission::is_told_last(at.all[2]));
    CHECK(at.displace(ip("10.0.0.1")) == &at.all[2]);
    at.enter(ip("10.0.0.1"), handshake_stage::greeted);
    CHECK(at.displace(ip("10.0.0.1")) == &at.all[3]);
    at.enter(ip("10.0.0.1"), handshake_stage::greeted);
    at.now += 50ms;
    CHECK(at.displace(ip("10.0.0.1")) == &at.all[0]);
}

TEST_CASE("a wrong password gives way at once")
{
    endpoint_limits at({.pending_handshakes = 2});
    at.enter(ip("10.0.0.1"));
    auto& refused = at.enter(ip("10.0.0.2"), handshake_stage::greeted);
    (void)at.admits.authenticated(refused, false, at.now);
    CHECK(at.displace(ip("10.0.0.3")) == &refused);
}

TEST_CASE("an address that has all of its places gives one of them up, and others have theirs")
{
    endpoint_limits at({.pending_handshakes = 10, .pending_handshakes_per_address = 3});
    auto& other = at.enter(ip("10.0.0.2"));
    for (int number = 0; number < 3; ++number)
        at.enter(ip("10.0.0.1"), handshake_stage::greeted);
    const auto asked = at.admits.ask(ip("10.0.0.1"), at.now);
    CHECK(asked.gives_way == &at.all[1]);
    CHECK(std::string_view(asked.why.detail) == "max_pending_handshakes_per_address");
    CHECK(at.admits.ask(ip("10.0.0.2"), at.now).gives_way == nullptr);
    CHECK(at.admits.ask(ip("::ffff:10.0.0.1"), at.now).gives_way == &at.all[1]);
    // With all places taken, the silent one of the other address is the first.
    for (std::uint32_t number = 0; number < 6; ++number)
        at.enter(numbered(number), handshake_stage::greeted);
    at.now += 50ms;
    CHECK(at.admits.ask(ip("10.0.0.3"), at.now).gives_way == &other);
    CHECK(at.admits.ask(ip("10.0.0.1"), at.now).gives_way == &at.all[1]);
}

TEST_CASE("an IPv6 address means its first 64 bits, and on one network the last 64")
{
    const auto key = [](std::string_view text) { return address_key::from(ip(text)); };
    CHECK(key("2001:db8::1") == key("2001:db8::ffff:2"));
    CHECK(key("2001:db8::1") != key("2001:db8:0:1::1"));
    CHECK(key("fe80::1%1") != key("fe80::2%1"));
    CHECK(key("::ffff:10.0.0.1") == key("10.0.0.1"));
    CHECK(key("10.0.0.1") != key("10.0.0.2"));
    CHECK(address_key::from(address::local()) == address_key{});
}

TEST_CASE("peers of ipc have no limit per address")
{
    endpoint_limits at(
        {.pending_handshakes = 10, .pending_handshakes_per_address = 1, .peers_per_address = 1});
    for (int number = 0; number < 5; ++number) {
        CHECK(at.admits.ask(address::local(), at.now).gives_way == nullptr);
        auto& entry = at.enter(address::local());
        if (number < 3)
            CHECK(at.become_ready(entry));
    }
}

TEST_CASE("peers count until their pipes have ended, and one more than max_peers is refused")
{
    endpoint_limits at({.pending_handshakes = 10, .peers = 2});
    auto& first = at.enter(ip("10.0.0.1"));
    auto& second = at.enter(ip("10.0.0.2"));
    auto& third = at.enter(ip("10.0.0.3"));
    CHECK(at.become_ready(first));
    CHECK(at.become_ready(second));
    CHECK(at.admits.refuses(third) == zmtp::rejection::too_many_peers);
    const auto asked = at.admits.ask(ip("10.0.0.4"), at.now);
    CHECK(asked.gives_way == nullptr);
    CHECK(std::string_view(asked.why.detail) == "max_peers");
    // The connection has ended; something that was not received keeps the pipe.
    at.admits.leave(first, at.now);
    CHECK(at.admits.ask(ip("10.0.0.4"), at.now).why);
    --at.admits.peers()->value;
    CHECK_FALSE(at.admits.ask(ip("10.0.0.4"), at.now).why);
    CHECK(at.become_ready(third));
}

TEST_CASE("one more than max_peers_per_address of an address is refused")
{
    endpoint_limits at({.pending_handshakes = 10, .peers_per_address = 1});
    auto& first = at.enter(ip("10.0.0.1"));
    auto& second = at.enter(ip("10.0.0.1"));
    CHECK(at.become_ready(first));
    CHECK(at.admits.refuses(second) == zmtp::rejection::too_many_peers_of_address);
    CHECK(std::string_view(at.admits.ask(ip("10.0.0.1"), at.now).why.detail) ==
          "max_peers_per_address");
    CHECK_FALSE(at.admits.ask(ip("10.0.0.2"), at.now).why);
    at.end(first);
    CHECK(at.become_ready(second));
}

TEST_CASE(
    "more than max_accepts_per_second are refused, and each share of a second brings one more")
{
    endpoint_limits at({.pending_handshakes = 100, .accepts_per_second = 4});
    const auto refused = [&](std::uint32_t number) {
        const auto made = at.admits.ask(numbered(number), at.now);
        CHECK(made.gives_way == nullptr);
        return made.why == errc::connection_refused &&
               std::string_view(made.why.detail) == "max_accepts_per_second";
    };
    for (std::uint32_t number = 0; number < 4; ++number) {
        CHECK_FALSE(refused(number));
        at.enter(numbered(number));
    }
    CHECK(refused(4));
    at.now += 249ms;
    CHECK(refused(4));
    at.now += 1ms;
    CHECK_FALSE(refused(4));
    at.enter(numbered(4));
    CHECK(refused(5));
    // A quiet time brings no more than a second's.
    at.now += 1h;
    for (std::uint32_t number = 5; number < 9; ++number) {
        CHECK_FALSE(refused(number));
        at.enter(numbered(number));
    }
    CHECK(refused(9));
}

TEST_CASE("max_accepts_per_second_per_address counts connections that have ended, too")
{
    endpoint_limits at({.pending_handshakes = 100, .accepts_per_second_per_address = 2});
    const address busy = ip("10.0.0.1"), other = ip("10.0.0.2");
    for (int number = 0; number < 2; ++number) {
        CHECK_FALSE(at.admits.ask(busy, at.now).why);
        at.admits.leave(at.enter(busy), at.now);
    }
    const auto made = at.admits.ask(busy, at.now);
    CHECK(made.why == errc::connection_refused);
    CHECK(std::string_view(made.why.detail) == "max_accepts_per_second_per_address");
    CHECK_FALSE(at.admits.ask(other, at.now).why);
    CHECK(at.admits.addresses() == 1);
    at.now += 500ms;
    CHECK_FALSE(at.admits.ask(busy, at.now).why);
    at.now += 1s;
    at.admits.leave(at.enter(busy), at.now + 2s);
    CHECK(at.admits.addresses() == 0);
    // ipc has one address for all.
    for (int number = 0; number < 5; ++number) {
        CHECK_FALSE(at.admits.ask(address::local(), at.now).why);
        at.enter(address::local());
    }
}

TEST_CASE("exchanges of keys have limits of their own, in all and for an address")
{
    endpoint_limits at({.pending_handshakes = 100,
                        .curve_handshakes_per_second = 3,
                        .curve_handshakes_per_second_per_address = 2});
    const auto asked = [&](admitted_peer& peer) {
        const error why = at.admits.exchange_keys(peer, at.now);
        CHECK((!why || why == errc::connection_refused));
        return std::string_view(why.detail != nullptr ? why.detail : "");
    };
    admitted_peer& busy = at.enter(ip("10.0.0.1"));
    admitted_peer& other = at.enter(ip("10.0.0.2"));
    admitted_peer& local = at.enter(address::local());
    CHECK(asked(busy).empty());
    CHECK(asked(busy).empty());
    CHECK(asked(busy) == "max_curve_handshakes_per_second_per_address");
    CHECK(asked(other).empty());
    CHECK(asked(other) == "max_curve_handshakes_per_second");
    // A connection that has ended still counts.
    at.admits.leave(busy, at.now);
    at.now += 400ms;
    CHECK(asked(at.enter(ip("10.0.0.1"))) == "max_curve_handshakes_per_second_per_address");
    at.now += 1s;
    for (int number = 0; number < 3; ++number)
        CHECK(asked(local).empty());
    CHECK(asked(local) == "max_curve_handshakes_per_second");
}

TEST_CASE("the delay of a refusal doubles up to two seconds, and ends a minute after the last one")
{
    endpoint_limits at({.pending_handshakes = 10});
    const address guesser = ip("10.0.0.1");
    for (const duration expected : {50ms, 100ms, 200ms, 400ms, 800ms, 1600ms, 2000ms, 2000ms}) {
        CHECK(at.delay_of(guesser, false) == expected);
        at.now += expected;
    }
    CHECK(at.delay_of(ip("10.0.0.2"), false) == 50ms);
    at.now += 57s;
    CHECK(at.delay_of(guesser, false) == 2s);
    at.now += 1min;
    CHECK(at.delay_of(guesser, false) == 50ms);
}

TEST_CASE("a client with the right password waits at most a second for the refusals of its address")
{
    endpoint_limits at({.pending_handshakes = 10});
    const address shared = ip("10.0.0.1");
    CHECK(at.delay_of(shared, true) == 0ms);
    (void)at.delay_of(shared, false);
    CHECK(at.delay_of(shared, true) == 50ms);
    for (int guess = 0; guess < 20; ++guess)
        (void)at.delay_of(shared, false);
    CHECK(at.delay_of(shared, true) == 1s);
    CHECK(at.delay_of(ip("10.0.0.2"), true) == 0ms);
    at.now += 400ms;
    CHECK(at.delay_of(shared, true) == 600ms);
    at.now += 600ms;
    CHECK(at.delay_of(shared, true) == 0ms);
}

TEST_CASE("an answer does not come later than half of the time that is left for the handshake")
{
    endpoint_limits at({.pending_handshakes = 10});
    for (int guess = 0; guess < 20; ++guess)
        CHECK(at.delay_of(ip("10.0.0.1"), false, at.now + 200ms) <= 100ms);
    CHECK(at.delay_of(ip("10.0.0.1"), true, at.now + 200ms) == 100ms);
    CHECK(at.delay_of(ip("10.0.0.1"), true, at.now + 2ms) == 1ms);
    CHECK(at.delay_of(ip("10.0.0.1"), true, at.now - 2ms) == 0ms);
}

TEST_CASE("of an address that guesses without waiting for answers few passwords are looked at")
{
    endpoint_limits at({.pending_handshakes = 1000});
    int looked_at = 0;
    const time_point began = at.now;
    // A guess each 100 us, as many connections as it takes, none of them waits.
    while (at.now - began < 10s) {
        auto& entry = at.enter(ip("10.0.0.1"));
        if (at.admits.may_authenticate(entry, at.now)) {
            ++looked_at;
            (void)at.admits.authenticated(entry, false, at.now);
        }
        at.admits.leave(entry, at.now);
        at.all.pop_back();
        at.now += 100us;
    }
    // 64 in 2 s, and as many at first.
    CHECK(looked_at > 100);
    CHECK(looked_at < 500);
    CHECK(at.admits.may_authenticate(at.enter(ip("10.0.0.2")), at.now));
    at.now += 100ms;
    CHECK(at.admits.may_authenticate(at.enter(ip("10.0.0.1")), at.now));
}

TEST_CASE("an address without a refusal may send a password at any time of the clock")
{
    endpoint_limits at({.pending_handshakes = 10});
    at.now = time_point{};
    CHECK(at.admits.may_authenticate(at.enter(ip("10.0.0.1")), at.now));
}

TEST_CASE("the table of addresses is bounded, however many of them guess")
{
    endpoint_limits at({.pending_handshakes = 10});
    for (std::uint32_t number = 0; number < 20'000; ++number)
        (void)at.delay_of(numbered(number), false);
    CHECK(at.admits.addresses() == admission::max_remembered);
    // The newest are remembered.
    CHECK(at.delay_of(numbered(19'999), false) == 100ms);
    CHECK(at.delay_of(numbered(1), false) == 50ms);
}

TEST_CASE("many addresses are found, and forgotten when their connections end")
{
    endpoint_limits at({.pending_handshakes = 100'000, .pending_handshakes_per_address = 1});
    constexpr std::uint32_t count = 5'000;
    for (std::uint32_t number = 0; number < count; ++number)
        at.enter(numbered(number));
    CHECK(at.admits.addresses() == count);
    for (std::uint32_t number = 0; number < count; ++number)
        CHECK(at.admits.ask(numbered(number), at.now).gives_way == &at.all[number]);
    for (admitted_peer& each : at.all)
        at.admits.leave(each, at.now);
    CHECK(at.admits.addresses() == 0);
}
