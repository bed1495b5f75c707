// SPDX-License-Identifier: MPL-2.0

// The same seed gives the same history in every run, with every compiler and on every system.

#include "sim/sim_rig.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

struct history {
    std::uint64_t hash = 0;
    std::uint64_t events = 0;
    std::string log;
    std::string links;
};

/// Runs links and listeners with all faults, a partition, a suspension and a clock jump.
history run(std::uint64_t seed, bool logged = true)
{
    history result;
    simulation_options options{.seed = seed};
    if (logged)
        options.log = [&](std::string_view line) { (result.log += line) += '\n'; };
    for (std::size_t index = 0; index < fault_count; ++index)
        options.faults.set(static_cast<fault>(index), 10);
    options.faults.set(fault::delay, 300).set(fault::late_completion, 100).max_offset = 2'000;
    world in(std::move(options));
    CHECK(in.net.set_limits(in.server, {.descriptors = 6, .accepts_per_second = 100}));
    test_listener server(*in.server_loop);
    server.on_accepted = [&](stream s) {
        server.streams.push_back(std::move(s));
        if (server.streams.size() > 4)
            server.streams.erase(server.streams.begin());
    };
    link_options link;
    link.reconnect = short_delays();
    link.tuning.user_timeout = 200ms;
    std::vector<std::unique_ptr<test_link>> clients;
    std::vector<std::unique_ptr<stream_sender>> senders;
    std::vector<std::unique_ptr<reader>> readers;
    for (const char* to : {"tcp://server:5000", numeric_endpoint, "tcp://10.0.0.1:5001"}) {
        clients.push_back(std::make_unique<test_link>(*in.client_loop, to, link));
        test_link& client = *clients.back();
        client.on_connected = [&] {
            readers.push_back(std::make_unique<reader>(client.connection));
            senders.push_back(
                std::make_unique<stream_sender>(client.connection, patterned_text(3'000)));
        };
    }
    in.net.at(in.net.now() + 500ms, [&] { in.net.partition(in.client, in.server); });
    in.net.at(in.net.now() + 900ms, [&] { in.net.heal(in.client, in.server); });
    in.net.at(in.net.now() + 1'200ms, [&] { in.net.suspend(in.client, 2s); });
    in.net.at(in.net.now() + 1'500ms, [&] { in.net.jump_clock(in.server, -50ms); });
    for (duration when = 20ms; when < 4s; when += 20ms)
        in.net.at(in.net.now() + when, [&] { clients[0]->connection.close(); });
    in.net.run_for(5s);
    CHECK(in.server_loop->run_for(100ms).has_value());
    for (const auto& client : clients)
        result.links += client->handle->report();
    result.hash = in.net.hash();
    result.events = in.net.events();
    for (auto& client : clients)
        client->handle.reset();
    server.streams.clear();
    return result;
}

} // namespace

TEST_CASE("the same seed gives the same history, and another seed another one")
{
    const history first = run(7);
    const history again = run(7);
    CHECK(first.events > 1'000);
    CHECK(first.hash == again.hash);
    CHECK(first.events == again.events);
    CHECK((first.log == again.log));
    CHECK(std::count(first.log.begin(), first.log.end(), '\n') >= std::ptrdiff_t(first.events));
    CHECK(first.links == again.links);
    const history other = run(8);
    CHECK(first.hash != other.hash);
    CHECK((first.log != other.log));
    // Logging does not change the history.
    CHECK(run(7, false).hash == first.hash);
}

TEST_CASE("the history of this seed is the same for every compiler and on every system")
{
    // A change of the simulated network or of the links changes this number.
    CHECK(run(2024, false).hash == 0x4e1ac54a34675e1du);
}

TEST_CASE("note() adds a value to the hash")
{
    simulation one = new_simulation();
    simulation other = new_simulation();
    CHECK(one.hash() == other.hash());
    one.note(1);
    CHECK(one.hash() != other.hash());
    other.note(2);
    CHECK(one.hash() != other.hash());
}

TEST_CASE("the loops of a simulation take their seeds from it, or from their options")
{
    const auto delays = [](std::uint64_t seed, loop_options options) {
        world in({.seed = seed});
        loop mine = new_loop(in.net, in.client, std::move(options));
        test_link refused(mine, "tcp://10.0.0.1:1");
        in.net.run_for(10s);
        std::vector<duration> all;
        for (const link_transition& move : refused.transitions)
            if (move.to == link_state::backoff)
                all.push_back(move.delay);
        return all;
    };
    CHECK((delays(1, {}) == delays(1, {})));
    CHECK((delays(1, {}) != delays(2, {})));
    CHECK((delays(1, {.seed = 5}) == delays(2, {.seed = 5})));
}
