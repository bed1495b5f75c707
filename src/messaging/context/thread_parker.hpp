// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONTEXT_THREAD_PARKER_HPP
#define SLK_MESSAGING_CONTEXT_THREAD_PARKER_HPP

/// Where a thread sleeps until it is woken, or until a deadline.

#include <serverlink/clock.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace slk::messaging {

/// A wake that comes before the sleep is not lost; several count as one.
class thread_parker {
public:
    /// Returns false if the time has passed without a wake.
    bool park(duration timeout)
    {
        std::unique_lock lock(guard_);
        const auto woken = [this] { return woken_; };
        // With much more than a year the standard library's arithmetic would overflow.
        constexpr duration max_timed_wait = std::chrono::hours(24 * 365);
        if (timeout >= max_timed_wait)
            change_.wait(lock, woken);
        else
            change_.wait_for(lock, timeout, woken);
        return std::exchange(woken_, false);
    }
    /// Any thread.
    void wake() noexcept
    {
        wake_after([] {});
    }
    /// Does `work` first, under the lock: the woken thread sees its effects.
    template <class Work>
    void wake_after(Work&& work) noexcept
    {
        const std::lock_guard lock(guard_);
        work();
        woken_ = true;
        change_.notify_one();
    }

private:
    std::mutex guard_;
    std::condition_variable change_;
    bool woken_ = false;
};

} // namespace slk::messaging

#endif
