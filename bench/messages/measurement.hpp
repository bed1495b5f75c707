// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_MESSAGES_MEASUREMENT_HPP
#define BENCH_MESSAGES_MEASUREMENT_HPP

/// One sample: the processes of one contender at one work are started, watched and ended.

#include "arguments.hpp"

#include <cstdint>
#include <string>

namespace bench {

struct sample {
    std::string failure{}; ///< empty: the other members are valid
    std::uint64_t messages = 0;
    double seconds = 0;
    double cpu_seconds = 0; ///< of both sides, while it was measured
    // Of round trips, in seconds one way.
    double p50 = 0;
    double p99 = 0;
    double p999 = 0;
};

sample measure(const work& done, const contender& by, const arguments& options);

/// The seconds after which all processes of a measurement have been killed.
double max_measurement(double seconds);

} // namespace bench

#endif
