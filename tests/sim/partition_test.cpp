// SPDX-License-Identifier: MPL-2.0

// Paths that deliver nothing in one direction or in both.

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

TEST_CASE("a partition stops one direction and not the other")
{
    world in;
    connected_pair ends(in);
    reader at_client(ends.at_client());
    reader at_server(ends.at_server());
    SUBCASE("what the client sends")
    {
        in.net.partition(in.client, in.server);
        const stream_sender lost(ends.at_client(), "held");
        const stream_sender arrives(ends.at_server(), "arrives");
        in.net.run_for(1s);
        CHECK(at_client.text == "arrives");
        CHECK(at_server.text.empty());
        in.net.heal(in.client, in.server);
        CHECK(in.until([&] { return at_server.text == "held"; }, 2s));
    }
    SUBCASE("what the server sends")
    {
        in.net.partition(in.server, in.client);
        const stream_sender arrives(ends.at_client(), "arrives");
        const stream_sender lost(ends.at_server(), "held");
        in.net.run_for(1s);
        CHECK(at_server.text == "arrives");
        CHECK(at_client.text.empty());
        in.net.heal();
        CHECK(in.until([&] { return at_client.text == "held"; }, 2s));
    }
    SUBCASE("between other hosts")
    {
        const host_id third = new_host(in.net, "third", {ip("10.0.0.3")});
        in.net.partition(in.client, third);
        in.net.partition(third, in.server);
        const stream_sender there(ends.at_client(), "there");
        const stream_sender back(ends.at_server(), "back");
        in.net.run_for(1s);
        CHECK(at_server.text == "there");
        CHECK(at_client.text == "back");
    }
}

TEST_CASE("a link cannot connect while one direction is partitioned, and connects after it")
{
    world in;
    test_listener server(*in.server_loop);
    link_options options;
    options.reconnect.connect_timeout = 2s;
    SUBCASE("from the client")
    {
        in.net.partition(in.client, in.server);
    }
    SUBCASE("to the client")
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

TEST_CASE("packets that were held back arrive when their direction is healed")
{
    world in;
    connected_pair ends(in);
    reader at_server(ends.at_server());
    in.net.partition(in.client, in.server);
    in.net.partition(in.server, in.client);
    const stream_sender held(ends.at_client(), "held");
    in.net.run_for(1s);
    in.net.heal(in.client, in.server);
    CHECK(in.until([&] { return at_server.text == "held"; }, 2s));
}

TEST_CASE("keep-alive detects the partition of an idle connection, which stays up without it")
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
    SUBCASE("enabled while the path is partitioned")
    {
        test_listener server(*in.server_loop);
        test_link client(*in.client_loop, numeric_endpoint, tuned(probes, {}));
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

TEST_CASE("keep-alive does not end a connection with unacknowledged data")
{
    // As Linux: no probe is sent while data is unacknowledged.
    world in;
    connected_pair ends(in, tuned(probes, {}));
    const reader at_client(ends.at_client());
    in.net.partition(in.client, in.server);
    const stream_sender lost(ends.at_client(), "lost");
    in.net.run_for(10min);
    CHECK(!at_client.finished());
    CHECK(in.until([&] { return at_client.finished(); }, 10min));
}

TEST_CASE("the user timeout does not apply to acknowledged data that was not read")
{
    world in;
    connected_pair ends(in, tuned({}, 5s));
    const reader at_client(ends.at_client());
    const stream_sender unread(ends.at_client(), "unread");
    in.net.run_for(1s);
    in.net.partition(in.client, in.server);
    in.net.run_for(1min);
    CHECK(!at_client.finished());
}

TEST_CASE("a half-open connection that a partition cut does not occupy the backlog for ever")
{
    world in;
    listener_options one;
    one.backlog = 1;
    test_listener server(*in.server_loop, "tcp://*:5000", one);
    link_options options;
    options.reconnect.connect_timeout = 1s;
    options.reconnect.cap = 1s;
    test_link client(*in.client_loop, "tcp://server:5000", options);
    // The SYN is under way; the packets after it are lost.
    in.net.run_for(1300us);
    in.net.partition(in.client, in.server);
    in.net.run_for(10s);
    in.net.heal();
    CHECK(in.until([&] { return client.connected() && server.streams.size() == 1; }, 2min));
}

TEST_CASE(
    "unacknowledged data ends the connection after the user timeout, or else after the system's")
{
    world in;
    duration min = 5s;
    link_options options = tuned({}, 5s);
    SUBCASE("user timeout") {}
    SUBCASE("the system's timeout")
    {
        options = tuned({}, {});
        min = 900s;
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
    const stream_sender lost(ends.at_client(), "lost");
    const duration noticed = in.time_until([&] { return at_client.finished(); });
    CHECK(at_client.failure == errc::timed_out);
    CHECK(noticed >= min);
    CHECK(noticed <= (min == 5s ? 5s + 1ms : 1'000s));
    CHECK(in.until([&] { return ends.client.failed_with(errc::timed_out); }, 1s));
}

TEST_CASE("data for a closed socket is answered with a reset after the partition")
{
    world in;
    connected_pair ends(in);
    const reader at_client(ends.at_client());
    in.net.partition(in.server, in.client);
    ends.at_server().reset();
    const stream_sender asked(ends.at_client(), "data");
    in.net.run_for(10s);
    CHECK(!at_client.finished());
    in.net.heal(in.server, in.client);
    CHECK(in.until([&] { return at_client.failure == errc::connection_reset; }, 2s));
}

TEST_CASE("half-open connections whose answers were lost free their places in the backlog")
{
    world in;
    listener_options few;
    few.backlog = 3;
    test_listener server(*in.server_loop, "tcp://*:5000", few);
    in.net.partition(in.server, in.client);
    link_options options;
    options.reconnect = short_delays();
    options.reconnect.connect_timeout = 100ms;
    std::optional<test_link> client(std::in_place, *in.client_loop, numeric_endpoint, options);
    in.net.run_for(10s);
    CHECK(in.net.queue_overflows() > 10);
    client.reset();
    in.net.heal();
    in.net.run_for(64s);
    const std::uint64_t before = in.net.queue_overflows();
    test_link late(*in.client_loop, numeric_endpoint);
    CHECK(in.time_until([&] { return late.connected(); }) < 1ms);
    CHECK(in.net.queue_overflows() == before);
}
