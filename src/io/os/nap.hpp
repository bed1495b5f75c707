// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_OS_NAP_HPP
#define SLK_IO_OS_NAP_HPP

/// A sleep that ends when a handler of a signal has run on the thread. A condition variable goes on
/// sleeping (POSIX, pthread_cond_wait).

#include <serverlink/clock.hpp>

#include "io/os/signal.hpp"

#include <atomic>
#include <cstdint>
#include <memory>

namespace slk::io::os {

/// For one thread that sleeps. prepare() and wake() not at the same time.
class nap {
public:
    /// Before each sleep: wakes that came earlier do not count. False: the system has no such
    /// sleep, or no memory or descriptor for it.
    [[nodiscard]] bool prepare() noexcept;
    /// Sleeps until a wake() or the time is over; it may also end early. Returns true if a handler
    /// of a signal has ended it.
    [[nodiscard]] bool sleep(duration timeout) noexcept;
    /// Any thread.
    void wake() noexcept;

private:
    std::atomic<std::uint32_t> awake_{0}; ///< a futex; Linux only
    std::unique_ptr<signal> pipe_; ///< elsewhere
};

} // namespace slk::io::os

#endif
