// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_BENCH_METERS_HPP
#define SLK_TOOL_BENCH_METERS_HPP

/// What is counted with. What is done for each message is inline and cheap beside it.

#include <serverlink/clock.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace slk::tool::bench {

inline constexpr std::size_t slice_count = 10;

/// Messages per second.
struct rates {
    double median = 0; ///< of the slices, so that one hiccup does not decide
    double lowest = 0;
    double highest = 0;
};

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
    [[nodiscard]] rates per_second() const;

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

/// How often each time was seen, in steps of less than one percent. Its memory does not grow.
class histogram {
public:
    void add(duration value)
    {
        const std::int64_t count = value.count();
        const std::uint64_t nanoseconds = count > 0 ? static_cast<std::uint64_t>(count) : 0;
        ++seen_[place_of(nanoseconds)];
        ++total_;
        longest_ = nanoseconds > longest_ ? nanoseconds : longest_;
    }
    /// In nanoseconds; `share` of the values are at most that. 0 without any.
    [[nodiscard]] double quantile(double share) const;
    [[nodiscard]] double longest() const noexcept { return static_cast<double>(longest_); }

private:
    static constexpr unsigned fine_bits = 7;
    static constexpr std::uint64_t fine = std::uint64_t{1} << fine_bits;

    [[nodiscard]] static std::size_t place_of(std::uint64_t value) noexcept;
    [[nodiscard]] static std::uint64_t value_of(std::size_t place) noexcept;

    std::array<std::uint64_t, (64 - fine_bits + 1) * fine> seen_{};
    std::uint64_t total_ = 0;
    std::uint64_t longest_ = 0;
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
