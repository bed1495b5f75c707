// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_BENCH_METERS_HPP
#define SLK_TOOL_BENCH_METERS_HPP

/// The meters of a measurement. The work for each message is inline and cheap beside the message.

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
    /// `progress` is called with the number of slices that have ended, before each slice begins.
    slicer(duration warm_up, duration measured, std::function<void(std::size_t)> progress);

    /// `arrived` messages have arrived so far. False: the last slice has ended.
    bool look(time_point now, std::uint64_t arrived)
    {
        return now < next_ || turn_over(now, arrived);
    }
    /// The warm-up has ended.
    [[nodiscard]] bool warm() const noexcept { return warm_; }
    /// The number of messages in the slices.
    [[nodiscard]] std::uint64_t messages() const noexcept { return messages_; }
    /// Messages per second of the slices. The median is not changed by one slow slice.
    [[nodiscard]] spread per_second() const { return spread_of(rates_); }

private:
    bool turn_over(time_point now, std::uint64_t arrived);

    duration slice_;
    std::function<void(std::size_t)> progress_;
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
    /// In nanoseconds. Nothing if it has not begun, or the system has no such count.
    [[nodiscard]] std::optional<double> per_message(std::uint64_t arrived) const;

private:
    bool begun_ = false;
    std::uint64_t arrived_ = 0;
    std::optional<duration> used_;
};

} // namespace slk::tool::bench

#endif
