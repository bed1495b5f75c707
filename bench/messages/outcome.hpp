// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_MESSAGES_OUTCOME_HPP
#define BENCH_MESSAGES_OUTCOME_HPP

/// The samples of one work, and their medians and ratios.

#include "measurement.hpp"

#include "tools/support/statistics.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace bench {

using slk::tool::spread;

/// The samples of one contender, one for each round.
struct series {
    const contender* by;
    std::vector<sample> samples{};
};

struct outcome {
    const work* done;
    std::vector<series> all{};

    [[nodiscard]] const series* find(std::string_view name) const;
};

/// Messages per second of a stream; seconds one way (the p50) of a round trip.
double score(const work& done, const sample& of);
double cpu_seconds_per_message(const work& done, const sample& of);

/// Of the samples that did not fail; nothing if all failed.
std::optional<spread> spread_of(const work& done, const series& of,
                                double (*measure)(const work&, const sample&));
/// The ratio of the two scores in each round; nothing if no round has both.
std::optional<spread> ratios(const work& done, const series& of, const series* to);

} // namespace bench

#endif
