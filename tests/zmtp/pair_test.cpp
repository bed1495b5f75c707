// SPDX-License-Identifier: MPL-2.0

// Two sessions that talk to each other.

#include "session_rig.hpp"

#include <serverlink/random.hpp>

#include <doctest/doctest.h>

#include <algorithm>

using namespace slk;
using namespace slk::zmtp;
using namespace slk::testing;

namespace {

/// A session and its incoming bytes.
struct side {
    explicit side(const session_options& options) : tested(options) { tested.start({}); }

    /// Moves up to `most` bytes of this side's output to the other.
    bool send_to(side& other, std::size_t most)
    {
        const std::size_t before = outgoing.size();
        outgoing.resize(before + tested.pending());
        tested.transmit(std::span(outgoing).subspan(before));
        const std::size_t count = std::min(most, outgoing.size());
        const auto end = outgoing.begin() + static_cast<std::ptrdiff_t>(count);
        other.incoming.insert(other.incoming.end(), outgoing.begin(), end);
        outgoing.erase(outgoing.begin(), end);
        other.take();
        return count > 0;
    }

    void take()
    {
        while (true) {
            const arrival arrived = tested.receive({}, incoming);
            if (arrived.kind == arrival_kind::ready)
                peer_type = arrived.peer.type;
            if (arrived.kind == arrival_kind::authenticate)
                tested.accept({});
            incoming.erase(incoming.begin(),
                           incoming.begin() + static_cast<std::ptrdiff_t>(arrived.consumed));
            if (arrived.kind == arrival_kind::need || arrived.kind == arrival_kind::failed ||
                arrived.kind == arrival_kind::flush)
                return;
        }
    }

    session tested;
    bytes incoming;
    bytes outgoing;
    std::optional<socket_type> peer_type;
};

/// Until no side has output; a limit keeps two that never stop from hanging the test.
void talk(side& one, side& other, random_stream& random)
{
    for (int turn = 0; turn < 1000; ++turn) {
        const bool first = one.send_to(other, 1 + random.next() % 70);
        const bool second = other.send_to(one, 1 + random.next() % 70);
        if (!first && !second)
            return;
    }
    FAIL("the two sessions never fell silent");
}

} // namespace

TEST_CASE("two sessions agree exactly when their types may talk, however their greetings go out")
{
    random_stream random(3);
    for (const mechanism security : {mechanism::null, mechanism::plain})
        for (unsigned staged = 0; staged < 4; ++staged)
            for (std::size_t pair = 0; pair < socket_type_count * socket_type_count; ++pair) {
                session_options first;
                first.security = security;
                first.own_credentials = {"user", "password"};
                session_options second = first;
                first.metadata.type = static_cast<socket_type>(pair / socket_type_count);
                second.metadata.type = static_cast<socket_type>(pair % socket_type_count);
                first.accept_2_0 = (staged & 1) != 0;
                second.accept_2_0 = (staged & 2) != 0;
                second.as_server = true;
                side client(first);
                side server(second);
                talk(client, server, random);
                INFO(name_of(security), " ", staged, " ", name_of(first.metadata.type), " ",
                     name_of(second.metadata.type));
                if (may_talk(first.metadata.type, second.metadata.type)) {
                    CHECK(client.tested.state() == session_state::ready);
                    CHECK(server.tested.state() == session_state::ready);
                    CHECK(client.peer_type == second.metadata.type);
                    CHECK(server.peer_type == first.metadata.type);
                } else {
                    CHECK(server.tested.state() == session_state::failed);
                    CHECK(client.tested.state() != session_state::ready);
                }
            }
}

TEST_CASE("two PLAIN clients refuse each other, and two PLAIN servers wait until their deadline")
{
    random_stream random(4);
    for (const bool as_server : {false, true}) {
        const session_options options = plain_options(socket_type::pair, as_server);
        side one(options);
        side other(options);
        talk(one, other, random);
        for (const side* each : {&one, &other})
            CHECK(each->tested.state() ==
                  (as_server ? session_state::awaiting_hello : session_state::failed));
        one.tested.tick(one.tested.due());
        CHECK(one.tested.state() == session_state::failed);
    }
}

TEST_CASE("two idle sessions with heartbeats keep each other alive")
{
    using namespace std::chrono_literals;
    session_options options = options_of(socket_type::pair);
    options.heartbeat_interval = 100ms;
    options.heartbeat_timeout = 150ms;
    options.heartbeat_ttl = 200ms;
    session one(options);
    session other(options);
    one.start({});
    other.start({});
    const auto exchange = [](session& from, session& to, time_point now) {
        bytes out(from.pending());
        from.transmit(out);
        for (byte_view rest = out; !rest.empty();) {
            const arrival arrived = to.receive(now, rest);
            rest = rest.subspan(arrived.consumed);
            REQUIRE(arrived.kind != arrival_kind::failed);
        }
    };
    time_point now{};
    for (int count = 0; count < 1000; ++count, now += 10ms) {
        one.tick(now);
        other.tick(now);
        exchange(one, other, now);
        exchange(other, one, now);
    }
    CHECK(one.state() == session_state::ready);
    CHECK(other.state() == session_state::ready);
    // When the connection is cut, both notice.
    one.tick(now += 200ms);
    other.tick(now);
    one.tick(now += 200ms);
    other.tick(now);
    CHECK(one.state() == session_state::failed);
    CHECK(other.state() == session_state::failed);
}
