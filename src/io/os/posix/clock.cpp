// SPDX-License-Identifier: MPL-2.0
#include <serverlink/clock.hpp>

#include <time.h>

namespace slk {

namespace {

// CLOCK_MONOTONIC stops while a Linux machine is suspended, CLOCK_BOOTTIME does not.
#if defined(CLOCK_BOOTTIME)
constexpr clockid_t suspended_too = CLOCK_BOOTTIME;
#else
constexpr clockid_t suspended_too = CLOCK_MONOTONIC;
#endif

time_point read(clockid_t which) noexcept
{
    timespec value{};
    ::clock_gettime(which, &value);
    return time_point{std::chrono::seconds(value.tv_sec) + std::chrono::nanoseconds(value.tv_nsec)};
}

class system_clock final : public clock {
public:
    time_point now() noexcept override { return read(CLOCK_MONOTONIC); }
    time_point now_with_suspend() noexcept override { return read(suspended_too); }
};

} // namespace

clock& system_clock_source() noexcept
{
    static system_clock instance; // without state, so any number of threads may share it
    return instance;
}

} // namespace slk
