// SPDX-License-Identifier: MPL-2.0

// Paths that lose everything, in one direction or in both, and what the ends make of it.

#include "sim/sim_rig.hpp"

using namespace slk;
using namespace slk::sim_tests;

namespace {

link_options tuned(std::optional<keep_alive_options> keep_alive,
                   std::optional<duration> user_timeout)
{
    link_options options;
    options.tuning.keep_alive = keep_alive;
    options.tuning.user_timeout = user_timeout;
    return options;
}

constexpr keep_alive_options probes{.enabled = true, .idle = 10s, .interval = 2s, .count = 3};

} // namespace

TEST_CASE("a partition stops the one direction and not the other")
{
    world in;
    pair ends(in);
    reader near(ends.near());
    reader far(ends.far());
    SUBCASE("what the client sends")
    {
        in.net.partition(in.client, in.server);
        const sender lost(ends.near(), "held");
        const sender arrives(ends.far(), "arrives");
        in.net.run_for(1s);
        CHECK(near.text == "arrives");
        CHECK(far.text.empty());
        in.net.heal(in.client, in.server);
        CHECK(in.until([&] { return far.text == "held"; }, 2s));
    }
    SUBCASE("what the server sends")
    {
        in.net.partition(in.server, in.client);
        const sender arrives(ends.near(), "arrives");
        const sender lost(ends.far(), "held");
        in.net.run_for(1s);
        CHECK(far.text == "arrives");
        CHECK(near.text.empty());
        in.net.heal();
        CHECK(in.until([&] { return near.text == "held"; }, 2s));
    }
    SUBCASE("two other hosts are not touched")
    {
        const host_id third = new_host(in.net, "third", {ip("10.0.0.3")});
        in.net.partition(in.client, third);
        in.net.partition(third, in.server);
        const sender there(ends.near(), "there");
        const sender back(ends.far(), "back");
        in.net.run_for(1s);
        CHECK(far.text == "there");
        CHECK(near.text == "back");
    }
}

