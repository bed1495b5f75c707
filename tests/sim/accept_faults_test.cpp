// SPDX-License-Identifier: MPL-2.0

// Faults of listeners and of accept.

#include "sim/sim_rig.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("accept_error: a listener recovers from each error of accept")
{
    constexpr errc errors[] = {
        errc::connection_aborted,
        errc::protocol_error,
        errc::permission_denied,
        errc::network_down,
        errc::host_unreachable,
        errc::network_unreachable,
        errc::timed_out,
        errc::not_supported,
        errc::too_many_descriptors,
        errc::out_of_memory,
        errc::address_family_not_supported,
        errc::invalid_argument,
        errc::invalid_state,
        errc::unknown,
    };
    for (const errc code : errors) {
        CAPTURE(name_of(code));
        world in;
        test_listener server(*in.server_loop);
        in.net.set_accept_error(code);
        in.net.inject(fault::accept_error);
        test_link client(*in.client_loop, numeric_endpoint, with_short_delays());
        REQUIRE(in.until([&] { return !server.errors.empty(); }, 1s));
        CHECK(server.errors.front() == code);
        CHECK(server.errors.front().phase == phase::accept);
        const reader at_client(client.connection);
        CHECK(in.until([&] { return !server.streams.empty(); }, 10s));
        const auto listens = [&] { return server.status().state == listener_state::listening; };
        CHECK(in.until(listens, 1s));
        CHECK(in.net.injected(fault::accept_error) == 1);
    }
}

TEST_CASE("accept_error: without set_accept_error() all of its errors are injected")
{
    world in;
    test_listener server(*in.server_loop);
    in.net.set_faults(fault_rates{}.set(fault::accept_error, 1000));
    std::optional<reader> at_client;
    test_link client(*in.client_loop, numeric_endpoint, with_short_delays());
    client.on_connected = [&] { at_client.emplace(client.connection); };
    in.net.run_for(10s);
    CHECK(server.streams.empty());
    std::vector<errc> seen;
    for (const error& each : server.errors)
        if (std::ranges::find(seen, each.code) == seen.end())
            seen.push_back(each.code);
    CHECK(seen.size() > 8);
    in.net.set_faults({});
    CHECK(in.until([&] { return !server.streams.empty(); }, 10s));
}

TEST_CASE("accept_gone: a connection that was reset before accept is not reported as an error")
{
    world in;
    test_listener server(*in.server_loop);
    REQUIRE(in.net.set_limits(in.server, {.accepts_per_second = 1}));
    test_link first(*in.client_loop, numeric_endpoint);
    REQUIRE(in.until([&] { return server.status().accepted == 1; }, 1s));
    in.net.set_faults(fault_rates{.max_delay = 100us});
    in.net.inject(fault::accept_gone);
    test_link client(*in.client_loop, numeric_endpoint);
    REQUIRE(in.until([&] { return client.connected(); }, 1s));
    const reader at_client(client.connection);
    REQUIRE(in.until([&] { return at_client.finished(); }, 500ms));
    CHECK(at_client.failure == errc::connection_reset);
    CHECK(in.until([&] { return server.status().failed == 1; }, 2s));
    CHECK(in.until([&] { return server.status().accepted == 2; }, 2s));
    CHECK(server.errors.empty());
    CHECK(in.net.injected(fault::accept_gone) == 1);
}

