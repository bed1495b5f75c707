// SPDX-License-Identifier: MPL-2.0

// The simulated name service, and how links use it.

#include "sim/sim_rig.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("a host is found by its name, and localhost is ::1 and 127.0.0.1")
{
    world in;
    test_listener server(*in.server_loop);
    test_link by_name(*in.client_loop, "tcp://server:5000");
    test_link unknown(*in.client_loop, "tcp://unknown:5000");
    CHECK(in.until([&] { return by_name.connected(); }, 1s));
    CHECK(by_name.connection.peer_address() == ip("10.0.0.1", 5000));
    CHECK(in.until([&] { return unknown.in_backoff(); }, 1s));
    CHECK(unknown.status().last_error == errc::name_not_found);

    test_listener local_server(*in.client_loop, "tcp://[::1]:6000");
    test_link local(*in.client_loop, "tcp://localhost:6000");
    CHECK(in.until([&] { return local.connected(); }, 1s));
    CHECK(local.connection.peer_address().family == address_family::ipv6);
}

TEST_CASE("set_name() and remove_name() change names between attempts, also the name of a host")
{
    world in;
    const host_id standby = new_host(in.net, "standby", {ip("10.0.0.3")});
    loop standby_loop = new_loop(in.net, standby);
    test_listener first(*in.server_loop);
    test_listener second(standby_loop);
    std::string name = "service";
    SUBCASE("a name") {}
    SUBCASE("a host's name")
    {
        name = "server";
    }
    in.net.set_name(name, {ip("10.0.0.1")});
    test_link client(*in.client_loop, "tcp://" + name + ":5000", with_short_delays());
    std::optional<reader> watching;
    client.on_connected = [&] { watching.emplace(client.connection); };
    REQUIRE(in.until([&] { return first.streams.size() == 1; }, 1s));
    in.net.set_name(name, {ip("10.0.0.3")});
    first.streams.back().reset();
    CHECK(in.until([&] { return second.streams.size() == 1; }, 1s));
    in.net.remove_name(name);
    second.streams.back().reset();
    CHECK(in.until([&] { return client.failed_with(errc::name_not_found); }, 1s));
    in.net.set_name(name, {});
    in.net.run_for(1s);
    CHECK(client.status().last_error == errc::name_not_found);
    in.net.set_name(name, {ip("10.0.0.1")});
    CHECK(in.until([&] { return client.connected(); }, 1s));
}

TEST_CASE("name_failure: a link uses the last answer, and waits if there is none")
{
    world in;
    test_listener server(*in.server_loop);
    in.net.inject(fault::name_failure);
    test_link client(*in.client_loop, "tcp://server:5000", with_short_delays());
    std::optional<reader> watching;
    client.on_connected = [&] { watching.emplace(client.connection); };
    REQUIRE(in.until([&] { return client.connected(); }, 1s));
    CHECK(client.failed_with(errc::name_lookup_failed));
    in.net.set_faults(fault_rates{}.set(fault::name_failure, 1000));
    REQUIRE(in.until([&] { return !server.streams.empty(); }, 1s));
    server.streams.back().reset();
    CHECK(in.until([&] { return client.status().generation == 2; }, 1s));
    CHECK(in.net.injected(fault::name_failure) == 2);
}

TEST_CASE("name_missing: the name is not found, and the link tries again")
{
    world in;
    test_listener server(*in.server_loop);
    in.net.inject(fault::name_missing);
    test_link client(*in.client_loop, "tcp://server:5000", with_short_delays());
    REQUIRE(in.until([&] { return client.in_backoff(); }, 1s));
    CHECK(client.status().last_error == errc::name_not_found);
    CHECK(in.until([&] { return client.connected(); }, 1s));
    CHECK(in.net.injected(fault::name_missing) == 1);
}

TEST_CASE("name_slow: a lookup takes up to 100 times max_delay, and counts towards connect_timeout")
{
    world in;
    test_listener server(*in.server_loop);
    in.net.set_faults(fault_rates{.max_delay = 10ms});
    in.net.inject(fault::name_slow);
    SUBCASE("in time")
    {
        duration max{};
        for (int i = 0; i < 20; ++i) {
            test_link client(*in.client_loop);
            max = std::max(max, in.time_until([&] { return client.connected(); }));
            in.net.inject(fault::name_slow, i < 19);
        }
        CHECK(max > 500ms);
        CHECK(max <= 1s + 2ms);
        CHECK(in.net.injected(fault::name_slow) == 20);
    }
    SUBCASE("too late")
    {
        link_options options = with_short_delays();
        options.reconnect.connect_timeout = 5ms;
        test_link client(*in.client_loop, "tcp://server:5000", options);
        CHECK(in.time_until([&] { return client.in_backoff(); }) <= 6ms);
        CHECK(client.status().last_error == errc::timed_out);
        CHECK(in.net.injected(fault::name_slow) == 1);
    }
}

TEST_CASE("D3: a dead first address delays a link by less than 300 ms, and its failure is kept")
{
    world in;
    test_listener server(*in.client_loop, "tcp://127.0.0.1:5000");
    errc why = errc::connection_refused;
    SUBCASE("it refuses")
    {
        test_link client(*in.client_loop, "tcp://localhost:5000");
        CHECK(in.time_until([&] { return client.connected(); }) < 10ms);
        CHECK(client.connection.peer_address().family == address_family::ipv4);
        REQUIRE(client.handle->address_failures().size() == 1);
        CHECK(client.handle->address_failures()[0].reason == why);
        CHECK(client.handle->address_failures()[0].address.family == address_family::ipv6);
    }
    SUBCASE("it is a black hole")
    {
        in.net.inject(fault::black_hole);
        test_link client(*in.client_loop, "tcp://localhost:5000");
        const duration took = in.time_until([&] { return client.connected(); });
        CHECK(took >= 250ms);
        CHECK(took < 300ms);
    }
    SUBCASE("it is behind a partition")
    {
        test_listener at_server(*in.server_loop);
        in.net.partition(in.client, in.server);
        in.net.set_name("both", {ip("10.0.0.1"), ip("127.0.0.1")});
        test_link client(*in.client_loop, "tcp://both:5000");
        const duration took = in.time_until([&] { return client.connected(); });
        CHECK(took >= 250ms);
        CHECK(took < 300ms);
    }
}

TEST_CASE("the failure of every address is kept with its own error")
{
    world in;
    in.net.set_name("many", {ip("10.0.0.1"), ip("10.9.9.9"), ip("fd00::1"), ip("10.0.0.2")});
    link_options options;
    options.reconnect.connect_timeout = 3s;
    in.net.partition(in.server, in.client);
    test_link client(*in.client_loop, "tcp://many:5000", options);
    REQUIRE(in.until([&] { return client.in_backoff(); }, 10s));
    const auto why = [&](const char* text) {
        for (const address_failure& each : client.handle->address_failures())
            if (each.address == ip(text, 5000))
                return each.reason.code;
        return errc::ok;
    };
    CHECK(why("10.9.9.9") == errc::host_unreachable);
    CHECK(why("fd00::1") == errc::network_unreachable);
    CHECK(why("10.0.0.2") == errc::connection_refused);
}
