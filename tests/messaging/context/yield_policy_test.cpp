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
    CHECK(policy.may_yield(start));
    policy.yielded(start, start + yield_policy::too_long - 1us);
    CHECK(policy.may_yield(start + 1ms));
    const time_point late = start + 1ms + yield_policy::too_long;
    policy.yielded(start + 1ms, late);
    CHECK_FALSE(policy.may_yield(late));
    CHECK_FALSE(policy.may_yield(late + yield_policy::pause - 1ns));
    CHECK(policy.may_yield(late + yield_policy::pause));
}
