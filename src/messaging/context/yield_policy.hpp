// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONTEXT_YIELD_POLICY_HPP
#define SLK_MESSAGING_CONTEXT_YIELD_POLICY_HPP

/// Whether a thread that waits yields its processor before it sleeps.
///
/// The thread that it waits for is often about to finish, in the same process, and a yield is
/// cheaper than a sleep and a wake. But where other processes keep the processors busy, a thread
/// that yields runs again only after the others' time slices, while a sleeper that is woken runs
/// first. So the policy measures: after a yield that took too long, threads sleep at once for a
/// while.

#include <serverlink/clock.hpp>

#include <chrono>

namespace slk::messaging {

/// For one thread.
class yield_policy {
public:
    [[nodiscard]] bool may_yield(time_point now) const noexcept { return now >= again_at_; }
    /// The thread yielded at `from` and ran again at `until`.
    void yielded(time_point from, time_point until) noexcept
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
