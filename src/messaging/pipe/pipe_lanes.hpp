// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_PIPE_PIPE_LANES_HPP
#define SLK_MESSAGING_PIPE_PIPE_LANES_HPP

/// What the two ends of a pipe share.

#include "base/ref_counted.hpp"
#include "base/reference.hpp"
#include "lane/lane.hpp"
#include "messaging/pipe/latest_slot.hpp"

#include <atomic>
#include <cstdint>
#include <memory>

namespace slk::messaging {

/// High-water marks of one direction; 0: no limit.
struct high_water {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
};

/// The two lanes. `toward[0]` leads away from the end that has made them. They live as long as one
/// of the ends.
struct pipe_lanes final : ref_counted<pipe_lanes> {
    /// Null when memory is exhausted. `conflates`: with slots from the beginning.
    [[nodiscard]] static reference<pipe_lanes> create(lane::chunk_pools& pools, bool conflates);

    lane::lane toward[2];
    /// The receiving socket's marks. A connection reads them before it receives more.
    std::atomic<std::uint32_t> receive_mark{0};
    std::atomic<std::uint64_t> receive_bytes{0};
    /// Messages that the system took on connections that have ended, and that the peer has not
    /// shown to have read. Any thread.
    std::atomic<std::uint64_t> unconfirmed{0};
    /// Messages that the peer has refused. They count as taken from the lane. Any thread.
    std::atomic<std::uint64_t> refused{0};
    /// Conflating sockets only: messages go through these, and the reader of each direction writes
    /// to its lane itself. With inproc they may come later than the first message.
    std::unique_ptr<latest_slots> latest{};
};

} // namespace slk::messaging

#endif