TEST_CASE("while one direction is closed nobody can connect, and afterwards everybody")
{
    world in;
    acceptor server(*in.server_loop);
    link_options options;
    options.reconnect.connect_timeout = 2s;
    SUBCASE("the way there")
    {
        in.net.partition(in.client, in.server);
    }
    SUBCASE("the way back")
    {
        in.net.partition(in.server, in.client);
    }
    dialler client(*in.client_loop, "tcp://server:5000", options);
    const duration waited = in.time_until([&] { return client.waits(); });
    CHECK(waited >= 2s);
    CHECK(waited < 2'100ms);
    CHECK(client.status().last_error == errc::timed_out);
    CHECK(server.status().accepted == 0);
    in.net.heal();
    CHECK(in.until([&] { return client.up(); }, 20s));
}

TEST_CASE("what was held back arrives when its own direction is healed")
{
    world in;
    pair ends(in);
    reader far(ends.far());
    in.net.partition(in.client, in.server);
    in.net.partition(in.server, in.client);
    const sender held(ends.near(), "held");
    in.net.run_for(1s);
    in.net.heal(in.client, in.server);
    CHECK(in.until([&] { return far.text == "held"; }, 2s));
}

TEST_CASE("keep-alive notices a partition of an idle connection, and nothing does without it")
{
    world in;
    SUBCASE("with")
    {
        pair ends(in, tuned(probes, {}));
        const reader near(ends.near());
        in.net.partition(in.server, in.client);
        const duration noticed = in.time_until([&] { return near.over(); });
        CHECK(near.failure == errc::timed_out);
        CHECK(noticed >= 10s + 3 * 2s);
        CHECK(noticed <= 10s + 3 * 2s + 1ms);
        CHECK(in.until([&] { return ends.client.saw(errc::timed_out); }, 1s));
    }
    SUBCASE("without")
    {
        pair ends(in);
        const reader near(ends.near());
        in.net.partition(in.server, in.client);
        in.net.partition(in.client, in.server);
        in.net.run_for(48h);
        CHECK(!near.over());
        CHECK(ends.client.up());
    }
    SUBCASE("switched on while the path is closed already")
    {
        acceptor server(*in.server_loop);
        dialler client(*in.client_loop, "tcp://10.0.0.1:5000", tuned(probes, {}));
        in.net.run_for(300us); // the SYN has arrived, its answer has not
        in.net.inject(fault::late_wake);
        in.net.run_for(110us);
        REQUIRE(in.net.injected(fault::late_wake) == 1);
        REQUIRE(!client.up());
        in.net.partition(in.server, in.client);
        in.net.partition(in.client, in.server);
        REQUIRE(in.until([&] { return client.up(); }, 1s));
        const reader near(client.wire);
        CHECK(in.time_until([&] { return near.over(); }) <= 16s + 1ms);
    }
}

TEST_CASE("keep-alive does not notice what retransmission is for: data on its way")
{
    // As Linux: no probe is sent while data is unacknowledged.
    world in;
    pair ends(in, tuned(probes, {}));
    const reader near(ends.near());
    in.net.partition(in.client, in.server);
    const sender unheard(ends.near(), "unheard");
    in.net.run_for(10min);
    CHECK(!near.over());
    CHECK(in.until([&] { return near.over(); }, 10min));
}

TEST_CASE("acknowledged data that nobody has read is not in doubt")
{
    world in;
    pair ends(in, tuned({}, 5s));
    const reader near(ends.near());
    const sender unread(ends.near(), "unread");
    in.net.run_for(1s);
    in.net.partition(in.client, in.server);
    in.net.run_for(1min);
    CHECK(!near.over());
}

TEST_CASE("the second half of a handshake that a partition cut does not hold its place for ever")
{
    world in;
    listener_options one;
    one.backlog = 1;
    acceptor server(*in.server_loop, "tcp://*:5000", one);
    link_options options;
    options.reconnect.connect_timeout = 1s;
    options.reconnect.cap = 1s;
    dialler client(*in.client_loop, "tcp://server:5000", options);
    // The SYN is under way; what follows it is lost.
    in.net.run_for(1300us);
    in.net.partition(in.client, in.server);
    in.net.run_for(10s);
    in.net.heal();
    CHECK(in.until([&] { return client.up() && server.streams.size() == 1; }, 2min));
}

TEST_CASE("unacknowledged data is given up by the user timeout, without it by the system")
{
    world in;
    duration least = 5s;
    link_options options = tuned({}, 5s);
    SUBCASE("user timeout") {}
    SUBCASE("the system's test_timeout")
    {
        options = tuned({}, {});
        least = 900s;
    }
    host_id from = in.client;
    host_id to = in.server;
    SUBCASE("the user timeout, where only the acknowledgements are lost")
    {
        std::swap(from, to);
    }
    pair ends(in, options);
    const reader near(ends.near());
    in.net.partition(from, to);
    in.net.run_for(30s);
    CHECK(!near.over());
    const sender unheard(ends.near(), "unheard");
    const duration noticed = in.time_until([&] { return near.over(); });
    CHECK(near.failure == errc::timed_out);
    CHECK(noticed >= least);
    CHECK(noticed <= (least == 5s ? 5s + 1ms : 1'000s));
    CHECK(in.until([&] { return ends.client.saw(errc::timed_out); }, 1s));
}

TEST_CASE("data that met a closed socket while the way back was cut is answered after the heal")
{
    world in;
    pair ends(in);
    const reader near(ends.near());
    in.net.partition(in.server, in.client);
    ends.far().reset();
    const sender asked(ends.near(), "is anybody there?");
    in.net.run_for(10s);
    CHECK(!near.over());
    in.net.heal(in.server, in.client);
    CHECK(in.until([&] { return near.failure == errc::connection_reset; }, 2s));
}

TEST_CASE("half-open connections whose answers were lost give their places back")
{
    world in;
    listener_options few;
    few.backlog = 3;
    acceptor server(*in.server_loop, "tcp://*:5000", few);
    in.net.partition(in.server, in.client);
    link_options options;
    options.reconnect = quick();
    options.reconnect.connect_timeout = 100ms;
    std::optional<dialler> client(std::in_place, *in.client_loop, "tcp://10.0.0.1:5000", options);
    in.net.run_for(10s);
    CHECK(in.net.queue_overflows() > 10);
    client.reset();
    in.net.heal();
    in.net.run_for(64s);
    const std::uint64_t before = in.net.queue_overflows();
    dialler late(*in.client_loop, "tcp://10.0.0.1:5000");
    CHECK(in.time_until([&] { return late.up(); }) < 1ms);
    CHECK(in.net.queue_overflows() == before);
}
