// SPDX-License-Identifier: MPL-2.0

// Time in a session: the handshake's deadline, PINGs, and dead peers.

#include "session_rig.hpp"

#include <doctest/doctest.h>

using namespace slk;
using namespace slk::zmtp;
using namespace slk::testing;
using namespace std::chrono_literals;

namespace {

constexpr time_point begin{1h};

/// A ready session of these options with nothing pending, at `begin`.
session ready_session(const session_options& options, unsigned minor = 1)
{
    session one(options);
    one.start(begin);
    (void)one.receive(begin, null_peer(socket_type::pair, minor));
    REQUIRE(one.state() == session_state::ready);
    bytes out(one.pending());
    one.transmit(out);
    return one;
}

bytes flushed(session& one)
{
    bytes out(one.pending());
    one.transmit(out);
    return out;
}

session_options beating(duration interval, std::optional<duration> timeout)
{
    session_options options = options_of(socket_type::pair);
    options.heartbeat_interval = interval;
    options.heartbeat_timeout = timeout;
    return options;
}

const std::string ping_hex = "04 07 04 50 49 4e 47 00 00";
const bytes pong_frame = from_hex("04 05 04 50 4f 4e 47");
/// A sign of life that answers no PING.
const std::string sign_hex = "04 06 04 50 4f 4e 47 00";

} // namespace

TEST_CASE("one deadline covers the greeting and the handshake")
{
    session_options options = options_of(socket_type::pair);
    options.handshake_timeout = 5s;
    session one(options);
    one.start(begin);
    CHECK(one.due() == begin + 5s);
    (void)one.receive(begin + 4s, greeting_from(mechanism::null));
    CHECK(one.due() == begin + 5s);
    one.tick(begin + 5s - 1ns);
    CHECK(one.state() == session_state::awaiting_ready);
    one.tick(begin + 5s);
    CHECK(one.state() == session_state::failed);
    CHECK(one.failure().code == errc::timed_out);
    CHECK(one.failure().phase == phase::handshake);
    CHECK(one.due() == never);
}

TEST_CASE("the deadline ends with the handshake, also with a 2.0 peer")
{
    session_options options = options_of(socket_type::dealer);
    options.accept_2_0 = true;
    session one(options);
    one.start(begin);
    bytes two = greeting_from(mechanism::null);
    two.resize(10);
    (void)one.receive(begin, two + from_hex("01 06 00 00"));
    CHECK(one.state() == session_state::ready);
    CHECK(one.due() == never);
    CHECK(ready_session(options_of(socket_type::pair)).due() == never);
}

TEST_CASE("without a time limit the handshake may last for ever")
{
    session_options options = options_of(socket_type::pair);
    options.handshake_timeout = 0s;
    session one(options);
    one.start(begin);
    CHECK(one.due() == never);
    one.tick(begin + 1000h);
    CHECK(one.state() == session_state::greeting);
}

TEST_CASE("interval 200, timeout 500, a silent peer: PINGs at 0.2, 0.4 and 0.6 s, the end at 0.7")
{
    const session_options options = beating(200ms, 500ms);
    session one = ready_session(options);
    for (const duration at : {200ms, 400ms, 600ms}) {
        CHECK(one.due() == begin + at);
        one.tick(begin + at - 1ns);
        CHECK(flushed(one).empty());
        one.tick(begin + at);
        CHECK(to_hex(flushed(one)) == ping_hex);
    }
    CHECK(one.due() == begin + 700ms);
    one.tick(begin + 700ms - 1ns);
    CHECK(one.state() == session_state::ready);
    one.tick(begin + 700ms);
    CHECK(one.state() == session_state::failed);
    CHECK(one.failure().code == errc::timed_out);
    CHECK(one.failure().phase == phase::transfer);
}

TEST_CASE("every byte of the peer shows that it is alive, even a part of a large body")
{
    const session_options options = beating(200ms, 300ms);
    for (const bytes& sign : {frame_from(0, "data"), from_hex("04 05 04 50 4f 4e 47"),
                              from_hex("04 07 04 50 49 4e 47 00 00"),
                              from_hex("02 00 00 00 00 00 01 00 00"), from_hex("00")}) {
        session one = ready_session(options);
        one.tick(begin + 200ms);
        (void)one.receive(begin + 450ms, sign);
        one.tick(begin + 500ms);
        CHECK(one.state() == session_state::ready);
    }
    session one = ready_session(options);
    (void)one.receive(begin + 100ms, from_hex("02 00 00 00 00 00 01 00 00"));
    one.tick(begin + 200ms);
    one.body_received(begin + 450ms, 1);
    one.tick(begin + 500ms);
    CHECK(one.state() == session_state::ready);
}

