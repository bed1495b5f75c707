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
#include <thread>
#include <utility>

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

/// Of the calling thread.
[[nodiscard]] yield_policy& own_yield_policy() noexcept;

/// Yields before a sleep, as often as the thread's policy allows, until done() returns true.
/// Returns whether it has. `expects_reply`: the thread has just sent a message; it yields more
/// often then.
template <class Done>
[[nodiscard]] bool yield_until(const Done& done, bool expects_reply) noexcept
{
    constexpr int yields_before_sleep = 1;
    constexpr int yields_for_reply = 16;
    clock& time = system_clock_source();
    yield_policy& policy = own_yield_policy();
    const int yields = expects_reply ? yields_for_reply : yields_before_sleep;
    time_point now = time.now();
    for (int number = 0; number < yields && policy.may_yield(now); ++number) {
        std::this_thread::yield();
        const time_point back = time.now();
        policy.yielded(std::exchange(now, back), back);
        if (done())
            return true;
    }
    return false;
}

} // namespace slk::messaging

#endif
