// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_OS_SIGNAL_HPP
#define SLK_IO_OS_SIGNAL_HPP

/// A signal that other event loops can wait for, level-triggered: a descriptor that becomes
/// readable, or on Windows an event object (CreateEvent) or a socket; and waiting for several
/// descriptors.

#include <serverlink/clock.hpp>
#include <serverlink/result.hpp>

#include "io/socket_table.hpp"

#include <atomic>
#include <memory>
#include <span>

namespace slk::io::os {

class signal {
public:
    /// `as_socket`: on Windows a socket, for select(), and no event object.
    [[nodiscard]] static result<std::unique_ptr<signal>> create(bool as_socket = false);
    signal(const signal&) = delete;
    signal& operator=(const signal&) = delete;
    ~signal();

    /// For poll(2) and its like, or WaitForMultipleObjects.
    [[nodiscard]] native_handle handle() const noexcept { return waits_; }
    /// Any thread. Cheap if it is set already.
    void set() noexcept
    {
        // After a failure the next call tries again.
        if (!set_.exchange(true, std::memory_order_seq_cst) && !raise())
            set_.store(false, std::memory_order_seq_cst);
    }
    /// A caller that clears it must check afterwards whether to call set_anew(): what a concurrent
    /// set() has written may have been taken.
    void clear() noexcept
    {
        if (set_.exchange(false, std::memory_order_seq_cst))
            lower();
    }

    /// Sets it also if it seems to be set.
    void set_anew() noexcept { set_.store(raise(), std::memory_order_seq_cst); }

private:
    signal() = default;
    [[nodiscard]] bool raise() noexcept;
    void lower() noexcept;

    native_handle waits_ = invalid_handle;
    native_handle raises_ = invalid_handle;
    std::atomic<bool> set_{false};
};

/// A descriptor of the user.
struct watched {
    native_handle handle = invalid_handle;
    bool for_reading = false;
    bool for_writing = false;
    bool for_failure = false;
    bool for_urgent = false; ///< data out of band
    /// One alone does not mean another: not readable because it has failed. A closed descriptor is
    /// one that has failed, where the system can tell which one that is.
    bool apart = false;
    bool readable = false; ///< or at its end, or failed
    bool writable = false;
    bool failed = false; ///< or the other end is closed
    bool urgent = false;
};

/// Waits until at least one of them is ready, and returns their number. 0: the time is over, or a
/// signal has interrupted: then `interrupted` is set, unless it is null. One that is watched for
/// nothing is left out. On Windows they are sockets. Errors: invalid_argument (not a descriptor),
/// out_of_memory.
[[nodiscard]] result<std::size_t> wait_for(std::span<watched> all, duration timeout,
                                           bool* interrupted = nullptr);
/// Waits until the socket can be written to, or has failed. False: the time is over, or a signal
/// has interrupted. Errors: as wait_for(). Allocates nothing.
[[nodiscard]] result<bool> wait_until_writable(native_handle socket, duration timeout) noexcept;

} // namespace slk::io::os

#endif
