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
    const run_result answer = run_slk("demo");
    const auto took = std::chrono::steady_clock::now() - begun;
    CHECK(answer.code == 0);
    CHECK(took < std::chrono::seconds(20));
    for (const char* text :
         {"alpha", "bravo", "charlie", "delta", "comes up", "is killed", "is back", "healed 2",
          "messages waited", "messages have arrived so far", "arrived, in order and none twice",
          "Nothing else is missing.", "Every link healed each time."})
        CHECK(answer.out.find(text) != std::string::npos);
    CHECK(answer.out.find('\x1b') == std::string::npos);
#else
    SLK_SKIP("the demonstration is tested on Linux");
#endif
}
