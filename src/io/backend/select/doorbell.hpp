// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_SELECT_DOORBELL_HPP
#define SLK_IO_BACKEND_SELECT_DOORBELL_HPP

/// Ends a wait in select() from another thread: something that becomes readable.
///
/// On POSIX a pipe. On Windows select() takes only sockets, so there it is a UDP socket on the
/// loopback that is connected to itself: the system drops the datagrams of everybody else, and
/// nobody can connect to it. The contract's rule 13 names it as the exception.

#include <serverlink/result.hpp>

#include "io/socket_table.hpp"

#include <atomic>

namespace slk::io::select {

class doorbell {
public:
    doorbell() noexcept = default;
    ~doorbell();
    doorbell(const doorbell&) = delete;
    doorbell& operator=(const doorbell&) = delete;

    [[nodiscard]] result<void> open();

    /// Any thread. Of many calls before silence(), one makes a system call.
    void ring() noexcept
    {
        // Whoever finds the flag set relies on the one who set it: the loop clears it only after
        // it has seen that ring, and before its owner looks at what the ring was for.
        if (!rung_.exchange(true, std::memory_order_acq_rel))
            signal();
    }

    /// What select() has to watch, and what becomes readable.
    [[nodiscard]] native_handle handle() const noexcept { return listens_; }

    /// The loop's, when the handle is readable. First the signal is taken and then the flag is
    /// cleared: the other way round, a ring in between would be taken along, and the flag would
    /// keep all later ones quiet.
    void silence() noexcept
    {
        drain();
        (void)rung_.exchange(false, std::memory_order_acq_rel);
    }

private:
    void signal() noexcept;
    void drain() noexcept;

    native_handle listens_ = invalid_handle;
    native_handle rings_ = invalid_handle; ///< the same one on Windows
    std::atomic<bool> rung_{false};
};

} // namespace slk::io::select

#endif
