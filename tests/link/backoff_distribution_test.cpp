// SPDX-License-Identifier: MPL-2.0

// The distribution of the delays: ten million for each n. This program is optimised in every build,
// and compiles the formula's source file once more for that.

#include <serverlink/random.hpp>
#include <serverlink/reconnect.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>

namespace {

using namespace std::chrono_literals;
using namespace slk;

/// SLK_ROUNDS=N asks for another number, for a quick look or a long one.
int samples()
{
    const char* const wanted = std::getenv("SLK_ROUNDS");
    return wanted != nullptr ? std::max(std::atoi(wanted), 100'000) : 10'000'000;
}

constexpr std::size_t buckets = 100;
/// Chi-square with 99 degrees of freedom is above this with a probability of 0.001.
constexpr double critical = 148.23;

/// `delay` maps 64 random bits to `min` ... `max`, all equally likely.
template <class Delay>
void check_uniform(std::uint64_t seed, duration least, duration most, const Delay& delay)
{
    random_stream random(seed);
    std::array<std::int64_t, buckets> counts{};
    const int count = samples();
    const auto width = static_cast<double>((most - least).count()) + 1;
    const double buckets_per_ns = static_cast<double>(buckets) / width;
    duration smallest = duration::max();
    duration largest = duration::min();
    for (int sample = 0; sample < count; ++sample) {
        const duration drawn = delay(random.next());
        smallest = std::min(smallest, drawn);
        largest = std::max(largest, drawn);
        const auto offset = static_cast<double>((drawn - least).count());
        const double bucket = std::clamp(offset * buckets_per_ns, 0.0, buckets - 1.0);
        ++counts[static_cast<std::size_t>(bucket)];
    }
    CHECK(smallest >= least);
    CHECK(largest <= most);
    // The ends are reached, as far as this number of samples can be expected to.
    CHECK(smallest - least < (most - least) / 1000);
    CHECK(most - largest < (most - least) / 1000);

    const double expected = static_cast<double>(count) / static_cast<double>(buckets);
    double chi_square = 0;
    for (const std::int64_t seen : counts) {
        const double off = static_cast<double>(seen) - expected;
        chi_square += off * off / expected;
    }
    CHECK(chi_square < critical);
    // A distribution that is too even is as unlikely as one that is too uneven.
    CHECK(chi_square > 61.14);
}

} // namespace

TEST_CASE("the delay before retry n is uniform from floor to floor + min(cap, base * 2^n)")
{
    const reconnect_options options;
    for (const std::uint32_t retry : {0u, 1u, 2u, 3u, 4u, 5u, 6u, 7u, 62u, 63u, 1'000'000'000u}) {
        INFO("retry ", retry);
        const duration range =
            std::min<duration>(options.cap, options.base * (1 << std::min(retry, 10u)));
        check_uniform(1000 + retry, options.floor, options.floor + range,
                      [&](std::uint64_t r) { return backoff_delay(options, retry, r); });
    }
}

TEST_CASE("the delays are as uniform without a floor and with another base and cap")
{
    const reconnect_options options{.base = 1s, .floor = 0s, .cap = 40s};
    for (const std::uint32_t retry : {0u, 5u, 6u}) {
        INFO("retry ", retry);
        check_uniform(2000 + retry, 0s, std::min<duration>(40s, 1s * (1 << retry)),
                      [&](std::uint64_t r) { return backoff_delay(options, retry, r); });
    }
}

TEST_CASE("a slow delay is uniform from floor + cap / 2 to floor + cap")
{
    const reconnect_options options;
    check_uniform(7, options.floor + options.cap / 2, options.floor + options.cap,
                  [&](std::uint64_t r) { return slow_backoff_delay(options, r); });
}

TEST_CASE("no n up to a thousand million takes a delay out of its range")
{
    const reconnect_options options;
    random_stream random(3);
    // From one n to the next at first, then in strides of a prime number.
    std::int64_t wrong = 0;
    for (std::uint32_t retry = 0; retry <= 1'000'000'000; retry += retry < 10'000 ? 1 : 97) {
        const duration most =
            options.floor +
            std::min<duration>(options.cap, options.base * (1 << std::min(retry, 10u)));
        const duration drawn = backoff_delay(options, retry, random.next());
        wrong += drawn < options.floor || drawn > most ? 1 : 0;
        wrong += backoff_delay(options, retry, 0) != options.floor ? 1 : 0;
        wrong += backoff_delay(options, retry, UINT64_MAX) != most ? 1 : 0;
    }
    CHECK(wrong == 0);
}
