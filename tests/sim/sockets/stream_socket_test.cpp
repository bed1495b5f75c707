// SPDX-License-Identifier: MPL-2.0
#include <serverlink/stream_socket.hpp>

#include "sim/sockets/simulated_sockets.hpp"

#include <doctest/doctest.h>

using namespace slk;
using namespace slk::testing;

namespace {

struct stream_world : socket_world {
    using socket_world::socket_world;

    /// A STREAM at each end, which know each other.
    void meet()
    {
        bind(bound);
        connect(connecter);
        REQUIRE(until([&] { return connecter.events().readable && bound.events().readable; }));
        message notice;
        CHECK(must(connecter.receive(to_server, notice, no_wait)) == router_event::connected);
        CHECK(must(bound.receive(to_client, notice, no_wait)) == router_event::connected);
    }

    stream_socket bound = new_socket<stream_socket>(server_context);
    stream_socket connecter = new_socket<stream_socket>(client_context, reconnect_at_once());
    peer_id to_server;
    peer_id to_client;
};

/// All that can be received now.
std::string read_all(stream_socket& from)
{
    std::string all;
    peer_id peer;
    for (message bytes; from.receive(peer, bytes, no_wait);)
        all += bytes.text();
    return all;
}

} // namespace

TEST_CASE("a STREAM sends nothing by itself, however long its peer is silent")
{
    stream_world world;
    world.meet();
    world.run_with_calls(world.bound, 10min);
    CHECK(ready_peers(world.bound) == 1);
    CHECK(ready_peers(world.connecter) == 1);
    CHECK(world.connecter.counters().received == 1);
    CHECK(world.bound.counters().received == 1);
    must(world.connecter.send(world.to_server, "still here"));
    CHECK(world.until([&] { return read_all(world.bound) == "still here"; }));
}

TEST_CASE("a STREAM's peer that is closed gets all of its bytes, however slowly it reads them")
{
    stream_world world;
    socket_options slow = reconnect_at_once();
    slow.receive_high_water_mark = 1;
    slow.max_chunk_size = 4096;
    slow.tuning.receive_buffer = 4096;
    must(world.connecter.set_options(slow));
    world.meet();
    const std::string much = patterned_text(1'000'000);
    must(world.bound.send(world.to_client, much));
    must(world.bound.send(world.to_client, ""));
    // Far longer than linger and peer_timeout together.
    std::string got;
    const time_point begun = world.net.now();
    while (got.size() < much.size() && world.net.now() - begun < 1h) {
        world.run_with_calls(world.bound, 5s);
        peer_id peer;
        if (message bytes; world.connecter.receive(peer, bytes, no_wait))
            got += bytes.text();
    }
    CHECK(got == much);
    CHECK(world.net.now() - begun > 31s);
}

TEST_CASE("a STREAM's peer that is closed and whose system takes nothing ends after peer_timeout")
{
    stream_world world;
    world.meet();
    world.net.suspend(world.client, 1h);
    must(world.bound.send(world.to_client, patterned_text(5'000'000)));
    must(world.bound.send(world.to_client, ""));
    world.run_with_calls(world.bound, 29s);
    CHECK(world.bound.peers().size() == 1);
    world.run_with_calls(world.bound, 35s); // it is looked at every 30 s
    CHECK(world.bound.peers().empty());
    CHECK(world.bound.counters().unsent == 1);
}
