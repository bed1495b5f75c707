// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_BENCH_SERVE_HPP
#define SLK_TOOL_BENCH_SERVE_HPP

/// The side that does what it is asked for: it sends streams, and answers in round trips.

#include "bench/conversation.hpp"

#include <functional>

namespace slk::tool::bench {

/// Waits for the other side, and serves it until it has had enough: how many works that were.
/// `met` is told who it is.
result<std::uint64_t> serve(conversation& with, const side_facts& self,
                            const std::function<void(const side_facts&)>& met);

} // namespace slk::tool::bench

#endif
