// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_SIM_EVENT_QUEUE_HPP
#define SLK_IO_BACKEND_SIM_EVENT_QUEUE_HPP

/// The planned events of a simulated network, ordered by time, and equal times by the order of
/// planning. Nothing depends on an address in memory or on a hash table's order.

#include <serverlink/clock.hpp>

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

namespace slk::io::sim {

enum class event_kind : std::uint8_t {
    turn,            ///< subject: poller
    syn,             ///< subject: the connecting socket; arrives at the other host
    syn_again,       ///< subject: a connecting or half-open socket; no answer yet
    syn_answer,      ///< subject: the connecting socket; detail: the half-open one; arrives back
    no_connection,   ///< subject: the connecting socket; detail: errc
    segment,         ///< detail: packet; arrives
    window,          ///< subject: the sending socket; the peer has read
    resend,          ///< subject: the sending socket; its path may be open again
    give_up,         ///< subject: the sending socket; detail: which stall
    keep_alive,      ///< subject: socket; detail: which of its timers
    broken,          ///< subject: socket; it has failed while it was served
    accept,          ///< subject: listening socket; its host takes the next connection
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

    /// Each poller has at most one planned turn: an earlier one replaces it. Turns are kept apart,
    /// because a loop with a far timer plans one with each turn.
    void plan_turn(std::uint32_t poller, time_point at)
    {
        if (poller >= planned_.size())
            planned_.resize(poller + 1, nowhere);
        if (planned_[poller].first <= at)
            return;
        drop_turn(poller);
        planned_[poller] = {at, next_order_++};
        turns_.insert({planned_[poller], poller});
    }

    void drop_turn(std::uint32_t poller)
    {
        if (poller < planned_.size())
            turns_.erase({std::exchange(planned_[poller], nowhere), poller});
    }

    /// slk::never if none is planned.
    [[nodiscard]] time_point turn_of(std::uint32_t poller) const noexcept
    {
        return poller < planned_.size() ? planned_[poller].first : never;
    }

    /// The queue is not empty.
    event pop()
    {
        if (turn_is_next()) {
            const auto [when, poller] = *turns_.begin();
            drop_turn(poller);
            return {when.first, when.second, poller, 0, 0, event_kind::turn};
        }
        std::pop_heap(heap_.begin(), heap_.end(), later);
        const event next = heap_.back();
        heap_.pop_back();
        return next;
    }

    /// slk::never when empty.
    [[nodiscard]] time_point next_at() const noexcept
    {
        if (turn_is_next())
            return turns_.begin()->first.first;
        return heap_.empty() ? never : heap_.front().at;
    }
    [[nodiscard]] std::size_t size() const noexcept { return heap_.size() + turns_.size(); }

private:
    using moment = std::pair<time_point, std::uint64_t>; ///< and the order of planning
    static constexpr moment nowhere{never, 0};

    static bool later(const event& a, const event& b) noexcept
    {
        return a.at != b.at ? a.at > b.at : a.order > b.order;
    }

    [[nodiscard]] bool turn_is_next() const noexcept
    {
        if (turns_.empty() || heap_.empty())
            return !turns_.empty();
        return turns_.begin()->first < moment{heap_.front().at, heap_.front().order};
    }

    std::vector<event> heap_;
    std::set<std::pair<moment, std::uint32_t>> turns_;
    std::vector<moment> planned_; ///< by poller
    std::uint64_t next_order_ = 0;
};

} // namespace slk::io::sim

#endif
