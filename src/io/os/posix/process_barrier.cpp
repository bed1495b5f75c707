// SPDX-License-Identifier: MPL-2.0
#include "io/os/process_barrier.hpp"

#if defined(__linux__)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLK_THREAD_SANITIZER
#endif
#elif defined(__SANITIZE_THREAD__)
#define SLK_THREAD_SANITIZER
#endif

namespace slk::io::os {

namespace {

#if defined(__linux__)
bool membarrier(int command) noexcept
{
    return ::syscall(SYS_membarrier, command, 0, 0) == 0;
}
#endif

} // namespace

void prepare_barriers() noexcept
{
    // The thread sanitizer does not know the system call.
#if defined(__linux__) && !defined(SLK_THREAD_SANITIZER)
    if (needs_fences.load(std::memory_order_relaxed) &&
        membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED))
        needs_fences.store(false, std::memory_order_relaxed);
#endif
}

void heavy_barrier() noexcept
{
    std::atomic_thread_fence(std::memory_order_seq_cst);
#if defined(__linux__)
    // Refused where it was not registered: then all threads have fences.
    (void)membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
#endif
}

} // namespace slk::io::os
