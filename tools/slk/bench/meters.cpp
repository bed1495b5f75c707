// SPDX-License-Identifier: MPL-2.0
#include "meters.hpp"

#include "processor_time.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <utility>

namespace slk::tool::bench {

slicer::slicer(duration warm_up, duration measured, std::function<void(std::size_t)> told)
    : slice_(measured / slice_count), told_(std::move(told)), begin_(system_clock_source().now()),
      next_(begin_ + warm_up)
{
    rates_.reserve(slice_count);
}

bool slicer::turn_over(time_point now, std::uint64_t arrived)
{
    if (warm_) {
        const std::chrono::duration<double> passed = now - begin_;
        rates_.push_back(static_cast<double>(arrived - arrived_) / passed.count());
        messages_ += arrived - arrived_;
        if (rates_.size() == slice_count)
            return false;
    }
    warm_ = true;
    told_(rates_.size());
    arrived_ = arrived;
    begin_ = system_clock_source().now();
    next_ = begin_ + slice_;
    return true;
}

rates slicer::per_second() const
{
    if (rates_.empty())
        return {};
    std::vector<double> sorted = rates_;
    std::ranges::sort(sorted);
    const std::size_t half = sorted.size() / 2;
    const double median =
        sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    return {median, sorted.front(), sorted.back()};
}

// Below `fine` each value has its place. Beyond, each power of two has `fine` places: they are
// chosen by the bits after its first one.

std::size_t histogram::place_of(std::uint64_t value) noexcept
{
    if (value < fine)
        return static_cast<std::size_t>(value);
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - 1 - fine_bits;
    return static_cast<std::size_t>((shift + 1) * fine + ((value >> shift) - fine));
}

std::uint64_t histogram::value_of(std::size_t place) noexcept
{
    if (place < fine)
        return place;
    const std::uint64_t shift = place / fine - 1;
    return (fine + place % fine) << shift;
}

double histogram::quantile(double share) const
{
    if (total_ == 0)
        return 0;
    const auto last = static_cast<std::uint64_t>(static_cast<double>(total_ - 1) * share);
    std::uint64_t passed = 0;
    for (std::size_t place = 0; place < seen_.size(); ++place) {
        passed += seen_[place];
        if (passed > last)
            return static_cast<double>(value_of(place));
    }
    return longest();
}

void processor_meter::begin(std::uint64_t arrived)
{
    begun_ = true;
    arrived_ = arrived;
    used_ = processor_time();
}

std::optional<double> processor_meter::per_message(std::uint64_t arrived) const
{
    const auto used = processor_time();
    if (!begun_ || !used || !used_ || arrived == arrived_)
        return std::nullopt;
    return static_cast<double>((*used - *used_).count()) / static_cast<double>(arrived - arrived_);
}

} // namespace slk::tool::bench