TEST_CASE("no bytes are no sign of life")
{
    const session_options options = beating(200ms, 300ms);
    session one = ready_session(options);
    one.tick(begin + 200ms);
    (void)one.receive(begin + 450ms, {});
    one.tick(begin + 500ms);
    CHECK(one.state() == session_state::failed);
}

TEST_CASE("a timeout that is not given is the interval, and 0 waits for ever")
{
    const session_options as_interval = beating(200ms, std::nullopt);
    session one = ready_session(as_interval);
    one.tick(begin + 200ms);
    one.tick(begin + 400ms);
    CHECK(one.state() == session_state::failed);
    const session_options patient = beating(200ms, 0s);
    session two = ready_session(patient);
    for (duration at = 200ms; at < 100s; at += 200ms)
        two.tick(begin + at);
    CHECK(two.state() == session_state::ready);
}

TEST_CASE("a late tick sends one PING, and the next is due an interval later")
{
    const session_options options = beating(200ms, 0s);
    session one = ready_session(options);
    one.tick(begin + 10s);
    CHECK(to_hex(flushed(one)) == ping_hex);
    CHECK(one.due() == begin + 10s + 200ms);
}

TEST_CASE("a PING that is still pending is not sent twice")
{
    const session_options options = beating(200ms, 0s);
    session one = ready_session(options);
    one.tick(begin + 200ms);
    one.tick(begin + 400ms);
    CHECK(to_hex(flushed(one)) == ping_hex);
}

TEST_CASE("our PING has the time that the peer may hear nothing")
{
    session_options options = beating(200ms, 0s);
    options.heartbeat_ttl = 1050ms;
    session one = ready_session(options);
    one.tick(begin + 200ms);
    CHECK(to_hex(flushed(one)) == "04 07 04 50 49 4e 47 00 0a");
}

TEST_CASE("3.0 peers get PINGs, 2.0 peers do not")
{
    const session_options options = beating(200ms, 0s);
    CHECK(ready_session(options, 0).due() == begin + 200ms);
    session_options old = beating(200ms, 0s);
    old.accept_2_0 = true;
    session one(old);
    one.start(begin);
    bytes two = greeting_from(mechanism::null);
    two.resize(10);
    (void)one.receive(begin, two + from_hex("01 00 00 00"));
    CHECK(one.state() == session_state::ready);
    CHECK(one.due() == never);
}

TEST_CASE("the TTL of the peer's PING ends the session when nothing follows it")
{
    const session_options options = options_of(socket_type::pair);
    session one = ready_session(options);
    (void)one.receive(begin, from_hex("04 07 04 50 49 4e 47 02 90")); // 65.6 s
    CHECK(one.due() == begin + 65600ms);
    session other = ready_session(options);
    (void)other.receive(begin, from_hex("04 07 04 50 49 4e 47 02 90"));
    one.tick(begin + 65600ms - 1ns);
    CHECK(one.state() == session_state::ready);
    one.tick(begin + 65600ms);
    CHECK(one.failure().code == errc::timed_out);
    (void)other.receive(begin + 1s, frame_from(0, "x"));
    CHECK(other.due() == never);
}

TEST_CASE("each PING begins its TTL anew, and one without takes it away")
{
    const session_options options = options_of(socket_type::pair);
    session one = ready_session(options);
    (void)one.receive(begin, from_hex("04 07 04 50 49 4e 47 00 0a"));
    flushed(one);
    (void)one.receive(begin + 500ms, from_hex("04 07 04 50 49 4e 47 00 0a"));
    flushed(one);
    CHECK(one.due() == begin + 1500ms);
    (void)one.receive(begin + 600ms, from_hex("04 07 04 50 49 4e 47 00 00"));
    CHECK(one.due() == never);
}

