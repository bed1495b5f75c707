// SPDX-License-Identifier: MPL-2.0
#include "tools/support/processor_time.hpp"

#include <chrono>

#include <time.h>

namespace slk::tool {

std::optional<duration> processor_time()
{
    timespec used{};
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0)
        return std::nullopt;
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

} // namespace slk::tool
