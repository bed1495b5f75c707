// SPDX-License-Identifier: MPL-2.0
#include "io/backend/io_uring/io_uring_poller.hpp"

#include "io/backend/io_uring/ring_poller.hpp"
#include "io/os/system.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <poll.h>

namespace slk::io {

namespace uring {

namespace {

/// The pause after the kernel had no memory for a submission.
constexpr duration pause_without_memory = std::chrono::milliseconds(10);

__kernel_timespec to_kernel(duration span) noexcept
{
    const auto seconds = std::chrono::floor<std::chrono::seconds>(span);
    return {seconds.count(), (span - seconds).count()};
}

} // namespace

result<void> ring_poller::start()
{
    SLK_TRY(wake_.open());
    SLK_TRY(ring_.start());
    return try_out();
}

/// A sandbox may allow to make a ring and forbid its use, and no feature flag shows the multishot
/// poll of Linux 5.13: this tests both at once.
result<void> ring_poller::try_out()
{
    arm_wake();
    const int outcome = ring_.enter(0, nullptr);
    if (outcome < 0 && outcome != -EINTR && outcome != -EAGAIN)
        return fail(os::translate(-outcome, phase::setup));
    int refusal = 0;
    ring_.take([&](std::uint64_t, int result, unsigned) { refusal = std::max(refusal, -result); });
    if (refusal != 0)
        return fail(
            {errc::not_supported, phase::setup, refusal, "the kernel's io_uring is too old"});
    return {};
}

void ring_poller::close_copies() noexcept
{
    system_poller::close_copies();
    ring_.end(); // the requests are the parent's, and go on
    wake_.close();
}

void ring_poller::arm_wake()
{
    io_uring_sqe* const sqe = ring_.next();
    if (sqe == nullptr)
        return;
    io_uring_prep_poll_multishot(sqe, wake_.descriptor(), POLLIN);
    io_uring_sqe_set_data64(sqe, wake_key);
    wake_armed_ = true;
}

int ring_poller::enter(duration timeout)
{
    if (timeout == duration::zero() || ring_.ready())
        return ring_.must_enter() ? ring_.enter(0, nullptr) : 0;
    // Once for each flush: a socket stays readable as long as another thread, which submitted its
    // receive, does not take the data.
    if (std::exchange(flushed_, false) && receives_.few() && !ring_.must_enter())
        return sleep_at_sockets(timeout);
    if (timeout == duration::max())
        return ring_.enter(1, nullptr);
    __kernel_timespec limit = to_kernel(timeout);
    return ring_.enter(1, &limit);
}

/// For a caller that has just sent and now waits for the answer. A socket wakes a thread that
/// sleeps in poll(2) with the hint that the waker is about to sleep
/// (wake_up_interruptible_sync_poll), and the scheduler lets the thread run in the waker's place. A
/// ring wakes its thread without that hint: on a busy machine the thread stays on a processor where
/// another program first finishes its time slice, which takes milliseconds. The wakeup runs the
/// ring's work in both cases.
int ring_poller::sleep_at_sockets(duration timeout)
{
    std::array<pollfd, awaited_receives::max + 1> watched{};
    watched[0] = {ring_.descriptor(), POLLIN, 0};
    std::size_t count = 1;
    for (operation* const op : receives_.all())
        watched[count++] = {of(*op).descriptor, POLLIN, 0};
    timespec limit{};
    if (timeout != duration::max()) {
        const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout);
        limit.tv_sec = static_cast<decltype(limit.tv_sec)>(seconds.count());
        limit.tv_nsec = static_cast<decltype(limit.tv_nsec)>((timeout - seconds).count());
    }
    const int ready =
        ::ppoll(watched.data(), count, timeout != duration::max() ? &limit : nullptr, nullptr);
    if (ready <= 0)
        return ready < 0 ? -errno : -ETIME;
    return !ring_.ready() && ring_.must_enter() ? ring_.enter(0, nullptr) : 0;
}

/// The kernel takes no submissions until completions are taken (EBUSY), or has no memory for them
/// (EAGAIN). They stay prepared. Returns a negative number if it does not even wait, and nothing
/// has completed.
int ring_poller::relieve(duration timeout)
{
    unsigned taken = take_completions();
    int outcome = ring_.only_wait(0, nullptr);
    taken += take_completions();
    if (!progress_ && timeout != duration::zero()) {
        __kernel_timespec limit = to_kernel(std::min(timeout, pause_without_memory));
        outcome = ring_.only_wait(1, &limit);
        taken += take_completions();
    }
    return taken != 0 || outcome == -ETIME || outcome == -EINTR ? 0 : outcome;
}

result<void> ring_poller::wait(time_point until)
{
    progress_ = false;
    duration remaining = time_until(until, now());
    for (int rounds = 0; rounds < max_interruptions; ++rounds) {
        if (!wake_armed_)
            arm_wake();
        drain_backlog();
        prepare_polls();
        // Requests without room must not wait until an event of the others.
        const bool all = wake_armed_ && backlog_.empty() && without_room_.empty();
        int outcome = enter(all ? remaining : duration::zero());
        if (outcome == -EBUSY || outcome == -EAGAIN)
            outcome = relieve(remaining);
        if (outcome < 0 && outcome != -EINTR && outcome != -ETIME)
            return fail(os::translate(-outcome, phase::none));
        take_completions();
        // An early end of the wait does no harm: timers fire by the clock only.
        const bool ends = outcome == -EINTR && end_interrupted();
        if (progress_ || outcome == -ETIME || ends)
            return {};
        // Interrupted, or only completions that no operation waits for: wait for the rest of the
        // time, which a clock that steps back does not make longer.
        if (remaining != duration::max())
            remaining = std::min(remaining, time_until(until, time_source().now()));
        if (remaining == duration::zero())
            return {};
    }
    return {};
}

void ring_poller::abandon()
{
    // The sockets are shut down already, so nothing is received any more while the kernel drops the
    // requests of the ring.
    ring_.end();
    backlog_ = {};
    receives_ = {};
    while (!orphans_.empty())
        finish_orphan(orphans_.front(), error{errc::cancelled, phase::close});
}

} // namespace uring

result<std::unique_ptr<poller>> make_io_uring_poller(clock& time)
{
    std::unique_ptr<uring::ring_poller> made(new (std::nothrow) uring::ring_poller(time));
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    SLK_TRY(made->start());
    return std::unique_ptr<poller>(std::move(made));
}

} // namespace slk::io