TEST_CASE("the wait for an answer begins when the system has taken the PING")
{
    const session_options options = beating(1s, 300ms);
    session one = ready_session(options);
    one.tick(begin + 1s);
    flushed(one);
    CHECK(one.due() == begin + 1300ms);
    one.ping_taken(begin + 1200ms);
    CHECK(one.due() == begin + 1500ms);
    // The answer to the first one is waited for, however many follow.
    one.ping_taken(begin + 1400ms);
    CHECK(one.due() == begin + 1500ms);
    CHECK_FALSE(one.suspects(begin + 1500ms - 1ns));
    CHECK(one.suspects(begin + 1500ms));
    one.tick(begin + 1500ms);
    CHECK(one.state() == session_state::failed);
}

TEST_CASE("a silent peer that lives is not given up, and is suspected again and again")
{
    const session_options options = beating(200ms, 300ms);
    session one = ready_session(options);
    one.tick(begin + 200ms);
    one.ping_taken(begin + 200ms);
    one.tick(begin + 400ms);
    for (const duration at : {500ms, 800ms, 1100ms}) {
        CHECK_FALSE(one.suspects(begin + at - 1ns));
        CHECK(one.suspects(begin + at));
        one.tick(begin + at, true);
        CHECK(one.state() == session_state::ready);
    }
    one.tick(begin + 1400ms, false);
    CHECK(one.state() == session_state::failed);
}

TEST_CASE("a peer that lives may also exceed the TTL of its PING")
{
    const session_options options = options_of(socket_type::pair);
    session one = ready_session(options);
    (void)one.receive(begin, from_hex("04 07 04 50 49 4e 47 00 0a"));
    one.tick(begin + 1s, true);
    CHECK(one.state() == session_state::ready);
    CHECK(one.due() == never);
}

TEST_CASE("answers are counted, and signs of life are no answers")
{
    const session_options options = beating(200ms, 0s);
    session one = ready_session(options);
    CHECK(one.last_ping() == 0);
    (void)one.receive(begin, pong_frame);
    CHECK(one.answered_ping() == 0);
    for (const duration at : {200ms, 400ms, 600ms}) {
        one.tick(begin + at);
        CHECK(one.has_ping());
        flushed(one);
        CHECK_FALSE(one.has_ping());
    }
    CHECK(one.last_ping() == 3);
    (void)one.receive(begin + 1s, from_hex(sign_hex));
    CHECK(one.answered_ping() == 0);
    (void)one.receive(begin + 1s, pong_frame + pong_frame);
    CHECK(one.answered_ping() == 2);
    (void)one.receive(begin + 1s, pong_frame + pong_frame);
    CHECK(one.answered_ping() == 3);
}

TEST_CASE("a peer that was just heard gets no PING that would tell nothing")
{
    session_options options = beating(200ms, 400ms);
    options.heartbeat_ttl = 600ms;
    session one = ready_session(options);
    one.tick(begin + 200ms, false, false);
    CHECK(to_hex(flushed(one)) == "04 07 04 50 49 4e 47 00 06");
    for (duration at = 250ms; at <= 1000ms; at += 50ms) {
        (void)one.receive(begin + at, frame_from(0, "x"));
        one.tick(begin + at + 1ms, false, false);
        // The peer was promised another sign of life, once.
        CHECK(to_hex(flushed(one)) == (at == 600ms ? sign_hex : ""));
    }
    CHECK(one.due() == begin + 1200ms);
    one.tick(begin + 1200ms, false, false);
    CHECK(to_hex(flushed(one)) == "04 07 04 50 49 4e 47 00 06");
    (void)one.receive(begin + 1300ms, frame_from(0, "x"));
    one.tick(begin + 1400ms, false, true);
    CHECK(to_hex(flushed(one)) == "04 07 04 50 49 4e 47 00 06");
}

TEST_CASE("a peer shows by its version, a PING or a PONG that it answers PINGs")
{
    const session_options options = beating(200ms, 0s);
    CHECK(ready_session(options, 1).peer_answers_pings());
    for (const bytes& sign : {ping_frame, pong_frame}) {
        session one = ready_session(options, 0);
        CHECK_FALSE(one.peer_answers_pings());
        (void)one.receive(begin, frame_from(0, "x"));
        CHECK_FALSE(one.peer_answers_pings());
        (void)one.receive(begin, sign);
        CHECK(one.peer_answers_pings());
    }
}

