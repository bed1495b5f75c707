// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_IO_URING_FORKS_HPP
#define SLK_IO_BACKEND_IO_URING_FORKS_HPP

/// A child process shares its parent's queues: its entries, and those that it takes, would be
/// missing in the parent. So it must not use them.

#include <atomic>

#include <pthread.h>

namespace slk::io::uring {

class fork_watch {
public:
    fork_watch() noexcept
    {
        static const int registered =
            ::pthread_atfork(nullptr, nullptr, [] { ++forks_of_this_line; });
        (void)registered; // without memory for it forks are not detected
        mine_ = forks_of_this_line.load(std::memory_order_relaxed);
    }

    /// Returns true in a process that was forked after this object was made.
    [[nodiscard]] bool forked() const noexcept
    {
        return forks_of_this_line.load(std::memory_order_relaxed) != mine_;
    }

private:
    /// Counts the forks from the first process of the program down to this one.
    static inline std::atomic<unsigned> forks_of_this_line{0};
    unsigned mine_ = 0;
};

} // namespace slk::io::uring

#endif
