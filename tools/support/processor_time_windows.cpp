// SPDX-License-Identifier: MPL-2.0
#include "tools/support/processor_time.hpp"

#include <cstdint>
#include <ratio>

#include <windows.h>

namespace slk::tool {

namespace {

/// A FILETIME counts 100 ns.
using ticks = std::chrono::duration<std::int64_t, std::ratio<1, 10'000'000>>;

[[nodiscard]] ticks ticks_of(const FILETIME& time)
{
    return ticks((static_cast<std::int64_t>(time.dwHighDateTime) << 32) | time.dwLowDateTime);
}

} // namespace

std::optional<duration> processor_time()
{
    FILETIME created{};
    FILETIME ended{};
    FILETIME in_system{};
    FILETIME in_program{};
    if (GetProcessTimes(GetCurrentProcess(), &created, &ended, &in_system, &in_program) == 0)
        return std::nullopt;
    return ticks_of(in_system) + ticks_of(in_program);
}

} // namespace slk::tool