TEST_CASE("while a session is paused, the peer's silence says nothing")
{
    const session_options options = beating(200ms, 300ms);
    session one = ready_session(options);
    (void)one.receive(begin, from_hex("04 07 04 50 49 4e 47 00 01"));
    one.tick(begin + 50ms);
    one.pause(begin + 50ms);
    flushed(one);
    for (duration at = 100ms; at < 2s; at += 50ms)
        one.tick(begin + at);
    CHECK(one.state() == session_state::ready);
    one.resume(begin + 2s);
    flushed(one);
    one.tick(begin + 2200ms);
    CHECK(to_hex(flushed(one)) == ping_hex);
    one.tick(begin + 2500ms);
    CHECK(one.state() == session_state::failed);
}

TEST_CASE("a paused session sends a PONG at once if its last PING had a TTL, and then regularly")
{
    session_options options = beating(200ms, 300ms);
    options.heartbeat_ttl = 1s;
    session one = ready_session(options);
    one.pause(begin);
    CHECK(flushed(one).empty());
    one.resume(begin);
    one.tick(begin + 200ms);
    CHECK(to_hex(flushed(one)) == "04 07 04 50 49 4e 47 00 0a");
    one.pause(begin + 250ms);
    CHECK(to_hex(flushed(one)) == sign_hex);
    for (const duration at : {400ms, 600ms}) {
        CHECK(one.due() == begin + at);
        one.tick(begin + at);
        CHECK(to_hex(flushed(one)) == sign_hex);
    }
    // A second pause without a PING in between owes nothing.
    one.resume(begin + 700ms);
    one.pause(begin + 700ms);
    CHECK(flushed(one).empty());
}

TEST_CASE("a paused session gives several signs of life between two PINGs of its peer")
{
    for (const duration own : {duration{0s}, duration{10s}}) {
        CAPTURE(own.count());
        const session_options options = beating(own, own);
        session one = ready_session(options);
        (void)one.receive(begin, ping_frame);
        (void)one.receive(begin, {});
        flushed(one);
        (void)one.receive(begin + 800ms, ping_frame);
        flushed(one);
        one.pause(begin + 900ms);
        for (const duration at : {1000ms, 1100ms, 1200ms}) {
            CHECK(one.due() == begin + at);
            one.tick(begin + at);
            CHECK(to_hex(flushed(one)) == sign_hex);
        }
        one.resume(begin + 1250ms);
        CHECK(one.due() == (own == 0s ? never : begin + 1250ms + own));
    }
}

TEST_CASE("a paused session whose peer does not ask, and that has no interval, sends nothing")
{
    const session_options options = options_of(socket_type::pair);
    session one = ready_session(options);
    one.pause(begin);
    CHECK(one.due() == never);
}

TEST_CASE(
    "after messages were sent, the peer is asked a tenth of an interval after the last question")
{
    const session_options options = beating(1s, 0s);
    session one = ready_session(options);
    one.ask_what_was_read(begin + 10ms);
    CHECK(flushed(one).empty());
    CHECK(one.due() == begin + 100ms);
    one.tick(begin + 100ms);
    CHECK(to_hex(flushed(one)) == ping_hex);
    CHECK(one.due() == begin + 1100ms);
    one.ask_what_was_read(begin + 150ms);
    CHECK(one.due() == begin + 200ms);
    one.tick(begin + 200ms);
    CHECK(to_hex(flushed(one)) == ping_hex);
    one.ask_what_was_read(begin + 600ms);
    CHECK(to_hex(flushed(one)) == ping_hex);
}

TEST_CASE("without heartbeats, and while a session is paused, nothing is asked")
{
    const session_options none = options_of(socket_type::pair);
    session quiet = ready_session(none);
    quiet.ask_what_was_read(begin + 10s);
    CHECK(flushed(quiet).empty());
    CHECK(quiet.due() == never);
    const session_options options = beating(1s, 0s);
    session one = ready_session(options);
    one.pause(begin);
    one.ask_what_was_read(begin + 500ms);
    CHECK(flushed(one).empty());
    CHECK(one.due() == begin + 1s);
}
