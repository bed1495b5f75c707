// SPDX-License-Identifier: MPL-2.0

// Events whose time matters, in simulated time.

#include "sim/sockets/simulated_sockets.hpp"
#include "support/events.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("the delay of connect_retried is the time until the next try")
{
    socket_world in;
    auto from = new_socket<push>(in.client_context);
    watched_events seen(from);
    connect(from);
    for (int number = 0; number < 20; ++number) {
        seen.wait_for(event_kind::connect_retried, 10min);
        const event retried = seen.all.back();
        seen.wait_for(event_kind::connect_delayed, 10min);
        CHECK(seen.all.back().at - retried.at == retried.delay);
        CHECK(seen.all.back().attempt == retried.attempt + 1);
    }
}

TEST_CASE("a peer that neither reads nor speaks is an event, and so is its recovery")
{
    socket_world in;
    pull_options of_reader;
    of_reader.receive_high_water_mark = 1;
    auto to = new_socket<pull>(in.server_context, of_reader);
    push_options of_sender;
    of_sender.peer_timeout = 3s;
    auto from = new_socket<push>(in.client_context, of_sender);
    bind(to);
    connect(from);
    watched_events seen(from);
    for (int number = 0; number < 100; ++number)
        must(from.send(patterned_text(5000), test_timeout));
    seen.wait_for(event_kind::stalled, 1min);
    CHECK(seen.last(event_kind::stalled).connection == 1);
    for (int number = 0; number < 100; ++number)
        CHECK(receive_text(to, 1min) == patterned_text(5000));
    seen.wait_for(event_kind::recovered, 1min);
    CHECK(seen.count(event_kind::stalled) == 1);
    CHECK(seen.count(event_kind::disconnected) == 0);
}

TEST_CASE("answers to heartbeats are timed")
{
    socket_world in;
    push_options options;
    options.peer_timeout = 3s;
    auto to = new_socket<pull>(in.server_context);
    auto from = new_socket<push>(in.client_context, options);
    bind(to);
    connect(from);
    in.run_with_calls(from, 1min);
    const socket_metrics now = must(metrics_of(from));
    REQUIRE(now.endpoints.size() == 1);
    std::uint64_t answers = 0;
    for (const std::uint64_t each : now.endpoints[0].round_trips.counts)
        answers += each;
    CHECK(answers >= 30);
    CHECK(answers <= 61);
    REQUIRE(now.peers.size() == 1);
    CHECK(now.peers[0].round_trip > 0ns);
    CHECK(now.peers[0].round_trip < 100ms);
    CHECK(now.endpoints[0].round_trips.sum >= now.peers[0].round_trip);
}

TEST_CASE("a message that is set aside is an event, before the end of its last connection")
{
    socket_world in;
    pull_options of_reader;
    of_reader.max_message_size = 100'000;
    auto to = new_socket<pull>(in.server_context, of_reader);
    auto from = new_socket<push>(in.client_context);
    watched_events seen(from);
    bind(to);
    connect(from);
    must(from.send(patterned_text(1'000'000)));
    must(from.send("behind"));
    CHECK(receive_text(to, 1min) == "behind");
    seen.wait_for(event_kind::set_aside, 1min);
    CHECK(seen.all.back().count == 1);
    CHECK(seen.all.back().connection == 3);
    CHECK(seen.wait_for(event_kind::disconnected).connection == 3);
}

TEST_CASE("each lookup of a name is an event, with its answer and its time")
{
    socket_world in;
    auto to = new_socket<pull>(in.server_context);
    bind(to);
    auto from = new_socket<push>(in.client_context);
    watched_events seen(from);
    in.net.inject(fault::name_failure);
    must(from.connect("tcp://server:5000"));
    const event failed = seen.wait_for(event_kind::name_lookup, 1min);
    CHECK(failed.name == "server");
    CHECK(failed.reason == errc::name_lookup_failed);
    CHECK(failed.count == 0);
    const event found = seen.wait_for(event_kind::name_lookup, 1min);
    CHECK_FALSE(found.reason);
    CHECK(found.count == 1);
    CHECK(found.address == address::parse("10.0.0.1", 5000).value());
    CHECK(found.endpoint == "tcp://server:5000");
    seen.wait_for(event_kind::connected, 1min);
}

TEST_CASE("every connection has its sequence of events, however the network behaves")
{
    // accepted or connected, then at most one outcome of the handshake, then disconnected.
    struct progress {
        bool begun = false, shaken = false, ended = false;
    };
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        simulation_options options;
        options.seed = seed;
        options.faults.set(fault::reset, 10).set(fault::refuse, 100);
        socket_world in(options);
        watched_events at_server(in.server_context, {.capacity = 100'000});
        watched_events at_client(in.client_context, {.capacity = 100'000});
        {
            auto to = new_socket<pull>(in.server_context);
            auto from = new_socket<push>(in.client_context, reconnect_at_once());
            bind(to);
            connect(from);
            for (int number = 0; number < 50; ++number) {
                (void)from.send(patterned_text(1000), 100ms);
                in.run_with_calls(to, 10ms);
                message part;
                (void)to.receive(part, no_wait);
            }
            from.close(0s);
            to.close(0s);
        }
        at_server.read();
        at_client.read();
        for (watched_events* const each : {&at_server, &at_client}) {
            std::vector<progress> connections;
            CHECK(each->stream.lost() == 0);
            for (const event& one : each->all) {
                if (one.connection == 0)
                    continue;
                CAPTURE(to_string(one));
                connections.resize(std::max(connections.size(), one.connection + 1));
                progress& of = connections[one.connection];
                CHECK_FALSE(of.ended);
                const std::string_view name = name_of(one.kind);
                if (name == "accepted" || name == "connected") {
                    CHECK_FALSE(of.begun);
                    of.begun = true;
                } else if (name.starts_with("handshake")) {
                    CHECK((of.begun && !of.shaken));
                    of.shaken = true;
                } else if (name == "disconnected") {
                    CHECK(of.begun);
                    of.ended = true;
                }
            }
            CHECK(connections.size() > 1);
            for (std::size_t number = 1; number < connections.size(); ++number)
                CHECK(connections[number].ended);
        }
    }
}
