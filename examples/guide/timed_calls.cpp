// SPDX-License-Identifier: MPL-2.0
// Timed calls on a loop: one again and again, and one that ends the loop.
#include <serverlink/serverlink.hpp>

#include <chrono>
#include <cstdio>

using namespace std::chrono_literals;

static slk::result<void> run()
{
    SLK_TRY(auto loop, slk::loop::create());
    int ticks = 0;
    SLK_TRY(const auto tick, loop.call_every(1ms, [&] {
        if (++ticks == 3)
            loop.stop();
    }));
    SLK_TRY(const auto limit, loop.call_after(30s, [&] { loop.stop(); }));
    SLK_TRY(loop.run());
    std::printf("%d ticks\n", ticks);
    return {}; // each handle ends its call
}

int main()
{
    const auto ran = run();
    if (!ran)
        std::fprintf(stderr, "%s\n", slk::to_string(ran.error()).c_str());
    return ran ? 0 : 1;
}
