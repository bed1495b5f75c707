// SPDX-License-Identifier: MPL-2.0

// heartbeat_interval and heartbeat_ttl, and the events of heartbeats.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"
#include "support/stream_peer.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

constexpr std::string_view ping_name = "\4PING";

/// The ttl of the first PING, in tenths of a second; -1: none came.
int ttl_of_ping(const socket_options& options, duration within = test_timeout)
{
    auto in = new_context();
    auto at = new_socket<pull>(in, options);
    const std::string where = must(at.bind(any_tcp));
    loop on = new_peer_loop();
    stream_peer peer(on, where);
    REQUIRE(peer.shake_hands("PUSH"));
    const auto ping = [&] { return peer.received().find(ping_name); };
    const auto whole = [&] {
        return ping() != std::string::npos &&
               peer.received().size() >= ping() + ping_name.size() + 2;
    };
    if (!peer.run_until(whole, within))
        return -1;
    const std::string_view ttl =
        std::string_view(peer.received()).substr(ping() + ping_name.size(), 2);
    return static_cast<unsigned char>(ttl[0]) << 8 | static_cast<unsigned char>(ttl[1]);
}

socket_options with_interval(duration interval, duration timeout)
{
    socket_options options;
    options.heartbeat_interval = interval;
    options.peer_timeout = timeout;
    return options;
}

} // namespace

TEST_CASE("a PING comes after heartbeat_interval, and tells the peer heartbeat_ttl")
{
    // After a third of peer_timeout it would come too late for the test.
    socket_options options = with_interval(20ms, 10min);
    CHECK(ttl_of_ping(options) == 655); // the most that is told
    options.heartbeat_ttl = 1700ms;
    CHECK(ttl_of_ping(options) == 17);
    options.heartbeat_ttl = 0ms;
    CHECK(ttl_of_ping(options) == 0);
    CHECK(ttl_of_ping(with_interval(0ms, 60ms)) == 0);
    CHECK(ttl_of_ping(with_interval(0ms, 1500ms)) == 15);
    CHECK(ttl_of_ping(with_interval(0ms, 10min), 50ms) == -1);
}

TEST_CASE("heartbeat_interval is less than peer_timeout, and not negative")
{
    auto in = new_context();
    CHECK(code_of(pull::create(in, with_interval(1s, 1s))) == errc::invalid_argument);
    CHECK(code_of(pull::create(in, with_interval(1s, 0s))) == errc::invalid_argument);
    CHECK(code_of(pull::create(in, with_interval(-1s, 1s))) == errc::invalid_argument);
    socket_options options;
    options.heartbeat_ttl = -1s;
    CHECK(code_of(pull::create(in, options)) == errc::invalid_argument);
}

TEST_CASE("an answered PING is an event, and so is one that is not")
{
    auto in = new_context();
    auto at = new_socket<pull>(in, with_interval(20ms, 60ms));
    const std::string where = must(at.bind(any_tcp));
    auto events = must(event_stream::of(
        at, {.kinds = {event_kind::heartbeat_answered, event_kind::heartbeat_missed}}));
    {
        auto peer = new_socket<push>(in);
        must(peer.connect(where));
        const event answered = must(events.next(test_timeout));
        CHECK(answered.kind == event_kind::heartbeat_answered);
        CHECK(answered.delay > 0ns);
        CHECK(answered.connection > 0);
        CHECK(to_string(answered).find("heartbeat_answered") == 0);
    }
    loop on = new_peer_loop();
    stream_peer mute(on, where);
    REQUIRE(mute.shake_hands("PUSH"));
    REQUIRE(mute.is_closed());
    event next = must(events.next(test_timeout));
    while (next.kind == event_kind::heartbeat_answered)
        next = must(events.next(test_timeout));
    CHECK(next.kind == event_kind::heartbeat_missed);
}

TEST_CASE("with heartbeat_interval a peer of ZMTP 3.0 is given up that does not answer")
{
    auto in = new_context();
    auto at = new_socket<pull>(in, with_interval(20ms, 60ms));
    const std::string where = must(at.bind(any_tcp));
    loop on = new_peer_loop();
    stream_peer mute(on, where);
    REQUIRE(mute.send(zmtp_3_0_greeting() + zmtp_ready("PUSH")));
    CHECK(mute.is_closed());
}
