// SPDX-License-Identifier: MPL-2.0
#include "meters.hpp"

#include "tools/support/processor_time.hpp"

#include <chrono>
#include <utility>

namespace slk::tool::bench {

slicer::slicer(duration warm_up, duration measured, std::function<void(std::size_t)> progress)
    : slice_(measured / slice_count), progress_(std::move(progress)),
      begin_(system_clock_source().now()), next_(begin_ + warm_up)
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
    progress_(rates_.size());
    arrived_ = arrived;
    begin_ = system_clock_source().now();
    next_ = begin_ + slice_;
    return true;
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
