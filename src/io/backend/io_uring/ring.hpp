// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_IO_URING_RING_HPP
#define SLK_IO_BACKEND_IO_URING_RING_HPP

/// The two queues that are shared with the kernel, and the system call that moves them.

#include <serverlink/result.hpp>

#include <cstdint>

#include <liburing.h>

namespace slk::io::uring {

class ring {
public:
    ring() = default;
    ~ring();
    ring(const ring&) = delete;
    ring& operator=(const ring&) = delete;

    /// Sets the queues up and checks that the kernel supports everything that the backend uses.
    [[nodiscard]] result<void> start() noexcept;
    /// Ends the queues; the kernel drops its requests. Afterwards there is nothing to prepare or
    /// take.
    void end() noexcept;

    /// While calls are interrupted: makes a prepared submission that the kernel has not taken do
    /// nothing, with another key. Returns false if there is none with this key.
    [[nodiscard]] bool withdraw(std::uint64_t key, std::uint64_t replacement) noexcept;

    /// Returns a cleared submission to fill in, or null when the queue is full and the kernel takes
    /// nothing from it at the moment.
    [[nodiscard]] io_uring_sqe* next() noexcept;
    /// The number of submissions that the kernel has not taken yet. It copies those that it takes.
    [[nodiscard]] unsigned prepared() const noexcept;

    [[nodiscard]] int descriptor() const noexcept { return started_ ? ring_.ring_fd : -1; }
    /// Returns true if completions can be taken without a call.
    [[nodiscard]] bool ready() const noexcept { return started_ && io_uring_cq_ready(&ring_) != 0; }
    /// Returns true if there are submissions, or the kernel holds completions back until it is
    /// called.
    [[nodiscard]] bool must_enter() const noexcept;

    /// Submits all prepared requests and waits for `at_least` completions, but not longer than
    /// `timeout` (null: for ever). Negative: an errno, -ETIME when the time has passed.
    int enter(unsigned at_least, __kernel_timespec* timeout) noexcept;
    /// Waits without submitting.
    int only_wait(unsigned at_least, __kernel_timespec* timeout) noexcept;

    /// Calls visit(completion) for the completions that are there now, not for later ones. Returns
    /// their number.
    template <class Visit>
    unsigned take(Visit&& visit)
    {
        const unsigned all = started_ ? io_uring_cq_ready(&ring_) : 0;
        for (unsigned count = all; count != 0; --count) {
            const unsigned head = *ring_.cq.khead;
            const io_uring_cqe completion = ring_.cq.cqes[head & *ring_.cq.kring_mask];
            io_uring_smp_store_release(ring_.cq.khead, head + 1);
            visit(completion.user_data, completion.res, completion.flags);
        }
        return all;
    }

private:
    [[nodiscard]] int set_up() noexcept;
    [[nodiscard]] result<void> probe() noexcept;
    int call(unsigned submissions, unsigned at_least, __kernel_timespec* timeout) noexcept;
    void advance_tail() noexcept;

    ::io_uring ring_{};
    bool started_ = false;
    bool interrupted_ = false; ///< the last call that was to submit
};

} // namespace slk::io::uring

#endif
