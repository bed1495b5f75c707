// SPDX-License-Identifier: MPL-2.0
#include "meters.hpp"

#include <algorithm>
#include <cstdio>

namespace bench {

namespace {

steady::duration to_clock(double seconds)
{
    return std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(seconds));
}

void report_begin()
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

bool stream_meter::check_clock()
{
    const steady::time_point now = steady::now();
    next_check_ = arrived_ + stride_;
    if (!warm_) {
        if (warm_at_ == steady::time_point::max())
            warm_at_ = now + to_clock(warm_up_of(seconds_));
        if (now < warm_at_)
            return true;
        warm_ = true;
        report_begin();
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
    : seconds_(seconds), warm_at_(steady::now() + to_clock(warm_up_of(seconds)))
{
}

bool round_trip_meter::measure(steady::time_point now)
{
    if (!warm_) {
        warm_ = true;
        report_begin();
        end_ = steady::now() + to_clock(seconds_);
        sent_ = steady::now();
        return true;
    }
    round_trips_.add(std::chrono::duration_cast<slk::duration>(now - sent_));
    sent_ = now;
    if (now < end_)
        return true;
    report();
    return false;
}

/// One way is half of a round trip.
void round_trip_meter::report() const
{
    const auto one_way = [&](double share) { return round_trips_.quantile(share) / 2e9; };
    std::printf("done %llu %.10f %.10f %.10f\n",
                static_cast<unsigned long long>(round_trips_.count()), one_way(0.5), one_way(0.99),
                one_way(0.999));
    std::fflush(stdout);
}

} // namespace bench
