// SPDX-License-Identifier: MPL-2.0
#include <serverlink/clock.hpp>

#include "base/never_destroyed.hpp"

#include <time.h>

namespace slk {

namespace {

// One clock that stops while the machine is suspended, and one that does not, by clock_gettime(2)
// of each system. Both must run at the same rate otherwise.
#if defined(__APPLE__)
// CLOCK_MONOTONIC goes on there, and is slewed by NTP; the two raw ones are not.
constexpr clockid_t awake_only = CLOCK_UPTIME_RAW;
constexpr clockid_t suspended_too = CLOCK_MONOTONIC_RAW;
#elif defined(__OpenBSD__)
// CLOCK_MONOTONIC goes on, as CLOCK_BOOTTIME does.
constexpr clockid_t awake_only = CLOCK_UPTIME;
constexpr clockid_t suspended_too = CLOCK_BOOTTIME;
#elif defined(__linux__)
constexpr clockid_t awake_only = CLOCK_MONOTONIC;
constexpr clockid_t suspended_too = CLOCK_BOOTTIME;
#else
// FreeBSD, DragonFly and NetBSD: no clock is documented to go on. FreeBSD's CLOCK_BOOTTIME is
// another name of CLOCK_UPTIME.
constexpr clockid_t awake_only = CLOCK_MONOTONIC;
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
    time_point now() noexcept override { return read(awake_only); }
    time_point now_with_suspend() noexcept override { return read(suspended_too); }
};

} // namespace

clock& system_clock_source() noexcept
{
    // Without state, so any number of threads may share it.
    static never_destroyed<system_clock> instance;
    return instance.get();
}

} // namespace slk
