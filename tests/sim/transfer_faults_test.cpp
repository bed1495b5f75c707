// SPDX-License-Identifier: MPL-2.0

// What goes wrong with the bytes of an established connection.

#include "sim/sim_rig.hpp"

#include <set>

using namespace slk;
using namespace slk::sim_tests;

TEST_CASE("transfer_error: a send fails once, and what waits on that connection ends with it")
{
    world in;
    pair ends(in);
    reader near(ends.near());
    reader far(ends.far());
    in.net.run_for(1ms);
    in.net.inject(fault::transfer_error);
    const sender lost(ends.near(), "lost");
    REQUIRE(in.until([&] { return near.over() && far.over() && lost.done; }, 10s));
    CHECK(lost.failure);
    CHECK(near.failure);
    CHECK(near.completions == 1);
    CHECK(far.failure == errc::connection_reset);
    CHECK(far.text.empty());
    CHECK(in.net.injected(fault::transfer_error) == 1);
    CHECK(in.until([&] { return ends.client.up() && ends.server.streams.size() == 2; }));
}

TEST_CASE("transfer_error: a receive fails too, instead of giving what is there")
{
    world in;
    pair ends(in);
    const reader near(ends.near());
    const sender sent(ends.near(), "lost");
    in.net.run_for(10ms);
    in.net.inject(fault::transfer_error);
    const reader far(ends.far());
    REQUIRE(in.until([&] { return far.over(); }, 10s));
    CHECK(far.failure);
    CHECK(far.text.empty());
    CHECK(in.net.injected(fault::transfer_error) == 1);
    CHECK(in.until([&] { return ends.client.status().generation == 2; }));
    CHECK(near.failure == errc::connection_reset);
}

namespace {

/// What arrives of eight bytes sent at once, where the fault strikes on the connection.
struct cut {
    std::string arrived;
    bool ended = false;
    error failure{};
    bool sender_told = false;
    bool other_way = false;
};

cut cut_by(fault which, std::uint64_t seed)
{
    world in({.seed = seed, .faults = fault_rates{.max_offset = 8}.set(which, 1000)});
    pair ends(in);
    const reader near(ends.near());
    const reader far(ends.far());
    const sender sent(ends.near(), "12345678");
    in.net.run_for(1s);
    cut seen{far.text, far.ended, far.failure, false, false};
    const sender more(ends.near(), "9");
    in.net.run_for(1s);
    seen.sender_told = near.failure == errc::connection_reset;
    CHECK(far.text == seen.arrived);
    in.net.set_faults({});
    if (seen.ended) {
        const sender back(ends.far(), "b");
        in.net.run_for(1s);
        seen.other_way = near.text == "b" || near.ended;
    }
    CHECK(in.net.injected(which) >= 2);
    return seen;
}

} // namespace

TEST_CASE("reset: behind each byte of a message, and what came before it is still read")
{
    std::set<std::string> arrived;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        const cut seen = cut_by(fault::reset, seed);
        CHECK(seen.failure == errc::connection_reset);
        CHECK(seen.sender_told);
        CHECK(std::string("12345678").starts_with(seen.arrived));
        arrived.insert(seen.arrived);
    }
    CHECK(arrived.size() == 9);
}

TEST_CASE("half_close: one direction ends behind each byte of a message, the other one lives on")
{
    std::set<std::string> arrived;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        const cut seen = cut_by(fault::half_close, seed);
        CHECK(seen.ended);
        CHECK(!seen.sender_told);
        CHECK(seen.other_way);
        CHECK(std::string("12345678").starts_with(seen.arrived));
        arrived.insert(seen.arrived);
    }
    CHECK(arrived.size() == 9);
}
