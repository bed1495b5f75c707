// SPDX-License-Identifier: MPL-2.0

// Paths that lose everything, in one direction or in both, and what the ends make of it.

#include "sim/sim_rig.hpp"

using namespace slk;
using namespace slk::testing;

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
    connected_pair ends(in);
    reader at_client(ends.at_client());
    reader at_server(ends.at_server());
    SUBCASE("what the client sends")
    {
        in.net.partition(in.client, in.server);
        const sender lost(ends.at_client(), "held");
        const sender arrives(ends.at_server(), "arrives");
        in.net.run_for(1s);
        CHECK(at_client.text == "arrives");
        CHECK(at_server.text.empty());
        in.net.heal(in.client, in.server);
        CHECK(in.until([&] { return at_server.text == "held"; }, 2s));
    }
    SUBCASE("what the server sends")
    {
        in.net.partition(in.server, in.client);
        const sender arrives(ends.at_client(), "arrives");
        const sender lost(ends.at_server(), "held");
        in.net.run_for(1s);
        CHECK(at_server.text == "arrives");
        CHECK(at_client.text.empty());
        in.net.heal();
        CHECK(in.until([&] { return at_client.text == "held"; }, 2s));
    }
    SUBCASE("two other hosts are not touched")
    {
        const host_id third = new_host(in.net, "third", {ip("10.0.0.3")});
        in.net.partition(in.client, third);
        in.net.partition(third, in.server);
        const sender there(ends.at_client(), "there");
        const sender back(ends.at_server(), "back");
        in.net.run_for(1s);
        CHECK(at_server.text == "there");
        CHECK(at_client.text == "back");
    }
}

