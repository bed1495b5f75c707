// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_PIPE_PIPE_LANES_HPP
#define SLK_MESSAGING_PIPE_PIPE_LANES_HPP

/// What the two ends of a pipe share.

#include "base/ref_counted.hpp"
#include "base/reference.hpp"
#include "lane/lane.hpp"
#include "lane/run_queue.hpp"
#include "messaging/pipe/latest_slot.hpp"
#include "zmtp/socket_type.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>

namespace slk::messaging {

/// High-water marks of one direction; 0: no limit.
struct high_water {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
};

/// inproc: a mark of the other socket that adds no room to this one's.
inline constexpr std::uint32_t adds_nothing = UINT32_MAX;

class far_end;

/// Lanes of a pipe, one bit each.
using lane_set = std::uint8_t;

/// The lanes in which a conflating pipe replaces messages, where a socket of this type has made it:
/// subscriptions are never replaced.
[[nodiscard]] constexpr lane_set conflated_lanes(zmtp::socket_type near) noexcept
{
    switch (near) {
    case zmtp::socket_type::pub:
    case zmtp::socket_type::xpub: return 1;
    case zmtp::socket_type::sub:
    case zmtp::socket_type::xsub: return 2;
    case zmtp::socket_type::pair:
    case zmtp::socket_type::req:
    case zmtp::socket_type::rep:
    case zmtp::socket_type::dealer:
    case zmtp::socket_type::router:
    case zmtp::socket_type::pull:
    case zmtp::socket_type::push:
    case zmtp::socket_type::stream: break;
    }
    return 3;
}

/// A mark that is used up.
inline constexpr std::uint32_t no_room = UINT32_MAX;

/// What is left of a mark when this number is unread elsewhere. 0 stays: no limit.
[[nodiscard]] constexpr std::uint32_t left_of_mark(std::uint64_t mark,
                                                   std::uint64_t unread) noexcept
{
    if (mark != 0 && unread >= mark)
        return no_room;
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(mark == 0 ? 0 : mark - unread, no_room - 1));
}

/// The two lanes. `toward[0]` leads away from the end that has made them. They live as long as one
/// of the ends.
struct pipe_lanes final : ref_counted<pipe_lanes> {
    /// Null when memory is exhausted. `conflates`: with slots from the beginning. `shares`: with a
    /// queue of messages that go to several peers. `conflated`: the lanes that slots are for.
    [[nodiscard]] static reference<pipe_lanes> create(lane::chunk_pools& pools, bool conflates,
                                                      bool shares = false, lane_set conflated = 3);

    // Before the lanes, which have cache lines of their own, there is room.
    /// Messages that the connection had published when it last paused for want of room, or ended.
    std::atomic<std::uint64_t> published_at_pause{0};
    /// Publishers only, and not with inproc: messages of toward[1] that the connections had
    /// published when the last one ended. What follows is of the next connection.
    std::atomic<std::uint64_t> published_at_end{0};
    /// Where peers are recognised: the connection has paused, and has received nothing since.
    std::atomic<bool> has_paused{false};
    /// inproc only: the ends that neither read nor write any more; bit 0 is the end that has made
    /// the lanes. One word, so that of two ends that are over at the same time one is the last.
    std::atomic<std::uint8_t> ended{0};
    /// The lanes that conflate if there are slots.
    lane_set conflated = 0;
    /// inproc only: the pipe that has taken the place of the one at the end that is bound.
    std::atomic<far_end*> next_far{nullptr};
    /// Bytes of all connections of the pipe. Not with inproc.
    byte_counters bytes;
    /// When the last PING or PONG arrived, in milliseconds since the epoch; 0: none. Not with
    /// inproc.
    std::atomic<std::uint64_t> last_heartbeat{0};
    lane::lane toward[2];
    /// The receiving socket's marks, less what earlier connections of the peer have left unread. A
    /// connection reads them before it receives more.
    std::atomic<std::uint32_t> receive_mark{0};
    std::atomic<std::uint64_t> receive_bytes{0};
    /// Messages that the system took on connections that have ended, and that the peer has not
    /// shown to have read. Any thread.
    std::atomic<std::uint64_t> unconfirmed{0};
    /// Messages that the peer has refused. They count as taken from the lane. Any thread.
    std::atomic<std::uint64_t> refused{0};
    /// Streams in a row that the peer has ended in the message behind so many others. They follow
    /// the message when it goes to another pipe.
    /// The position is in the lower bits, so that the two are read and written as one.
    std::atomic<std::uint64_t> suspect{0};
    static constexpr unsigned position_bits = 56;

    /// The streams that the peer has ended in the message behind `taken` others.
    [[nodiscard]] std::uint8_t ends_in_message(std::uint64_t taken) const noexcept
    {
        const std::uint64_t known = suspect.load(std::memory_order_relaxed);
        const bool same = ((known ^ taken) << (64 - position_bits)) == 0;
        return same ? static_cast<std::uint8_t>(known >> position_bits) : std::uint8_t{0};
    }
    void set_ends_in_message(std::uint64_t taken, std::uint8_t ends) noexcept
    {
        const std::uint64_t position = taken & ((std::uint64_t{1} << position_bits) - 1);
        suspect.store(std::uint64_t{ends} << position_bits | position, std::memory_order_relaxed);
    }
    /// Conflating sockets only: messages go through these, and the reader of each direction writes
    /// to its lane itself. With inproc they may come later than the first message.
    std::unique_ptr<latest_slots> latest{};
    /// Publishers only, and not with inproc: messages go through this queue instead of toward[0],
    /// which counts them.
    std::unique_ptr<lane::run_queue> shared{};

    /// Messages of toward[1] that nobody has received: they were thrown away, or subscriptions. Not
    /// with inproc.
    counter discarded;

    /// Any thread: what has gone through toward[0].
    [[nodiscard]] message_counts sent() noexcept
    {
        if (latest_slot* const slot = slot_of(0); slot != nullptr)
            return slot->counts(toward[0]);
        // In this order: what is taken was written before.
        const std::uint64_t taken = toward[0].consumed_by_now();
        return {.written = toward[0].produced(), .taken = taken};
    }

    /// The slot of that lane, or null.
    [[nodiscard]] latest_slot* slot_of(std::size_t lane) const noexcept
    {
        return latest != nullptr && (conflated >> lane & 1) != 0 ? &latest->toward[lane] : nullptr;
    }

    /// Any thread: messages that were unread at the last pause, or the end, and still are.
    [[nodiscard]] std::uint64_t unread_since_pause() const noexcept
    {
        const std::uint64_t published = published_at_pause.load(std::memory_order_acquire);
        const std::uint64_t consumed = toward[1].consumed_by_now();
        return published > consumed ? published - consumed : 0;
    }
};

} // namespace slk::messaging

#endif
