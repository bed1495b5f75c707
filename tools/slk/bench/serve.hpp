// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_BENCH_SERVE_HPP
#define SLK_TOOL_BENCH_SERVE_HPP

/// The serving side: it sends the streams, and replies in round trips.

#include "bench/conversation.hpp"

#include <functional>

namespace slk::tool::bench {

/// Waits for the other side, and serves it until it ends the conversation. Returns the number of
/// works. `met` is called with the facts of the other side.
result<std::uint64_t> serve(conversation& with, const side_facts& self,
                            const std::function<void(const side_facts&)>& met);

} // namespace slk::tool::bench

#endif
