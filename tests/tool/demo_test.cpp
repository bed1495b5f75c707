// SPDX-License-Identifier: MPL-2.0
#include "run_slk.hpp"
#include "support/skip.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace slk::testing;

TEST_CASE("slk demo shows every link healing and no message missing, in less than 20 seconds")
{
#if defined(__linux__)
    SLK_NEEDS_COMMAND();
    const auto begun = std::chrono::steady_clock::now();
    const run_result result = run_slk("demo");
    const auto took = std::chrono::steady_clock::now() - begun;
    CHECK(result.code == 0);
    CHECK(took < std::chrono::seconds(20));
    for (const char* text : {"alpha", "bravo", "charlie", "delta", "starts", "is killed", "is back",
                             "healed 2", "messages were queued", "messages have arrived so far",
                             "arrived, in order and none duplicated", "No other is missing.",
                             "Every link healed each time."})
        CHECK(result.out.find(text) != std::string::npos);
    CHECK(result.out.find('\x1b') == std::string::npos);
#else
    SLK_SKIP("the demonstration is tested on Linux");
#endif
}
