// SPDX-License-Identifier: MPL-2.0
#include "meters.hpp"

#include <algorithm>
#include <cstdio>

namespace bench {

namespace {

steady::duration in_clock(double seconds)
{
    return std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(seconds));
}

void tell_begin()
{
    std::puts("began");
    std::fflush(stdout);
}

} // namespace

double warm_up_of(double seconds)
{
    return seconds / 4;
}

stream_meter::stream_meter(std::size_t size, double seconds)
    : stride_(std::clamp<std::uint64_t>(16384 / size, 1, 256)), seconds_(seconds)
{
}

bool stream_meter::look()
{
    const steady::time_point now = steady::now();
    next_look_ = arrived_ + stride_;
    if (!warm_) {
        if (warm_at_ == steady::time_point::max())
            warm_at_ = now + in_clock(warm_up_of(seconds_));
        if (now < warm_at_)
            return true;
        warm_ = true;
        tell_begin();
        begin_count_ = arrived_;
        begin_ = steady::now();
        return true;
    }
    const std::chrono::duration<double> passed = now - begin_;
    if (passed.count() < seconds_)
        return true;
    std::printf("done %llu %.9f\n", static_cast<unsigned long long>(arrived_ - begin_count_),
                passed.count());
    std::fflush(stdout);
    return false;
}

round_trip_meter::round_trip_meter(double seconds)
    : seconds_(seconds), warm_at_(steady::now() + in_clock(warm_up_of(seconds)))
{
    nanoseconds_.reserve(static_cast<std::size_t>(seconds * 200'000) + 1);
}

bool round_trip_meter::measure(steady::time_point now)
{
    if (!warm_) {
        warm_ = true;
        tell_begin();
        end_ = steady::now() + in_clock(seconds_);
        asked_ = steady::now();
        return true;
    }
    const auto passed = std::chrono::duration_cast<std::chrono::nanoseconds>(now - asked_).count();
    nanoseconds_.push_back(static_cast<std::uint32_t>(std::min<std::int64_t>(passed, UINT32_MAX)));
    asked_ = now;
    if (now < end_)
        return true;
    report();
    return false;
}

/// One way is half of a round trip.
void round_trip_meter::report()
{
    std::ranges::sort(nanoseconds_);
    const auto one_way = [&](double share) {
        const auto last = static_cast<double>(nanoseconds_.size() - 1);
        return nanoseconds_[static_cast<std::size_t>(last * share)] / 2e9;
    };
    std::printf("done %zu %.10f %.10f %.10f\n", nanoseconds_.size(), one_way(0.5), one_way(0.99),
                one_way(0.999));
    std::fflush(stdout);
}

} // namespace bench
