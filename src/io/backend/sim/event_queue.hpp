// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_SIM_EVENT_QUEUE_HPP
#define SLK_IO_BACKEND_SIM_EVENT_QUEUE_HPP

/// What is going to happen in a simulated network, in order: by time, and among equal times in
/// the order of planning. Nothing depends on an address in memory or on a hash table's order.

#include <serverlink/clock.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace slk::io::sim {

enum class event_kind : std::uint8_t {
    turn,            ///< subject: poller; detail: the plan's number
    syn,             ///< subject: the connecting socket; arrives at the other host
    syn_again,       ///< subject: a connecting or half-open socket; no answer yet
    syn_answer,      ///< subject: the connecting socket; detail: the half-open one; arrives back
    no_connection,   ///< subject: the connecting socket; detail: errc
    segment,         ///< detail: packet; arrives
    window,          ///< subject: the sending socket; the peer has read
    resend,          ///< subject: the sending socket; its path may be open again
    give_up,         ///< subject: the sending socket; detail: which stall
    keep_alive,      ///< subject: socket; detail: which stall
    accept,          ///< subject: listening socket; its host takes the next connection
    look,            ///< subject: socket; its owner shall look at it again
    gone,            ///< subject: a waiting socket whose client resets
    completion,      ///< detail: a late completion or cancel
    name,            ///< detail: question; the answer arrives
    call,            ///< detail: a function of the user
};

struct event {
    time_point at;
    std::uint64_t order;
    std::uint32_t subject;
    std::uint32_t generation;
    std::uint32_t detail;
    event_kind kind;
};

class event_queue {
public:
    void push(time_point at, event_kind kind, std::uint32_t subject, std::uint32_t generation,
              std::uint32_t detail)
    {
        heap_.push_back({at, next_order_++, subject, generation, detail, kind});
        std::push_heap(heap_.begin(), heap_.end(), later);
    }

    event pop()
    {
        std::pop_heap(heap_.begin(), heap_.end(), later);
        const event next = heap_.back();
        heap_.pop_back();
        return next;
    }

    [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
    /// slk::never when empty.
    [[nodiscard]] time_point next_at() const noexcept
    {
        return heap_.empty() ? never : heap_.front().at;
    }

private:
    static bool later(const event& a, const event& b) noexcept
    {
        return a.at != b.at ? a.at > b.at : a.order > b.order;
    }

    std::vector<event> heap_;
    std::uint64_t next_order_ = 0;
};

} // namespace slk::io::sim

#endif
