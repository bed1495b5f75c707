// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_BENCH_PROCESSOR_TIME_HPP
#define SLK_TOOL_BENCH_PROCESSOR_TIME_HPP

#include <serverlink/clock.hpp>

#include <optional>

namespace slk::tool::bench {

/// What all threads of this process have used so far. Nothing if the system does not tell.
[[nodiscard]] std::optional<duration> processor_time();

} // namespace slk::tool::bench

#endif
