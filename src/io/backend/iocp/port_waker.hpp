// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_IOCP_PORT_WAKER_HPP
#define SLK_IO_BACKEND_IOCP_PORT_WAKER_HPP

/// Wakes a thread that waits at a completion port, and only if it waits.

#include "io/os/windows/winsock.hpp"

#include <atomic>

namespace slk::io::iocp {

class port_waker {
public:
    explicit port_waker(HANDLE port) noexcept : port_(port) {}

    /// Any thread. Of many calls before the thread wakes, one posts a packet.
    void wake() noexcept
    {
        if (state_.exchange(state::woken) != state::asleep)
            return;
        // Posting takes memory of the kernel and may fail. The packet must not be lost, because the
        // thread is woken by nothing else: try until it is posted or no longer needed. The waiting
        // thread itself never gets here, because it is awake.
        while (PostQueuedCompletionStatus(port_, 0, 0, nullptr) == FALSE &&
               state_.load() == state::woken)
            Sleep(1);
    }

    /// For the waiting thread, before it waits. Returns false if it was woken and may only poll.
    [[nodiscard]] bool may_sleep() noexcept
    {
        state expected = state::awake;
        return state_.compare_exchange_strong(expected, state::asleep);
    }

    /// For the waiting thread, after it has waited or polled, and before its owner looks for work:
    /// a later wake() counts for the next wait.
    void awake() noexcept { (void)state_.exchange(state::awake); }

private:
    enum class state : int { awake, asleep, woken };

    HANDLE port_;
    std::atomic<state> state_{state::awake};
};

} // namespace slk::io::iocp

#endif
