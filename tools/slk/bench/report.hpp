// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_BENCH_REPORT_HPP
#define SLK_TOOL_BENCH_REPORT_HPP

/// The results as a table and as JSON.

#include "bench/measure.hpp"

#include <string>
#include <vector>

namespace slk::tool::bench {

/// The two sides, and how they were connected.
struct setting {
    std::string endpoint;
    side_facts here;
    side_facts there;
    bool one_machine = false;
    bool one_process = false;
    double seconds = 1; ///< of each work
};

/// The lines above the table: the sides, and how they measure.
[[nodiscard]] std::vector<std::string> headline(const setting& between);
/// The lines above the first row of its kind.
[[nodiscard]] std::vector<std::string> heading(const work& of);
[[nodiscard]] std::string row(const measured& of);
[[nodiscard]] std::string to_json(const setting& between, const std::vector<measured>& all);

/// A quarter of the measured time.
[[nodiscard]] duration warm_up_of(double seconds);
[[nodiscard]] duration measured_time_of(double seconds);

} // namespace slk::tool::bench

#endif
