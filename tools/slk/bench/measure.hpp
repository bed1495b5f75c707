// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_BENCH_MEASURE_HPP
#define SLK_TOOL_BENCH_MEASURE_HPP

/// The side that requests works, and measures them by its own clock.

#include "bench/conversation.hpp"
#include "bench/meters.hpp"

#include <functional>
#include <optional>

namespace slk::tool::bench {

struct measured {
    work done;
    std::uint64_t messages = 0; ///< or round trips, after the warm-up
    spread per_second; ///< of the slices
    /// Nanoseconds for each message, or round trip, of both sides. Nothing if one side does not
    /// know it.
    std::optional<double> processor;
    histogram round_trips; ///< empty for a stream
};

struct measure_options {
    duration measured{}; ///< after the warm-up
    bool one_process = false; ///< the processor time of this process is that of both sides
    /// Called with the number of slices that have ended.
    std::function<void(std::size_t)> progress;
};

/// Exchanges hello. Returns the facts of the other side.
result<side_facts> greet(conversation& with, const side_facts& self);
result<measured> measure_work(conversation& with, const work& asked, const measure_options& how);
/// Ends the conversation.
result<void> say_bye(conversation& with);

} // namespace slk::tool::bench

#endif
