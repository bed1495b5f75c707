// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_MESSAGES_METERS_HPP
#define BENCH_MESSAGES_METERS_HPP

/// What the measuring side counts with: it warms up from the first message on, measures for the
/// time that was asked for, and tells on standard output when both begin and end. What is done for
/// each message is inline and cheap beside it.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bench {

using steady = std::chrono::steady_clock;

/// A quarter of the measured time.
double warm_up_of(double seconds);

class stream_meter {
public:
    stream_meter(std::size_t size, double seconds);

    /// So many messages have arrived. False: it is over.
    bool add(std::uint64_t messages)
    {
        arrived_ += messages;
        return arrived_ < next_look_ || look();
    }

private:
    bool look();

    std::uint64_t arrived_ = 0;
    std::uint64_t next_look_ = 1; ///< at the clock, when so many have arrived
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

    /// An answer has arrived, and the next question begins now. False: it is over.
    bool add()
    {
        const steady::time_point now = steady::now();
        if (now < warm_at_) {
            asked_ = now;
            return true;
        }
        return measure(now);
    }

private:
    bool measure(steady::time_point now);
    void report();

    double seconds_;
    bool warm_ = false;
    steady::time_point asked_{};
    steady::time_point warm_at_;
    steady::time_point end_{};
    std::vector<std::uint32_t> nanoseconds_;
};

} // namespace bench

#endif
