// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_BASE_TICKS_HPP
#define SLK_BASE_TICKS_HPP

/// A clock for what only has to be about right, and cheap: on x86 the processor's counter.

#include <serverlink/clock.hpp>

#include <cstdint>

#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#endif

namespace slk {

#if defined(__x86_64__) || defined(__i386__)
[[nodiscard]] inline std::uint64_t ticks_now() noexcept
{
    return __rdtsc();
}
/// On processors of 2 to 4 GHz.
inline constexpr std::uint64_t ticks_of_a_millisecond = 3'000'000;
#else
[[nodiscard]] inline std::uint64_t ticks_now() noexcept
{
    return static_cast<std::uint64_t>(system_clock_source().now().time_since_epoch().count());
}
inline constexpr std::uint64_t ticks_of_a_millisecond = 1'000'000;
#endif

} // namespace slk

#endif
