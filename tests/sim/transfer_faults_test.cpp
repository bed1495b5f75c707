// SPDX-License-Identifier: MPL-2.0

// Faults of established connections.

#include "sim/sim_rig.hpp"

#include <set>

using namespace slk;
using namespace slk::testing;

TEST_CASE("transfer_error: a send fails, and the other operations of the connection fail as well")
{
    world in;
    connected_pair ends(in);
    reader at_client(ends.at_client());
    reader at_server(ends.at_server());
    in.net.run_for(1ms);
    in.net.inject(fault::transfer_error);
    const stream_sender lost(ends.at_client(), "lost");
    REQUIRE(
        in.until([&] { return at_client.finished() && at_server.finished() && lost.done; }, 10s));
    CHECK(lost.failure);
    CHECK(at_client.failure);
    CHECK(at_client.completions == 1);
    CHECK(at_server.failure == errc::connection_reset);
    CHECK(at_server.text.empty());
    CHECK(in.net.injected(fault::transfer_error) == 1);
    CHECK(in.until([&] { return ends.client.connected() && ends.server.streams.size() == 2; }));
}

TEST_CASE("transfer_error: a receive fails although data has arrived")
{
    world in;
    connected_pair ends(in);
    const reader at_client(ends.at_client());
    const stream_sender sent(ends.at_client(), "lost");
    in.net.run_for(10ms);
    in.net.inject(fault::transfer_error);
    const reader at_server(ends.at_server());
    REQUIRE(in.until([&] { return at_server.finished(); }, 10s));
    CHECK(at_server.failure);
    CHECK(at_server.text.empty());
    CHECK(in.net.injected(fault::transfer_error) == 1);
    CHECK(in.until([&] { return ends.client.status().generation == 2; }));
    CHECK(at_client.failure == errc::connection_reset);
}

namespace {

/// What arrives of eight bytes that are sent at once when the fault is injected.
struct cut_transfer {
    std::string arrived;
    bool reached_end = false;
    error failure{};
    bool sender_was_reset = false;
    bool other_direction_works = false;
};

cut_transfer cut_by(fault which, std::uint64_t seed)
{
    world in({.seed = seed, .faults = fault_rates{.max_offset = 8}.set(which, 1000)});
    connected_pair ends(in);
    const reader at_client(ends.at_client());
    const reader at_server(ends.at_server());
    const stream_sender sent(ends.at_client(), "12345678");
    in.net.run_for(1s);
    cut_transfer seen{at_server.text, at_server.reached_end, at_server.failure, false, false};
    const stream_sender more(ends.at_client(), "9");
    in.net.run_for(1s);
    seen.sender_was_reset = at_client.failure == errc::connection_reset;
    CHECK(at_server.text == seen.arrived);
    in.net.set_faults({});
    if (seen.reached_end) {
        const stream_sender back(ends.at_server(), "b");
        in.net.run_for(1s);
        seen.other_direction_works = at_client.text == "b" || at_client.reached_end;
    }
    CHECK(in.net.injected(which) >= 2);
    return seen;
}

} // namespace

TEST_CASE("reset: after each byte of a message, and the bytes before it are still read")
{
    std::set<std::string> arrived;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        const cut_transfer seen = cut_by(fault::reset, seed);
        CHECK(seen.failure == errc::connection_reset);
        CHECK(seen.sender_was_reset);
        CHECK(std::string("12345678").starts_with(seen.arrived));
        arrived.insert(seen.arrived);
    }
    CHECK(arrived.size() == 9);
}

TEST_CASE("half_close: one direction ends after each byte of a message, the other one still works")
{
    std::set<std::string> arrived;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        const cut_transfer seen = cut_by(fault::half_close, seed);
        CHECK(seen.reached_end);
        CHECK(!seen.sender_was_reset);
        CHECK(seen.other_direction_works);
        CHECK(std::string("12345678").starts_with(seen.arrived));
        arrived.insert(seen.arrived);
    }
    CHECK(arrived.size() == 9);
}
