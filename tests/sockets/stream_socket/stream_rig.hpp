// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SOCKETS_STREAM_SOCKET_STREAM_RIG_HPP
#define SLK_TESTS_SOCKETS_STREAM_SOCKET_STREAM_RIG_HPP

/// What the tests of a STREAM share.

#include <serverlink/stream_socket.hpp>

#include "support/sockets.hpp"
#include "support/stream_peer.hpp"

#include <chrono>
#include <string>
#include <utility>

namespace slk::testing {

struct arrived {
    router_event what = router_event::message;
    peer_id from{};
    std::string bytes{};
};

/// The next message, which has to come.
[[nodiscard]] inline arrived next(stream_socket& at, const timeout& limit = test_timeout)
{
    arrived one;
    message bytes;
    one.what = must(at.receive(one.from, bytes, limit));
    one.bytes = bytes.text();
    return one;
}

/// The peer that has just connected.
[[nodiscard]] inline peer_id new_peer(stream_socket& at)
{
    arrived one = next(at);
    CHECK(one.what == router_event::connected);
    CHECK(one.bytes.empty());
    return std::move(one.from);
}

/// As many bytes of the peer as these are.
[[nodiscard]] inline std::string read(stream_socket& at, const peer_id& from, std::size_t count)
{
    std::string all;
    while (all.size() < count) {
        const arrived one = next(at);
        REQUIRE(one.what == router_event::message);
        REQUIRE(one.from == from);
        REQUIRE_FALSE(one.bytes.empty());
        all += one.bytes;
    }
    return all;
}

/// The condition holds after a while, in which the peer's loop goes on.
template <class Condition>
[[nodiscard]] bool eventually(loop& on, Condition&& holds)
{
    return until([&] {
        must(on.run_for(0ms));
        return holds();
    });
}

/// As many bytes as these are, which the peer is sending meanwhile.
[[nodiscard]] inline std::string read_while(loop& on, stream_socket& at, std::size_t count)
{
    std::string all;
    const auto end = std::chrono::steady_clock::now() + test_timeout;
    while (all.size() < count && std::chrono::steady_clock::now() < end) {
        peer_id from;
        message bytes;
        if (at.receive(from, bytes, no_wait))
            all += bytes.text();
        else
            must(on.run_for(0ms));
    }
    return all;
}

/// Nothing is to be received.
[[nodiscard]] inline bool is_quiet(stream_socket& at, duration time = 0ms)
{
    peer_id from;
    message bytes;
    const auto received = at.receive(from, bytes, timeout{time});
    return !received &&
           (received.error() == errc::would_block || received.error() == errc::timed_out);
}

} // namespace slk::testing

#endif
