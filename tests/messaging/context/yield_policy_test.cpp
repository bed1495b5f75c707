// SPDX-License-Identifier: MPL-2.0
#include "messaging/context/yield_policy.hpp"

#include <doctest/doctest.h>

using namespace slk;
using namespace std::chrono_literals;
using messaging::yield_policy;

TEST_CASE("a thread yields until a yield has taken too long, and again after a pause")
{
    yield_policy policy;
    const time_point start{1h};
    CHECK(policy.is_wise(start));
    policy.took(start, start + yield_policy::too_long - 1us);
    CHECK(policy.is_wise(start + 1ms));
    const time_point late = start + 1ms + yield_policy::too_long;
    policy.took(start + 1ms, late);
    CHECK_FALSE(policy.is_wise(late));
    CHECK_FALSE(policy.is_wise(late + yield_policy::pause - 1ns));
    CHECK(policy.is_wise(late + yield_policy::pause));
}
