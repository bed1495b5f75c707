// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_BENCH_MEASURE_HPP
#define SLK_TOOL_BENCH_MEASURE_HPP

/// The side that asks for work, and measures it by its own clock.

#include "bench/conversation.hpp"
#include "bench/meters.hpp"

#include <functional>
#include <optional>

namespace slk::tool::bench {

struct measured {
    work done;
    std::uint64_t messages = 0; ///< or round trips, after the warm-up
    spread per_second; ///< of the slices
    /// Nanoseconds for each message, or round trip, of both sides. Nothing if one does not tell.
    std::optional<double> processor;
    histogram round_trips; ///< of a stream: empty
};

struct measure_options {
    duration measured{}; ///< after the warm-up
    bool one_process = false; ///< the processor time of this process is that of both sides
    /// Hears how many slices are over.
    std::function<void(std::size_t)> progress;
};

/// Who is there.
result<side_facts> greet(conversation& with, const side_facts& self);
result<measured> measure(conversation& with, const work& wanted, const measure_options& how);
/// That was all.
result<void> part(conversation& with);

} // namespace slk::tool::bench

#endif
