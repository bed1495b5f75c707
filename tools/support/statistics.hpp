// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOLS_SUPPORT_STATISTICS_HPP
#define SLK_TOOLS_SUPPORT_STATISTICS_HPP

#include <serverlink/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace slk::tool {

/// The middle and the ends of some values. All are 0 if there are none.
struct spread {
    double median = 0;
    double lowest = 0;
    double highest = 0;
};

[[nodiscard]] spread spread_of(std::vector<double> values);

/// Durations, counted in steps of a thousandth of their size. Its memory does not grow.
class histogram {
public:
    histogram();

    /// Inline: it is called for each message that is measured. A negative duration counts as 0.
    void add(duration value)
    {
        const std::int64_t count = value.count();
        const std::uint64_t nanoseconds = count > 0 ? static_cast<std::uint64_t>(count) : 0;
        ++counts_[index_of(nanoseconds)];
        ++total_;
        max_ = nanoseconds > max_ ? nanoseconds : max_;
    }
    [[nodiscard]] std::uint64_t count() const noexcept { return total_; }
    /// In nanoseconds: `share` of the durations are at most as long. 0 if there are none.
    [[nodiscard]] double quantile(double share) const;
    /// In nanoseconds, exactly.
    [[nodiscard]] double max() const noexcept { return static_cast<double>(max_); }

private:
    static constexpr unsigned step_bits = 10;
    static constexpr std::uint64_t steps = std::uint64_t{1} << step_bits;

    [[nodiscard]] static std::size_t index_of(std::uint64_t value) noexcept;
    [[nodiscard]] static std::uint64_t value_of(std::size_t index) noexcept;

    std::vector<std::uint64_t> counts_;
    std::uint64_t total_ = 0;
    std::uint64_t max_ = 0;
};

} // namespace slk::tool

#endif
