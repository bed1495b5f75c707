// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_MESSAGES_WORK_HPP
#define BENCH_MESSAGES_WORK_HPP

/// The works that are measured.

#include <cstddef>
#include <span>
#include <string_view>

namespace bench {

enum class pattern {
    stream,     ///< one side sends, the other one receives
    round_trip, ///< one side sends a request and waits for the reply, one at a time
    fan_out,    ///< one side publishes, and several sockets of the other one receive all of it
};

/// "a stream".
std::string_view name_of(pattern kind);

enum class transport { tcp, ipc, inproc };

struct work {
    std::string_view name;
    std::string_view title;
    pattern kind;
    transport over;
    std::size_t size; ///< bytes of a message
    /// The ratio that serverlink should reach, for the chart, and in words; 0 and empty: none.
    double target_to_libzmq = 0;
    std::string_view target{};
    std::size_t subscribers = 0; ///< of a fan_out
};

std::span<const work> all_works();
const work* find_work(std::string_view name);

} // namespace bench

#endif
