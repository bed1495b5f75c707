// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_MESSAGES_OUTCOME_HPP
#define BENCH_MESSAGES_OUTCOME_HPP

/// All rounds of one work, and what can be said about them.

#include "measurement.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace bench {

/// What one contender has done, round by round: the same rounds for all.
struct series {
    const contender* by;
    std::vector<sample> samples{};
};

struct outcome {
    const work* done;
    std::vector<series> all{};

    [[nodiscard]] const series* find(std::string_view name) const;
};

struct spread {
    double median = 0;
    double lowest = 0;
    double highest = 0;
};

/// Messages per second of a stream; seconds one way (the p50) of a round trip.
double score(const work& done, const sample& of);
/// For each message.
double cpu_seconds_each(const work& done, const sample& of);

/// Of the samples that did not fail; nothing if all did.
std::optional<spread> spread_of(const work& done, const series& of,
                                double (*measure)(const work&, const sample&));
/// Of the rounds' ratios; nothing if there is nobody to compare with.
std::optional<spread> ratios(const work& done, const series& of, const series* to);

} // namespace bench

#endif
