// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_BENCH_METERS_HPP
#define SLK_TOOL_BENCH_METERS_HPP

/// What is counted with. What is done for each message is inline and cheap beside it.

#include "tools/support/statistics.hpp"

#include <serverlink/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace slk::tool::bench {

inline constexpr std::size_t slice_count = 10;

/// Cuts the time after a warm-up into slices.
class slicer {
public:
    /// `told` hears how many slices are over: at the beginning of each, which begins after that.
    slicer(duration warm_up, duration measured, std::function<void(std::size_t)> told);

    /// So many messages have arrived so far. False: it is over.
    bool look(time_point now, std::uint64_t arrived)
    {
        return now < next_ || turn_over(now, arrived);
    }
    /// The warm-up is over.
    [[nodiscard]] bool warm() const noexcept { return warm_; }
    /// Those that count.
    [[nodiscard]] std::uint64_t messages() const noexcept { return messages_; }
    /// Messages per second of the slices. The median is not changed by one slow slice.
    [[nodiscard]] spread per_second() const { return spread_of(rates_); }

private:
    bool turn_over(time_point now, std::uint64_t arrived);

    duration slice_;
    std::function<void(std::size_t)> told_;
    time_point begin_;
    time_point next_;
    std::uint64_t arrived_ = 0;
    std::uint64_t messages_ = 0;
    bool warm_ = false;
    std::vector<double> rates_;
};

/// The processor time of this process for each message, from begin() on.
class processor_meter {
public:
    void begin(std::uint64_t arrived);
    [[nodiscard]] bool begun() const noexcept { return begun_; }
    /// In nanoseconds. Nothing if it has not begun, or the system does not tell.
    [[nodiscard]] std::optional<double> per_message(std::uint64_t arrived) const;

private:
    bool begun_ = false;
    std::uint64_t arrived_ = 0;
    std::optional<duration> used_;
};

} // namespace slk::tool::bench

#endif
