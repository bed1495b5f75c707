// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_IOCP_ALARM_HPP
#define SLK_IO_BACKEND_IOCP_ALARM_HPP

/// Wakes a thread that sleeps at a completion port, and only if it sleeps.

#include "io/os/windows/winsock.hpp"

#include <atomic>

namespace slk::io::iocp {

class alarm {
public:
    explicit alarm(HANDLE port) noexcept : port_(port) {}

    /// Any thread. Of many calls before the sleeper wakes, one posts a packet.
    void ring() noexcept
    {
        if (state_.exchange(state::rung) != state::asleep)
            return;
        // Posting takes memory of the kernel and may fail. The packet must not be lost, and the
        // sleeper looks for it nowhere else: go on until it is posted or no longer needed. The
        // sleeper's own thread never comes here, because it is not asleep.
        while (PostQueuedCompletionStatus(port_, 0, 0, nullptr) == FALSE &&
               state_.load() == state::rung)
            Sleep(1);
    }

    /// The sleeper's, before it sleeps. False: it was rung and must only look.
    [[nodiscard]] bool may_sleep() noexcept
    {
        state expected = state::awake;
        return state_.compare_exchange_strong(expected, state::asleep);
    }

    /// The sleeper's, after it has slept or looked, and before its owner looks for what the rings
    /// were about: a ring from now on counts for the next time.
    void awake() noexcept { (void)state_.exchange(state::awake); }

private:
    enum class state : int { awake, asleep, rung };

    HANDLE port_;
    std::atomic<state> state_{state::awake};
};

} // namespace slk::io::iocp

#endif
