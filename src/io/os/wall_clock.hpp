// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_OS_WALL_CLOCK_HPP
#define SLK_IO_OS_WALL_CLOCK_HPP

/// The time of day, for people and for other programs. Nothing in the library depends on it.

#include <chrono>
#include <cstdint>

namespace slk::io::os {

/// Milliseconds since 1970, UTC.
[[nodiscard]] inline std::uint64_t wall_clock_milliseconds() noexcept
{
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

} // namespace slk::io::os

#endif
