// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_CLOCK_HPP
#define SERVERLINK_CLOCK_HPP

/// The library's time: a monotonic clock that the caller may replace.
///
/// The library never asks the system for the time by itself. A loop is given a clock and passes its
/// readings on as values, so that a test or a simulation controls the time. Wall-clock time is
/// never used: setting the machine's clock changes nothing.

#include <serverlink/export.hpp>

#include <algorithm>
#include <chrono>
#include <type_traits>

namespace slk {

/// All durations of the library; they are given in any unit of std::chrono.
using duration = std::chrono::nanoseconds;

/// Returns the time in nanoseconds, or the longest or shortest duration instead of overflowing.
template <class Number, class Period>
[[nodiscard]] constexpr duration saturated(std::chrono::duration<Number, Period> time) noexcept
{
    if constexpr (std::is_same_v<std::chrono::duration<Number, Period>, duration>)
        return time;
    using exact = std::chrono::duration<long double, duration::period>;
    const exact wanted(time);
    if (!(wanted < exact(duration::max()))) // also what is not a number
        return duration::max();
    if (wanted <= exact(duration::min()))
        return duration::min();
    return std::chrono::duration_cast<duration>(time);
}

/// The epoch of time_point is arbitrary (usually the machine's boot): only differences have a
/// meaning. This is not a Clock in the standard's sense, because it has no static now().
struct monotonic {
    // As the standard's clocks have them.
    using duration = slk::duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<monotonic, duration>;
    static constexpr bool is_steady = true;
};

/// A time by the clock of a loop.
using time_point = monotonic::time_point;

/// A time that never comes: "no deadline".
inline constexpr time_point never = time_point::max();

/// Returns `from + delay`, or `never` instead of overflowing. A negative delay counts as zero.
[[nodiscard]] constexpr time_point after(time_point from, duration delay) noexcept
{
    if (delay <= duration::zero())
        return from;
    return delay >= never - std::max(from, time_point{}) ? never : from + delay;
}

/// The source of time. now() is called from the loop's thread only.
class SLK_API clock {
public:
    clock() = default;
    clock(const clock&) = default;
    clock& operator=(const clock&) = default;
    virtual ~clock() = default;

    /// Returns the time that the machine has been awake. It may repeat and even step back (some
    /// virtual machines do): the loop clamps it.
    [[nodiscard]] virtual time_point now() noexcept = 0;

    /// Returns the same time plus the time that the machine was suspended; equal to now() where the
    /// system cannot tell. The difference of the two grows by the length of each suspension.
    [[nodiscard]] virtual time_point now_with_suspend() noexcept = 0;
};

/// The machine's own clock, now() and now_with_suspend() (clock_gettime(2)): CLOCK_MONOTONIC and
/// CLOCK_BOOTTIME on Linux, CLOCK_UPTIME_RAW and CLOCK_MONOTONIC_RAW on macOS, CLOCK_UPTIME and
/// CLOCK_BOOTTIME on OpenBSD; QueryUnbiasedInterruptTimePrecise and QueryInterruptTimePrecise on
/// Windows. FreeBSD, NetBSD and DragonFly have one clock only, CLOCK_MONOTONIC, so that a
/// suspension is not noticed there.
[[nodiscard]] SLK_API clock& system_clock_source() noexcept;

} // namespace slk

#endif
