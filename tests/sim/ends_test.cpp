// SPDX-License-Identifier: MPL-2.0

// Loops, links, listeners, streams and simulations may be destroyed at any time, in any order.

#include "sim/sim_rig.hpp"

#include <array>
#include <thread>

using namespace slk;
using namespace slk::testing;

TEST_CASE("a loop that is destroyed at any time leaves no socket, and completes all its operations")
{
    for (int events = 0; events < 60; ++events) {
        CAPTURE(events);
        world in({.seed = 3,
                  .faults = fault_rates{.max_delay = 300us}
                                .set(fault::late_completion, 300)
                                .set(fault::late_cancel, 500)
                                .set(fault::delay, 300)});
        test_listener server(*in.server_loop);
        std::optional<stream_sender> sending;
        std::optional<reader> reading;
        test_link client(*in.client_loop);
        client.on_connected = [&] {
            sending.emplace(client.connection, patterned_text(100'000));
            reading.emplace(client.connection);
        };
        for (int i = 0; i < events; ++i)
            in.net.step();
        const bool client_first = events % 2 == 0;
        (client_first ? in.client_loop : in.server_loop).reset();
        if (sending && client_first)
            CHECK(reading->finished());
        in.net.run_for(10ms);
        in.end();
    }
}

TEST_CASE("loops, links, listeners, streams and the simulation can be destroyed in any order")
{
    std::array order{0, 1, 2, 3, 4};
    do {
        const ledger_check ledger;
        std::optional<simulation> net(new_simulation());
        const host_id here = new_host(*net, "here", {ip("10.0.0.1")});
        std::optional<loop> one(new_loop(*net, here));
        std::optional<loop> other(new_loop(*net, here));
        std::optional<test_listener> server(std::in_place, *one);
        std::optional<test_link> client(std::in_place, *other, "tcp://here:5000");
        REQUIRE(
            net->run_until([&] { return client->connected() && !server->streams.empty(); }, 1s));
        for (const int next : order) {
            if (next == 0)
                net.reset();
            else if (next == 1)
                one.reset();
            else if (next == 2)
                other.reset();
            else if (next == 3)
                server.reset();
            else
                client.reset();
            if (net)
                net->run_for(1ms);
            if (other)
                CHECK(other->run_for(10us).has_value());
        }
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("a link may be destroyed in its handlers, and a loop in a handler of another loop")
{
    world in;
    test_listener server(*in.server_loop);
    for (const link_state at :
         {link_state::binding, link_state::connecting, link_state::tuning, link_state::connected}) {
        std::optional<slk::link> line;
        link_handlers on;
        on.state_changed = [&](const link_transition& move, const link_status&) {
            if (move.to == at)
                line.reset();
        };
        auto made =
            slk::link::create(*in.client_loop, {.to = endpoint_of("tcp://server:5000")}, on);
        REQUIRE(made.has_value());
        line.emplace(std::move(*made));
        line->start();
        CHECK(in.until([&] { return !line; }, 1s));
    }
    test_link client(*in.client_loop);
    in.server_loop->post([&] { in.client_loop.reset(); });
    in.net.run_for(1s);
    CHECK(!in.client_loop);
    CHECK(!client.connected());
}

TEST_CASE("late_cancel: a cancelled operation may succeed first, and completes once")
{
    int accepted_anyway = 0;
    for (int after_us = 0; after_us < 600; after_us += 20) {
        world in;
        test_listener server(*in.server_loop);
        in.net.set_faults(fault_rates{.max_delay = 1ms}.set(fault::late_cancel, 1000));
        test_link client(*in.client_loop, numeric_endpoint);
        in.net.run_for(std::chrono::microseconds(after_us));
        client.handle->stop();
        in.net.run_for(1us);
        CHECK(in.until([&] { return client.status().state == link_state::idle; }, 10ms));
        in.net.run_for(1s);
        CHECK(client.status().state == link_state::idle);
        CHECK(in.net.open_sockets() == 1 + server.streams.size());
        accepted_anyway += client.status().generation == 0 && server.status().accepted == 1;
    }
    CHECK(accepted_anyway > 0);
}

TEST_CASE("late_completion: an operation completes later, by up to max_delay")
{
    world in;
    test_listener server(*in.server_loop);
    in.net.set_faults(fault_rates{.max_delay = 30ms});
    in.net.inject(fault::late_completion);
    test_link client(*in.client_loop, numeric_endpoint);
    const duration took = in.time_until([&] { return client.connected(); });
    CHECK(took > 401us);
    CHECK(took <= 30ms + 401us);
    CHECK(in.net.injected(fault::late_completion) == 1);
}

TEST_CASE("post() from another thread wakes a simulated loop that waits without a limit")
{
    world in;
    bool called = false;
    std::thread other([&, loop = &*in.client_loop] {
        loop->post([&, loop] {
            called = true;
            loop->stop();
        });
    });
    CHECK(in.client_loop->run().has_value());
    other.join();
    CHECK(called);
}

TEST_CASE("several loops on one host share its addresses and ports")
{
    world in;
    std::vector<loop> loops;
    for (int i = 0; i < 8; ++i)
        loops.push_back(new_loop(in.net, i % 2 == 0 ? in.server : in.client));
    std::vector<std::unique_ptr<test_listener>> servers;
    std::vector<std::unique_ptr<test_link>> clients;
    for (std::size_t i = 0; i < loops.size(); ++i) {
        const std::string port = std::to_string(7000 + i / 2);
        if (i % 2 == 0)
            servers.push_back(std::make_unique<test_listener>(loops[i], "tcp://*:" + port));
        else
            clients.push_back(std::make_unique<test_link>(loops[i], "tcp://server:" + port));
    }
    // The other loops run while one of them is run by the test.
    CHECK(loops[0].run_for(1s).has_value());
    for (const auto& client : clients)
        CHECK(client->connected());
    for (const auto& server : servers)
        CHECK(server->streams.size() == 1);
    servers.clear();
    clients.clear();
}
