// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_OS_FORKS_HPP
#define SLK_IO_OS_FORKS_HPP

/// Whether this process is a child of the one that made an object (fork(2)).
///
/// A child has a copy of the memory, and shares what the descriptors refer to: what it removes from
/// an epoll instance, takes from a ring or shuts down is missing in the parent. The threads that
/// ran loops do not exist there, and may have held any mutex, or have been in the middle of any
/// change. So a child uses nothing of an inherited object but its descriptors, which it closes.

#include <atomic>
#include <cstdint>

namespace slk::io::os {

class fork_watch {
public:
    /// Belongs to the present process.
    fork_watch() noexcept : mine_(number()) { begin(); }

    /// Returns true in a process that was forked after this object was made. Any thread; cheap.
    [[nodiscard]] bool forked() const noexcept { return number() != mine_; }

    /// The number of forks from the first process of the program down to this one.
    [[nodiscard]] static std::uint32_t number() noexcept
    {
        return forks_of_this_line.load(std::memory_order_relaxed);
    }

private:
    /// Makes the system count the forks from now on. Without memory for that they are not noticed.
    static void begin() noexcept;

    static inline std::atomic<std::uint32_t> forks_of_this_line{0};
    std::uint32_t mine_;
};

} // namespace slk::io::os

#endif