TEST_CASE("while one direction is closed nobody can connect, and afterwards everybody")
{
    world in;
    test_listener server(*in.server_loop);
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
    test_link client(*in.client_loop, "tcp://server:5000", options);
    const duration waited = in.time_until([&] { return client.in_backoff(); });
    CHECK(waited >= 2s);
    CHECK(waited < 2'100ms);
    CHECK(client.status().last_error == errc::timed_out);
    CHECK(server.status().accepted == 0);
    in.net.heal();
    CHECK(in.until([&] { return client.connected(); }, 20s));
}

TEST_CASE("what was held back arrives when its own direction is healed")
{
    world in;
    connected_pair ends(in);
    reader at_server(ends.at_server());
    in.net.partition(in.client, in.server);
    in.net.partition(in.server, in.client);
    const sender held(ends.at_client(), "held");
    in.net.run_for(1s);
    in.net.heal(in.client, in.server);
    CHECK(in.until([&] { return at_server.text == "held"; }, 2s));
}

TEST_CASE("keep-alive notices a partition of an idle connection, and nothing does without it")
{
    world in;
    SUBCASE("with")
    {
        connected_pair ends(in, tuned(probes, {}));
        const reader at_client(ends.at_client());
        in.net.partition(in.server, in.client);
        const duration noticed = in.time_until([&] { return at_client.finished(); });
        CHECK(at_client.failure == errc::timed_out);
        CHECK(noticed >= 10s + 3 * 2s);
        CHECK(noticed <= 10s + 3 * 2s + 1ms);
        CHECK(in.until([&] { return ends.client.failed_with(errc::timed_out); }, 1s));
    }
    SUBCASE("without")
    {
        connected_pair ends(in);
        const reader at_client(ends.at_client());
        in.net.partition(in.server, in.client);
        in.net.partition(in.client, in.server);
        in.net.run_for(48h);
        CHECK(!at_client.finished());
        CHECK(ends.client.connected());
    }
    SUBCASE("switched on while the path is closed already")
    {
        test_listener server(*in.server_loop);
        test_link client(*in.client_loop, "tcp://10.0.0.1:5000", tuned(probes, {}));
        in.net.run_for(300us); // the SYN has arrived, its answer has not
        in.net.inject(fault::late_wake);
        in.net.run_for(110us);
        REQUIRE(in.net.injected(fault::late_wake) == 1);
        REQUIRE(!client.connected());
        in.net.partition(in.server, in.client);
        in.net.partition(in.client, in.server);
        REQUIRE(in.until([&] { return client.connected(); }, 1s));
        const reader at_client(client.connection);
        CHECK(in.time_until([&] { return at_client.finished(); }) <= 16s + 1ms);
    }
}

TEST_CASE("keep-alive does not notice what retransmission is for: data on its way")
{
    // As Linux: no probe is sent while data is unacknowledged.
    world in;
    connected_pair ends(in, tuned(probes, {}));
    const reader at_client(ends.at_client());
    in.net.partition(in.client, in.server);
    const sender unheard(ends.at_client(), "unheard");
    in.net.run_for(10min);
    CHECK(!at_client.finished());
    CHECK(in.until([&] { return at_client.finished(); }, 10min));
}

TEST_CASE("acknowledged data that nobody has read is not in doubt")
{
    world in;
    connected_pair ends(in, tuned({}, 5s));
    const reader at_client(ends.at_client());
    const sender unread(ends.at_client(), "unread");
    in.net.run_for(1s);
    in.net.partition(in.client, in.server);
    in.net.run_for(1min);
    CHECK(!at_client.finished());
}

TEST_CASE("the second half of a handshake that a partition cut does not hold its place for ever")
{
    world in;
    listener_options one;
    one.backlog = 1;
    test_listener server(*in.server_loop, "tcp://*:5000", one);
    link_options options;
    options.reconnect.connect_timeout = 1s;
    options.reconnect.cap = 1s;
    test_link client(*in.client_loop, "tcp://server:5000", options);
    // The SYN is under way; what follows it is lost.
    in.net.run_for(1300us);
    in.net.partition(in.client, in.server);
    in.net.run_for(10s);
    in.net.heal();
    CHECK(in.until([&] { return client.connected() && server.streams.size() == 1; }, 2min));
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
    connected_pair ends(in, options);
    const reader at_client(ends.at_client());
    in.net.partition(from, to);
    in.net.run_for(30s);
    CHECK(!at_client.finished());
    const sender unheard(ends.at_client(), "unheard");
    const duration noticed = in.time_until([&] { return at_client.finished(); });
    CHECK(at_client.failure == errc::timed_out);
    CHECK(noticed >= least);
    CHECK(noticed <= (least == 5s ? 5s + 1ms : 1'000s));
    CHECK(in.until([&] { return ends.client.failed_with(errc::timed_out); }, 1s));
}

TEST_CASE("data that met a closed socket while the way back was cut is answered after the heal")
{
    world in;
    connected_pair ends(in);
    const reader at_client(ends.at_client());
    in.net.partition(in.server, in.client);
    ends.at_server().reset();
    const sender asked(ends.at_client(), "is anybody there?");
    in.net.run_for(10s);
    CHECK(!at_client.finished());
    in.net.heal(in.server, in.client);
    CHECK(in.until([&] { return at_client.failure == errc::connection_reset; }, 2s));
}

TEST_CASE("half-open connections whose answers were lost give their places back")
{
    world in;
    listener_options few;
    few.backlog = 3;
    test_listener server(*in.server_loop, "tcp://*:5000", few);
    in.net.partition(in.server, in.client);
    link_options options;
    options.reconnect = short_delays();
    options.reconnect.connect_timeout = 100ms;
    std::optional<test_link> client(std::in_place, *in.client_loop, "tcp://10.0.0.1:5000", options);
    in.net.run_for(10s);
    CHECK(in.net.queue_overflows() > 10);
    client.reset();
    in.net.heal();
    in.net.run_for(64s);
    const std::uint64_t before = in.net.queue_overflows();
    test_link late(*in.client_loop, "tcp://10.0.0.1:5000");
    CHECK(in.time_until([&] { return late.connected(); }) < 1ms);
    CHECK(in.net.queue_overflows() == before);
}
