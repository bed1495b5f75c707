// SPDX-License-Identifier: MPL-2.0

// Whose turn it is, and what time that costs.

#include "sim/sim_rig.hpp"

using namespace slk;
using namespace slk::sim_tests;

TEST_CASE("two loops that post to each other without end do not stop the time")
{
    world in;
    int posts = 0;
    std::function<void()> there;
    std::function<void()> back;
    there = [&] {
        if (++posts < 100'000)
            in.server_loop->post(back);
    };
    back = [&] {
        if (++posts < 100'000)
            in.client_loop->post(there);
    };
    in.client_loop->post(there);
    const time_point begin = in.net.now();
    in.net.run_for(1ms);
    CHECK(in.net.now() - begin == 1ms);
    // A turn of each costs a microsecond.
    CHECK(posts > 900);
    CHECK(posts < 2'100);
    posts = 100'000;
}

TEST_CASE("a turn that the network gives lets no other loop run inside it")
{
    world in;
    int inside = 0;
    int deepest = 0;
    std::vector<loop> loops;
    for (int i = 0; i < 50; ++i)
        loops.push_back(new_loop(in.net, in.client));
    for (loop& each : loops)
        each.post([&] { deepest = std::max(deepest, ++inside); });
    in.net.at(in.net.now() + 1ms, [&] { loops.clear(); });
    // Each of them has something for the same moment at which all of them end.
    in.net.at(in.net.now() + 1ms - 1ns, [&] {
        for (loop& each : loops)
            each.post([] {});
    });
    in.net.run_for(2ms);
    CHECK(loops.empty());
    CHECK(inside == 50);
}
