// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONTEXT_THREAD_PARKER_HPP
#define SLK_MESSAGING_CONTEXT_THREAD_PARKER_HPP

/// Where a thread sleeps until it is woken, or until a deadline.

#include <serverlink/clock.hpp>

#include "io/os/nap.hpp"
#include "io/os/wake_signal.hpp"

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
    /// As park(), but a handler of a signal ends it too, where the system has such a sleep: then it
    /// returns true. It may end early.
    bool park_interruptibly(duration timeout)
    {
        bool prepared = false;
        {
            const std::lock_guard lock(guard_);
            if (std::exchange(woken_, false))
                return false;
            prepared = naps_ = nap_.prepare();
        }
        if (!prepared) {
            (void)park(timeout);
            return false;
        }
        const bool interrupted = nap_.sleep(timeout);
        const std::lock_guard lock(guard_);
        naps_ = woken_ = false;
        return interrupted;
    }
    /// A wake sets this signal too, which a wait for descriptors can watch; null: nothing.
    void also_set(io::os::wake_signal* other) noexcept
    {
        const std::lock_guard lock(guard_);
        also_ = other;
    }
    /// Any thread. The parker outlives the call.
    void wake() noexcept
    {
        bool parked = false;
        {
            const std::lock_guard lock(guard_);
            parked = wake_others();
        }
        // Under the lock, the woken thread would begin by waiting for it.
        if (parked)
            change_.notify_one();
    }
    /// Does `work` first, under the lock: the woken thread sees its effects, and may destroy the
    /// parker.
    template <class Work>
    void wake_after(Work&& work) noexcept
    {
        const std::lock_guard lock(guard_);
        work();
        if (wake_others())
            change_.notify_one();
    }

private:
    /// Under the lock. Returns whether there may be a thread in park().
    [[nodiscard]] bool wake_others() noexcept
    {
        woken_ = true;
        if (also_ != nullptr)
            also_->set();
        if (naps_)
            nap_.wake();
        return !naps_;
    }

    std::mutex guard_;
    std::condition_variable change_;
    io::os::nap nap_;
    io::os::wake_signal* also_ = nullptr;
    bool woken_ = false;
    bool naps_ = false; ///< the thread sleeps in nap_
};

} // namespace slk::messaging

#endif
