// SPDX-License-Identifier: MPL-2.0
// The meters of slk bench.

#include "../../tools/slk/bench/meters.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <vector>

using namespace slk::tool::bench;
using namespace std::chrono_literals;

TEST_CASE("a slicer leaves the warm-up out, and returns the median of the slices")
{
    std::vector<std::size_t> progress;
    slicer slices(0ns, slk::duration(slice_count),
                  [&](std::size_t over) { progress.push_back(over); });
    const auto begin = slk::system_clock_source().now();
    // Messages that arrived before the first look belong to the warm-up.
    CHECK(slices.look(begin + 1h, 1000));
    CHECK(slices.warm());
    for (std::size_t slice = 1; slice <= slice_count; ++slice) {
        // In one slice no message arrives.
        const std::uint64_t arrived = 1000 + 3600 * (slice < 5 ? slice : slice - 1);
        CHECK(slices.look(begin + 1h, arrived) == (slice < slice_count));
    }
    CHECK(slices.messages() == 3600 * (slice_count - 1));
    CHECK(slices.per_second().median == doctest::Approx(1).epsilon(0.01));
    CHECK(slices.per_second().lowest == 0);
    CHECK(slices.per_second().highest == doctest::Approx(1).epsilon(0.01));
    REQUIRE(progress.size() == slice_count);
    CHECK(progress.front() == 0);
    CHECK(progress.back() == slice_count - 1);
}

TEST_CASE("processor time is counted for the messages after the beginning only")
{
    processor_meter used;
    CHECK_FALSE(used.per_message(10));
    used.begin(10);
    CHECK_FALSE(used.per_message(10));
    const auto each = used.per_message(11);
    REQUIRE(each);
    CHECK(*each >= 0);
}
