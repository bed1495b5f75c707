// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_OS_WAKE_SIGNAL_HPP
#define SLK_IO_OS_WAKE_SIGNAL_HPP

/// Ends a wait in select() from another thread, by a handle that becomes readable.
///
/// On POSIX a pipe. On Windows select() takes only sockets, so it is a UDP socket on the loopback
/// that is connected to itself: the system drops the datagrams of all others. The contract's rule
/// 13 names it as the exception.

#include <serverlink/result.hpp>

#include "io/socket_table.hpp"

#include <atomic>

namespace slk::io::os {

class wake_signal {
public:
    wake_signal() noexcept = default;
    ~wake_signal() { close(); }
    wake_signal(const wake_signal&) = delete;
    wake_signal& operator=(const wake_signal&) = delete;

    [[nodiscard]] result<void> open();
    void close() noexcept;

    /// Any thread. Of many calls before clear(), one makes a system call.
    void set() noexcept
    {
        // A caller that finds the flag set relies on the caller that set it: the loop clears the
        // flag only after it has seen that write, and before its owner looks for work. After a
        // write that failed the next caller tries again.
        if (!set_.exchange(true, std::memory_order_acq_rel) && !write_byte())
            set_.store(false, std::memory_order_release);
    }

    /// The handle that select() watches.
    [[nodiscard]] native_handle handle() const noexcept { return read_end_; }

    /// For the loop, when the handle is readable. The data is taken before the flag is cleared. In
    /// the other order a set() in between would be taken too, and the flag would suppress all later
    /// ones.
    void clear() noexcept
    {
        drain();
        (void)set_.exchange(false, std::memory_order_acq_rel);
    }

private:
    [[nodiscard]] bool write_byte() noexcept;
    void drain() noexcept;

    native_handle read_end_ = invalid_handle;
    native_handle write_end_ = invalid_handle; ///< the same one on Windows
    std::atomic<bool> set_{false};
};

} // namespace slk::io::os

#endif
