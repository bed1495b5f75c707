// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_TIMER_HPP
#define SLK_IO_TIMER_HPP

/// Timers: one deadline each, embedded in their owner, kept in a pairing heap.
///
/// The heap (Fredman, Sedgewick, Sleator, Tarjan: "The pairing heap", 1986) is intrusive, so
/// arming allocates nothing: arm is O(1), disarm and fire are O(log n) amortised. Timers with
/// equal deadlines fire in the order in which they were armed.

#include <serverlink/clock.hpp>

#include "io/os/forks.hpp"

#include <cstddef>
#include <cstdint>

namespace slk::io {

class timer {
public:
    using expiry = void (*)(timer& self) noexcept;

    timer() = default;
    timer(const timer&) = delete;
    timer& operator=(const timer&) = delete;

    [[nodiscard]] bool armed() const noexcept { return armed_; }
    [[nodiscard]] time_point deadline() const noexcept { return deadline_; }

    /// The owner's callback and its argument. on_expiry is called from inside poller::turn; the
    /// timer is not armed by then, and may be armed again or destroyed.
    expiry on_expiry = nullptr;
    void* owner = nullptr;

private:
    friend class timer_queue;

    time_point deadline_{};
    std::uint64_t order_ = 0;
    timer* child_ = nullptr;
    timer* sibling_ = nullptr;
    timer* back_ = nullptr; ///< the previous sibling, or the parent of a first child
    bool armed_ = false;
};

class timer_queue {
public:
    /// Arms or re-arms. A deadline of slk::never disarms.
    void arm(timer& entry, time_point deadline) noexcept;
    /// Afterwards the timer does not fire, even if it was already due. Does nothing if it is not
    /// armed.
    void disarm(timer& entry) noexcept;

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Returns slk::never when the queue is empty.
    [[nodiscard]] time_point next_deadline() const noexcept;

    /// Fires the timers that are due at `now`, but none that was armed after this call began: a
    /// timer that re-arms itself without a delay waits for the next turn and cannot starve the
    /// sockets.
    std::size_t fire_due(time_point now) noexcept;
    void disarm_all() noexcept;

private:
    static bool before(const timer& a, const timer& b) noexcept;
    static timer* meld(timer* a, timer* b) noexcept;
    static timer* meld_siblings(timer* first) noexcept;
    [[nodiscard]] timer*& heap_of(const timer& entry) noexcept
    {
        return entry.order_ < waiting_from_ ? root_ : waiting_;
    }
    void remove(timer& entry) noexcept;

    timer* root_ = nullptr;
    /// A second heap, of the timers that are armed while fire_due runs: those whose order is not
    /// below waiting_from_. In the first heap a timer that is armed again and again for a time in
    /// the past would stay before all others for ever.
    timer* waiting_ = nullptr;
    std::uint64_t waiting_from_ = UINT64_MAX;
    std::size_t size_ = 0;
    std::uint64_t next_order_ = 0;
    const os::fork_watch process_;
};

} // namespace slk::io

#endif
