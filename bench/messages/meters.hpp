// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_MESSAGES_METERS_HPP
#define BENCH_MESSAGES_METERS_HPP

/// The meters of the measuring side. They warm up from the first message on, measure for the time
/// that was asked for, and report on standard output when the measurement begins and ends. The
/// work for each message is inline and cheap beside the message.

#include "tools/support/statistics.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace bench {

using steady = std::chrono::steady_clock;

/// A quarter of the measured time.
double warm_up_of(double seconds);

class stream_meter {
public:
    stream_meter(std::size_t size, double seconds);

    /// `messages` more have arrived. False: the measurement has ended.
    bool add(std::uint64_t messages)
    {
        arrived_ += messages;
        return arrived_ < next_check_ || check_clock();
    }

private:
    bool check_clock();

    std::uint64_t arrived_ = 0;
    std::uint64_t next_check_ = 1; ///< of the clock, when this number has arrived
    std::uint64_t stride_;
    double seconds_;
    bool warm_ = false;
    steady::time_point warm_at_ = steady::time_point::max();
    std::uint64_t begin_count_ = 0;
    steady::time_point begin_{};
};

class round_trip_meter {
public:
    explicit round_trip_meter(double seconds);

    /// A reply has arrived, and the next request is sent now. False: the measurement has ended.
    bool add()
    {
        const steady::time_point now = steady::now();
        if (now < warm_at_) {
            sent_ = now;
            return true;
        }
        return measure(now);
    }

private:
    bool measure(steady::time_point now);
    void report() const;

    double seconds_;
    bool warm_ = false;
    steady::time_point sent_{};
    steady::time_point warm_at_;
    steady::time_point end_{};
    slk::tool::histogram round_trips_;
};

} // namespace bench

#endif
