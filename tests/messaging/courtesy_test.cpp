// SPDX-License-Identifier: MPL-2.0
#include "messaging/yield_policy.hpp"

#include <doctest/doctest.h>

using namespace slk;
using namespace std::chrono_literals;
using messaging::yield_policy;

TEST_CASE("a thread lets others run until that has taken too long, and again after a pause")
{
    yield_policy of_mine;
    const time_point start{1h};
    CHECK(of_mine.is_wise(start));
    of_mine.took(start, start + yield_policy::too_long - 1us);
    CHECK(of_mine.is_wise(start + 1ms));
    const time_point late = start + 1ms + yield_policy::too_long;
    of_mine.took(start + 1ms, late);
    CHECK_FALSE(of_mine.is_wise(late));
    CHECK_FALSE(of_mine.is_wise(late + yield_policy::pause - 1ns));
    CHECK(of_mine.is_wise(late + yield_policy::pause));
}
