// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_LINKS_STOPWATCH_HPP
#define BENCH_LINKS_STOPWATCH_HPP

/// Time and processor time from construction on.

#include "contenders.hpp"

#include <sys/resource.h>

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
        rusage used{};
        getrusage(RUSAGE_SELF, &used);
        const auto seconds = [](const timeval& t) {
            return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
        };
        return seconds(used.ru_utime) + seconds(used.ru_stime);
    }

    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    double cpu_ = cpu();
};

} // namespace bench

#endif
