// SPDX-License-Identifier: MPL-2.0
#include "tools/support/statistics.hpp"

#include <algorithm>
#include <bit>

namespace slk::tool {

spread spread_of(std::vector<double> values)
{
    if (values.empty())
        return {};
    std::ranges::sort(values);
    const std::size_t half = values.size() / 2;
    const double median =
        values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
    return {median, values.front(), values.back()};
}

histogram::histogram() : counts_((64 - step_bits + 1) * steps) {}

// Each value below `steps` has a counter of its own. Above, each power of two has `steps` counters,
// chosen by the bits after the highest one.

std::size_t histogram::index_of(std::uint64_t value) noexcept
{
    if (value < steps)
        return static_cast<std::size_t>(value);
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - 1 - step_bits;
    return static_cast<std::size_t>((shift + 1) * steps + ((value >> shift) - steps));
}

std::uint64_t histogram::value_of(std::size_t index) noexcept
{
    if (index < steps)
        return index;
    const std::uint64_t shift = index / steps - 1;
    return (steps + index % steps) << shift;
}

double histogram::quantile(double share) const
{
    if (total_ == 0)
        return 0;
    const auto last = static_cast<std::uint64_t>(static_cast<double>(total_ - 1) * share);
    std::uint64_t passed = 0;
    for (std::size_t index = 0; index < counts_.size(); ++index) {
        passed += counts_[index];
        if (passed > last)
            return static_cast<double>(value_of(index));
    }
    return max();
}

} // namespace slk::tool
