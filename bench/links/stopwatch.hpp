// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_LINKS_STOPWATCH_HPP
#define BENCH_LINKS_STOPWATCH_HPP

/// Time and processor time from construction on.

#include "contenders.hpp"

#include "tools/support/processor_time.hpp"

#include <chrono>

namespace bench {

class stopwatch {
public:
    [[nodiscard]] connect_outcome stop(std::uint64_t failures) const
    {
        const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - began_;
        return {wall.count(), cpu() - cpu_, failures};
    }

private:
    [[nodiscard]] static double cpu()
    {
        const auto used = slk::tool::processor_time();
        return std::chrono::duration<double>(used.value_or(slk::duration::zero())).count();
    }

    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    double cpu_ = cpu();
};

} // namespace bench

#endif
