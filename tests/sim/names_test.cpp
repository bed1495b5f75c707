// SPDX-License-Identifier: MPL-2.0

// The simulated name service, and what links make of its answers.

#include "sim/sim_rig.hpp"

using namespace slk;
using namespace slk::sim_tests;

TEST_CASE("a host is asked for by its name, and localhost is ::1 and 127.0.0.1")
{
    world in;
    acceptor server(*in.server_loop);
    dialler by_name(*in.client_loop, "tcp://server:5000");
    dialler unknown(*in.client_loop, "tcp://nobody:5000");
    CHECK(in.until([&] { return by_name.up(); }, 1s));
    CHECK(by_name.wire.peer_address() == ip("10.0.0.1", 5000));
    CHECK(in.until([&] { return unknown.waits(); }, 1s));
    CHECK(unknown.status().last_error == errc::name_not_found);

    acceptor at_home(*in.client_loop, "tcp://[::1]:6000");
    dialler local(*in.client_loop, "tcp://localhost:6000");
    CHECK(in.until([&] { return local.up(); }, 1s));
    CHECK(local.wire.peer_address().family == address_family::ipv6);
}

TEST_CASE("set_name and remove_name: a name may move between attempts, a host's own one too")
{
    world in;
    const host_id standby = new_host(in.net, "standby", {ip("10.0.0.3")});
    loop standby_loop = new_loop(in.net, standby);
    acceptor first(*in.server_loop);
    acceptor second(standby_loop);
    std::string name = "service";
    SUBCASE("a name") {}
    SUBCASE("a host's name")
    {
        name = "server";
    }
    in.net.set_name(name, {ip("10.0.0.1")});
    dialler client(*in.client_loop, "tcp://" + name + ":5000", persistent());
    std::optional<reader> watching;
    client.connected = [&] { watching.emplace(client.wire); };
    REQUIRE(in.until([&] { return first.streams.size() == 1; }, 1s));
    in.net.set_name(name, {ip("10.0.0.3")});
    first.streams.back().reset();
    CHECK(in.until([&] { return second.streams.size() == 1; }, 1s));
    in.net.remove_name(name);
    second.streams.back().reset();
    CHECK(in.until([&] { return client.saw(errc::name_not_found); }, 1s));
    in.net.set_name(name, {});
    in.net.run_for(1s);
    CHECK(client.status().last_error == errc::name_not_found);
    in.net.set_name(name, {ip("10.0.0.1")});
    CHECK(in.until([&] { return client.up(); }, 1s));
}

TEST_CASE("name_failure: the last good answer serves, and without one the link waits")
{
    world in;
    acceptor server(*in.server_loop);
    in.net.inject(fault::name_failure);
    dialler client(*in.client_loop, "tcp://server:5000", persistent());
    std::optional<reader> watching;
    client.connected = [&] { watching.emplace(client.wire); };
    REQUIRE(in.until([&] { return client.up(); }, 1s));
    CHECK(client.saw(errc::name_lookup_failed));
    in.net.set_faults(fault_rates{}.set(fault::name_failure, 1000));
    REQUIRE(in.until([&] { return !server.streams.empty(); }, 1s));
    server.streams.back().reset();
    CHECK(in.until([&] { return client.status().generation == 2; }, 1s));
    CHECK(in.net.injected(fault::name_failure) == 2);
}

TEST_CASE("name_missing: it does not exist, says the service, and the link tries again slowly")
{
    world in;
    acceptor server(*in.server_loop);
    in.net.inject(fault::name_missing);
    dialler client(*in.client_loop, "tcp://server:5000", persistent());
    REQUIRE(in.until([&] { return client.waits(); }, 1s));
    CHECK(client.status().last_error == errc::name_not_found);
    CHECK(in.until([&] { return client.up(); }, 1s));
    CHECK(in.net.injected(fault::name_missing) == 1);
}

TEST_CASE(
    "name_slow: a lookup takes up to 100 times the longest delay, and counts for the deadline")
{
    world in;
    acceptor server(*in.server_loop);
    in.net.set_faults(fault_rates{.max_delay = 10ms});
    in.net.inject(fault::name_slow);
    SUBCASE("in time")
    {
        duration longest{};
        for (int i = 0; i < 20; ++i) {
            dialler client(*in.client_loop);
            longest = std::max(longest, in.time_until([&] { return client.up(); }));
            in.net.inject(fault::name_slow, i < 19);
        }
        CHECK(longest > 500ms);
        CHECK(longest <= 1s + 2ms);
        CHECK(in.net.injected(fault::name_slow) == 20);
    }
    SUBCASE("too late")
    {
        link_options options = persistent();
        options.reconnect.connect_timeout = 5ms;
        dialler client(*in.client_loop, "tcp://server:5000", options);
        CHECK(in.time_until([&] { return client.waits(); }) <= 6ms);
        CHECK(client.status().last_error == errc::timed_out);
        CHECK(in.net.injected(fault::name_slow) == 1);
    }
}

TEST_CASE("D3: a dead first address holds a link up by less than 300 ms, and its failure is kept")
{
    world in;
    acceptor server(*in.client_loop, "tcp://127.0.0.1:5000");
    errc why = errc::connection_refused;
    SUBCASE("it refuses")
    {
        dialler client(*in.client_loop, "tcp://localhost:5000");
        CHECK(in.time_until([&] { return client.up(); }) < 10ms);
        CHECK(client.wire.peer_address().family == address_family::ipv4);
        REQUIRE(client.line->address_failures().size() == 1);
        CHECK(client.line->address_failures()[0].reason == why);
        CHECK(client.line->address_failures()[0].address.family == address_family::ipv6);
    }
    SUBCASE("it is a black hole")
    {
        in.net.inject(fault::black_hole);
        dialler client(*in.client_loop, "tcp://localhost:5000");
        const duration took = in.time_until([&] { return client.up(); });
        CHECK(took >= 250ms);
        CHECK(took < 300ms);
    }
    SUBCASE("it is behind a partition")
    {
        acceptor far(*in.server_loop);
        in.net.partition(in.client, in.server);
        in.net.set_name("both", {ip("10.0.0.1"), ip("127.0.0.1")});
        dialler client(*in.client_loop, "tcp://both:5000");
        const duration took = in.time_until([&] { return client.up(); });
        CHECK(took >= 250ms);
        CHECK(took < 300ms);
    }
}

TEST_CASE("the failure of every address is kept, each with its own reason")
{
    world in;
    in.net.set_name("many", {ip("10.0.0.1"), ip("10.9.9.9"), ip("fd00::1"), ip("10.0.0.2")});
    link_options options;
    options.reconnect.connect_timeout = 3s;
    in.net.partition(in.server, in.client);
    dialler client(*in.client_loop, "tcp://many:5000", options);
    REQUIRE(in.until([&] { return client.waits(); }, 10s));
    const auto why = [&](const char* text) {
        for (const address_failure& each : client.line->address_failures())
            if (each.address == ip(text, 5000))
                return each.reason.code;
        return errc::ok;
    };
    CHECK(why("10.9.9.9") == errc::host_unreachable);
    CHECK(why("fd00::1") == errc::network_unreachable);
    CHECK(why("10.0.0.2") == errc::connection_refused);
}
