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
    in.net.strike_next(fault::transfer_error);
    const sender lost(ends.near(), "lost");
    REQUIRE(in.until([&] { return near.over() && far.over() && lost.done; }, 10s));
    CHECK(lost.failure);
    CHECK(near.failure);
    CHECK(near.completions == 1);
    CHECK(far.failure == errc::connection_reset);
    CHECK(far.text.empty());
    CHECK(in.net.strikes(fault::transfer_error) == 1);
    CHECK(in.until([&] { return ends.client.up() && ends.server.streams.size() == 2; }));
}

TEST_CASE("transfer_error: a receive fails too, instead of giving what is there")
{
    world in;
    pair ends(in);
    const reader near(ends.near());
    const sender sent(ends.near(), "lost");
    in.net.run_for(10ms);
    in.net.strike_next(fault::transfer_error);
    const reader far(ends.far());
    REQUIRE(in.until([&] { return far.over(); }, 10s));
    CHECK(far.failure);
    CHECK(far.text.empty());
    CHECK(in.net.strikes(fault::transfer_error) == 1);
    CHECK(in.until([&] { return ends.client.status().generation == 2; }));
    CHECK(near.failure == errc::connection_reset);
}
