// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_PIPE_PEER_COUNT_HPP
#define SLK_MESSAGING_PIPE_PEER_COUNT_HPP

/// The number of peers of a bound endpoint that hold memory: connected ones, and those that have
/// left something to be received, or have taken over the place of another peer. A connection that
/// ends and has left nothing gives its count back; otherwise it is the pipe's.

#include "base/ref_counted.hpp"

#include <atomic>
#include <cstdint>

namespace slk::messaging {

struct peer_count final : ref_counted<peer_count> {
    /// Grows on the loop's thread only; a pipe may end on any thread.
    std::atomic<std::uint32_t> value{0};
};

} // namespace slk::messaging

#endif
