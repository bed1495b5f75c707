// SPDX-License-Identifier: MPL-2.0
#include "tools/support/statistics.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace slk::tool;
using namespace std::chrono_literals;

TEST_CASE("a histogram returns quantiles within a thousandth, and the maximum exactly")
{
    histogram times;
    CHECK(times.quantile(0.5) == 0);
    for (int i = 1; i <= 100'000; ++i)
        times.add(std::chrono::microseconds(i));
    for (const double share : {0.001, 0.5, 0.99, 0.999}) {
        CAPTURE(share);
        CHECK(times.quantile(share) == doctest::Approx(share * 1e8).epsilon(0.001));
    }
    CHECK(times.max() == 1e8);
    CHECK(times.count() == 100'000);
}

TEST_CASE("a histogram holds every duration")
{
    histogram times;
    times.add(-1ns);
    times.add(0ns);
    times.add(slk::duration::max());
    CHECK(times.quantile(0.5) == 0);
    CHECK(times.quantile(1) == doctest::Approx(9.22e18).epsilon(0.001));
}

TEST_CASE("a spread has the median and the ends of its values")
{
    CHECK(spread_of({}).median == 0);
    const spread odd = spread_of({3, 1, 8});
    CHECK(odd.median == 3);
    CHECK(odd.lowest == 1);
    CHECK(odd.highest == 8);
    CHECK(spread_of({4, 1, 8, 2}).median == 3);
}
