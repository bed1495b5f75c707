// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_PIPE_PEER_COUNT_HPP
#define SLK_MESSAGING_PIPE_PEER_COUNT_HPP

/// The number of pipes that the peers of a bound endpoint have: those of connected peers, and of
/// peers that have left something to be received.

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
