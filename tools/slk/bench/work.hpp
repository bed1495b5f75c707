// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_BENCH_WORK_HPP
#define SLK_TOOL_BENCH_WORK_HPP

/// The works that are measured.

#include <serverlink/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace slk::tool::bench {

enum class work_kind : std::uint8_t {
    stream,     ///< one side sends as fast as it can, the other one receives and measures
    round_trip, ///< the side that measures sends a request and waits for the reply, one at a time
};

struct work {
    work_kind kind = work_kind::stream;
    std::size_t size = 64; ///< bytes of a message
    std::size_t batch = 1; ///< messages that a stream sends, and receives, with one call
    duration warm_up{};    ///< before anything counts
};

inline constexpr std::size_t max_size = std::size_t{64} << 20U;
inline constexpr std::size_t max_batch = 10'000;

/// Both sides accept such a request: its sizes are valid, and its queues fit into memory.
[[nodiscard]] bool is_sensible(const work& asked) noexcept;
/// For the queues of both sides: the default, or less for large messages.
[[nodiscard]] std::uint32_t high_water_mark_for(const work& done) noexcept;
/// The number of messages between two reads of the clock, so that these cost little.
[[nodiscard]] std::uint64_t stride_of(const work& done) noexcept;

[[nodiscard]] inline time_point now()
{
    return system_clock_source().now();
}

/// "64 B", "1 KiB"
[[nodiscard]] std::string size_text(std::size_t size);

} // namespace slk::tool::bench

#endif
