// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_YIELD_POLICY_HPP
#define SLK_MESSAGING_YIELD_POLICY_HPP

/// Whether a thread that waits should let others run for a moment before it sleeps.
///
/// What it waits for is often done by a thread of the same process at that moment, and to sleep
/// and be woken takes longer. But where threads of others keep the processors busy, whoever lets
/// them run gets his turn again when their time is up, while a sleeper that is woken goes first.

#include <serverlink/clock.hpp>

#include <chrono>

namespace slk::messaging {

/// Of one thread.
class yield_policy {
public:
    [[nodiscard]] bool is_wise(time_point now) const noexcept { return now >= again_at_; }
    /// The thread has let others run from the first moment until the second.
    void took(time_point from, time_point until) noexcept
    {
        if (until - from >= too_long)
            again_at_ = until + pause;
    }

    static constexpr duration too_long = std::chrono::microseconds(500);
    static constexpr duration pause = std::chrono::milliseconds(500);

private:
    time_point again_at_{};
};

} // namespace slk::messaging

#endif
