// SPDX-License-Identifier: MPL-2.0

// Two sockets of inproc that end at the same time: each message is in one counter of one of them.

#include "messaging/socket/endpoint_table.hpp"
#include "messaging/socket/peer_table.hpp"
#include "pattern/make_pattern.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <utility>

using namespace slk;

namespace {

/// Stands between the two: something happens when the reader reports room.
struct when_writable final : messaging::far_end {
    explicit when_writable(std::function<void()> what) : then(std::move(what)) {}
    void on_readable() noexcept override {}
    void on_writable() noexcept override { then(); }
    void pipe_closed(const error&) noexcept override {}
    void disconnect(const error&) noexcept override {}

    std::function<void()> then;
};

/// What a socket has of its peers.
struct socket_of_peer {
    explicit socket_of_peer(zmtp::socket_type type)
        : box(reference<messaging::inbox>::adopt(new messaging::inbox)),
          routes(pattern::make_pattern(type, 1)), peers(*routes, *box, pools, endpoints)
    {
        box->places().set_rule(routes->rule());
        peers.set_requeue(false);
    }

    void meet(reference<messaging::pipe> end, zmtp::socket_type far)
    {
        peer = std::move(end);
        messaging::peer_connected how;
        how.info.type = far;
        REQUIRE(peers.connected(*peer, std::move(how)));
    }
    void send()
    {
        const pattern::part_view nothing{};
        REQUIRE(peer->out.write({&nothing, 1}));
        peer->publish(false);
    }
    [[nodiscard]] std::uint64_t unsent() const { return box->counters().unsent.value(); }
    [[nodiscard]] std::uint64_t discarded() const { return box->counters().discarded.value(); }

    lane::chunk_pools pools;
    reference<messaging::inbox> box;
    std::unique_ptr<pattern::pattern> routes;
    messaging::endpoint_table endpoints;
    messaging::peer_table peers;
    reference<messaging::pipe> peer;
};

struct two_sockets {
    two_sockets()
    {
        const auto lanes = messaging::pipe_lanes::create(from.pools, false);
        const auto make = [&](std::size_t which, messaging::pipe_origin origin) {
            return reference<messaging::pipe>::adopt(
                new messaging::pipe(lanes, which, origin, true));
        };
        from.meet(make(0, messaging::pipe_origin::connect), zmtp::socket_type::pull);
        to.meet(make(1, messaging::pipe_origin::accept), zmtp::socket_type::push);
        from.peer->far = reference<messaging::far_end>::adopt(new when_writable([] {}));
    }

    socket_of_peer from{zmtp::socket_type::push};
    socket_of_peer to{zmtp::socket_type::pull};
};

} // namespace

TEST_CASE("what is sent by inproc to a socket that has ended is unsent, if that is not known, too")
{
    two_sockets pair;
    pair.from.send();
    pair.to.peers.end(*pair.to.peer);
    pair.from.send();
    pair.from.send();
    pair.from.peers.end(*pair.from.peer);
    CHECK(pair.to.discarded() == 1);
    CHECK(pair.from.unsent() == 2);
}

TEST_CASE("what was sent by inproc before the sender ended is discarded by the one that ends last")
{
    two_sockets pair;
    pair.from.send();
    pair.from.peers.end(*pair.from.peer);
    pair.to.peers.end(*pair.to.peer);
    CHECK(pair.to.discarded() == 1);
    CHECK(pair.from.unsent() == 0);
}

TEST_CASE("a sender that ends between a reader's last read and its end leaves no message uncounted")
{
    two_sockets pair;
    bool sender_ends = false;
    SUBCASE("the sender ends first")
    {
        sender_ends = true;
    }
    SUBCASE("the reader ends first") {}
    pair.to.peer->far = reference<messaging::far_end>::adopt(new when_writable([&] {
        pair.from.send();
        if (sender_ends)
            pair.from.peers.end(*pair.from.peer);
    }));
    pair.from.send();
    CHECK(!pair.from.peer->out.is_flushed()); // the reader reports room
    pair.to.peers.end(*pair.to.peer);
    if (!sender_ends)
        pair.from.peers.end(*pair.from.peer);
    CHECK(pair.to.discarded() == (sender_ends ? 2U : 1U));
    CHECK(pair.from.unsent() == (sender_ends ? 0U : 1U));
}