TEST_CASE("a full accept queue drops SYNs, and a repeated SYN is answered once there is room")
{
    world in;
    listener_options two;
    two.backlog = 2;
    two.accepts = 1;
    test_listener server(*in.server_loop, "tcp://*:5000", two);
    in.net.suspend(in.server, 10s); // only the accept that is pending can complete
    test_link taken(*in.client_loop, numeric_endpoint);
    REQUIRE(in.until([&] { return taken.connected(); }, 1s));
    test_link first(*in.client_loop, numeric_endpoint);
    test_link second(*in.client_loop, numeric_endpoint);
    REQUIRE(in.until([&] { return first.connected() && second.connected(); }, 1s));
    CHECK(in.net.queue_overflows() == 0);
    link_options options;
    options.reconnect.connect_timeout = 20s;
    test_link third(*in.client_loop, numeric_endpoint, options);
    const duration took = in.time_until([&] { return third.connected(); });
    // SYNs at 0, 1, 3 and 7 s find a full queue, the one at 15 s does not.
    CHECK(took >= 15s);
    CHECK(took < 15'100ms);
    CHECK(in.net.queue_overflows() == 4);
    CHECK(in.until([&] { return server.status().accepted == 4; }, 1s));
}

TEST_CASE("accepts_per_second limits all listeners of a host together")
{
    world in;
    REQUIRE(in.net.set_limits(in.server, {.accepts_per_second = 10}));
    test_listener one(*in.server_loop);
    test_listener other(*in.server_loop, "tcp://*:5001");
    std::vector<std::unique_ptr<test_link>> clients;
    for (int i = 0; i < 10; ++i)
        for (const char* to : {numeric_endpoint, "tcp://10.0.0.1:5001"})
            clients.push_back(std::make_unique<test_link>(*in.client_loop, to));
    const auto all = [&] { return one.status().accepted + other.status().accepted; };
    in.net.run_for(1s);
    CHECK(all() >= 9);
    CHECK(all() <= 11);
    CHECK(in.until([&] { return all() == 20; }, 1'100ms));
}

TEST_CASE("listen_error: create() returns the error, and the next create() succeeds")
{
    world in;
    in.net.inject(fault::listen_error);
    const test_listener refused(*in.server_loop);
    CHECK(refused.create_error == errc::address_in_use);
    CHECK(in.net.injected(fault::listen_error) == 1);
    CHECK(in.net.open_sockets() == 0);
    const test_listener fine(*in.server_loop);
    CHECK(!fine.create_error);
    const test_listener second(*in.server_loop);
    CHECK(second.create_error == errc::address_in_use);
    const test_listener elsewhere(*in.client_loop);
    CHECK(!elsewhere.create_error);
}

TEST_CASE("a listener whose socket broke is opened again when that becomes possible")
{
    world in;
    test_listener server(*in.server_loop);
    in.net.set_accept_error(errc::invalid_argument);
    in.net.inject(fault::accept_error);
    in.net.inject(fault::listen_error, 5);
    test_link client(*in.client_loop, numeric_endpoint, with_short_delays());
    REQUIRE(in.until([&] { return in.net.injected(fault::listen_error) == 5; }, 10s));
    CHECK(server.status().state == listener_state::opening);
    const reader at_client(client.connection);
    CHECK(in.until([&] { return !server.streams.empty(); }, 10s));
    CHECK(server.status().local.port == 5000);
}

TEST_CASE("descriptors: a listener without free descriptors sheds and pauses, and recovers")
{
    world in;
    REQUIRE(in.net.set_limits(in.server, {.descriptors = 3}));
    test_listener server(*in.server_loop);
    std::vector<std::unique_ptr<test_link>> clients;
    for (int i = 0; i < 4; ++i)
        clients.push_back(std::make_unique<test_link>(*in.client_loop, numeric_endpoint));
    in.net.run_for(10ms);
    CHECK(server.streams.size() == 2);
    CHECK(server.status().shed >= 1);
    CHECK(server.status().pauses >= 1);
    CHECK(server.status().last_error == errc::too_many_descriptors);
    server.streams.clear();
    CHECK(in.until([&] { return server.status().state == listener_state::listening; }, 1s));
    test_link late(*in.client_loop, numeric_endpoint);
    CHECK(in.until([&] { return late.connected() && !server.streams.empty(); }, 1s));
}

TEST_CASE("descriptors: a link without a free descriptor waits, and connects when there is one")
{
    world in;
    test_listener server(*in.server_loop);
    REQUIRE(in.net.set_limits(in.client, {.descriptors = 1}));
    test_link first(*in.client_loop, numeric_endpoint, with_short_delays());
    REQUIRE(in.until([&] { return first.connected(); }, 1s));
    test_link second(*in.client_loop, numeric_endpoint, with_short_delays());
    REQUIRE(in.until([&] { return second.in_backoff(); }, 1s));
    CHECK(second.status().last_error == errc::too_many_descriptors);
    first.handle->stop();
    CHECK(in.until([&] { return second.connected(); }, 1s));
}

TEST_CASE(
    "closing a listener resets its waiting and half-open connections and frees the port at once")
{
    world in;
    std::optional<test_listener> server(std::in_place, *in.server_loop);
    REQUIRE(in.net.set_limits(in.server, {.accepts_per_second = 1}));
    test_link first(*in.client_loop, numeric_endpoint);
    REQUIRE(in.until([&] { return server->status().accepted == 1; }, 1s));
    test_link client(*in.client_loop, numeric_endpoint, with_short_delays());
    REQUIRE(in.until([&] { return client.connected(); }, 500ms));
    const reader at_client(client.connection);
    test_link half(*in.client_loop, numeric_endpoint, with_short_delays());
    in.net.run_for(300us); // its SYN has arrived, nothing else
    server.reset();
    server.emplace(*in.server_loop);
    CHECK(!server->create_error);
    REQUIRE(in.until([&] { return at_client.finished(); }, 100ms));
    CHECK(at_client.failure == errc::connection_reset);
    std::optional<reader> at_half_open;
    half.on_connected = [&] { at_half_open.emplace(half.connection); };
    CHECK(in.until([&] { return server->streams.size() >= 1 && half.connected(); }, 10s));
}
