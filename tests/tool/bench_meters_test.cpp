// SPDX-License-Identifier: MPL-2.0
// What slk bench counts with.

#include "../../tools/slk/bench/meters.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <vector>

using namespace slk::tool::bench;
using namespace std::chrono_literals;

TEST_CASE("a histogram tells quantiles within one percent, and the longest exactly")
{
    const auto times = std::make_unique<histogram>();
    CHECK(times->quantile(0.5) == 0);
    for (int i = 1; i <= 100'000; ++i)
        times->add(std::chrono::microseconds(i));
    for (const double share : {0.001, 0.5, 0.99, 0.999}) {
        CAPTURE(share);
        CHECK(times->quantile(share) == doctest::Approx(share * 1e8).epsilon(0.01));
    }
    CHECK(times->longest() == 1e8);
}

TEST_CASE("a histogram holds all that a duration can be")
{
    const auto times = std::make_unique<histogram>();
    times->add(-1ns);
    times->add(0ns);
    times->add(slk::duration::max());
    CHECK(times->quantile(0.5) == 0);
    CHECK(times->quantile(1) == doctest::Approx(9.22e18).epsilon(0.01));
}

TEST_CASE("a slicer leaves the warm-up out, and tells the median of the slices")
{
    std::vector<std::size_t> told;
    slicer slices(0ns, slk::duration(slice_count), [&](std::size_t over) { told.push_back(over); });
    const auto begin = slk::system_clock_source().now();
    // What has arrived before the first look is the warm-up's.
    CHECK(slices.look(begin + 1h, 1000));
    CHECK(slices.warm());
    for (std::size_t slice = 1; slice <= slice_count; ++slice) {
        // One slice is a hiccup: nothing has arrived in it.
        const std::uint64_t arrived = 1000 + 3600 * (slice < 5 ? slice : slice - 1);
        CHECK(slices.look(begin + 1h, arrived) == (slice < slice_count));
    }
    CHECK(slices.messages() == 3600 * (slice_count - 1));
    CHECK(slices.per_second().median == doctest::Approx(1).epsilon(0.01));
    CHECK(slices.per_second().lowest == 0);
    CHECK(slices.per_second().highest == doctest::Approx(1).epsilon(0.01));
    REQUIRE(told.size() == slice_count);
    CHECK(told.front() == 0);
    CHECK(told.back() == slice_count - 1);
}

TEST_CASE("processor time is told for the messages after the beginning only")
{
    processor_meter used;
    CHECK_FALSE(used.per_message(10));
    used.begin(10);
    CHECK_FALSE(used.per_message(10));
    const auto each = used.per_message(11);
    REQUIRE(each);
    CHECK(*each >= 0);
}
