// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_EVENTFD_WAKE_EVENT_HPP
#define SLK_IO_BACKEND_EVENTFD_WAKE_EVENT_HPP

/// Ends a wait of epoll or io_uring from another thread, by an eventfd (Linux) that the wait is
/// notified of each write to. So it is never read.

#include <serverlink/result.hpp>

#include <atomic>

namespace slk::io {

class wake_event {
public:
    wake_event() noexcept = default;
    ~wake_event() { close(); }
    wake_event(const wake_event&) = delete;
    wake_event& operator=(const wake_event&) = delete;

    [[nodiscard]] result<void> open();
    void close() noexcept;
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

    /// Any thread. Of many calls before seen(), one makes a system call.
    void set() noexcept
    {
        // A caller that finds the flag set relies on the caller that set it: the loop clears the
        // flag only after it has seen that write, and before its owner looks for work. After a
        // write that failed the next caller tries again.
        if (!set_.exchange(true, std::memory_order_acq_rel) && !write())
            set_.store(false, std::memory_order_release);
    }
    /// For the loop, when it was notified of a write.
    void seen() noexcept { (void)set_.exchange(false, std::memory_order_acq_rel); }

private:
    [[nodiscard]] bool write() noexcept;

    int descriptor_ = -1;
    std::atomic<bool> set_{false};
};

} // namespace slk::io

#endif
