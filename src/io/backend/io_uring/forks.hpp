// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_IO_URING_FORKS_HPP
#define SLK_IO_BACKEND_IO_URING_FORKS_HPP

/// A child process shares its parent's queues, and what it puts there or takes from there is
/// missing in the parent. So it must leave them alone.

#include <atomic>

#include <pthread.h>

namespace slk::io::uring {

class fork_watch {
public:
    fork_watch() noexcept
    {
        static const int registered =
            ::pthread_atfork(nullptr, nullptr, [] { ++forks_of_this_line; });
        (void)registered; // without memory for it children are trusted
        mine_ = forks_of_this_line.load(std::memory_order_relaxed);
    }

    /// True in a process that was forked off after this was made.
    [[nodiscard]] bool forked() const noexcept
    {
        return forks_of_this_line.load(std::memory_order_relaxed) != mine_;
    }

private:
    /// From the first process of the program down to this one.
    static inline std::atomic<unsigned> forks_of_this_line{0};
    unsigned mine_ = 0;
};

} // namespace slk::io::uring

#endif
