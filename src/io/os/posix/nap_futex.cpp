// SPDX-License-Identifier: MPL-2.0

// Linux: futex(2) returns EINTR.

#include "io/os/nap.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace slk::io::os {

namespace {

/// SYS_futex has the time in the machine's words, whatever time_t is.
struct kernel_time {
    long seconds;
    long nanoseconds;
};

static_assert(sizeof(std::atomic<std::uint32_t>) == 4);

long futex(std::atomic<std::uint32_t>& word, int what, std::uint32_t value,
           const kernel_time* timeout) noexcept
{
    return ::syscall(SYS_futex, &word, what, value, timeout, nullptr, 0);
}

} // namespace

bool nap::prepare() noexcept
{
    awake_.store(0, std::memory_order_relaxed);
    return true;
}

bool nap::sleep(duration timeout) noexcept
{
    const duration shortened = std::min<duration>(timeout, std::chrono::hours(24));
    const auto seconds = std::chrono::floor<std::chrono::seconds>(shortened);
    const kernel_time limit{static_cast<long>(seconds.count()),
                            static_cast<long>((shortened - seconds).count())};
    return futex(awake_, FUTEX_WAIT_PRIVATE, 0, &limit) != 0 && errno == EINTR;
}

void nap::wake() noexcept
{
    awake_.store(1, std::memory_order_seq_cst);
    (void)futex(awake_, FUTEX_WAKE_PRIVATE, 1, nullptr);
}

} // namespace slk::io::os
