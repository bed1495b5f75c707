// SPDX-License-Identifier: MPL-2.0
#include "io/os/process_barrier.hpp"

#if defined(__linux__)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
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
#if defined(__linux__) && !defined(SLK_THREAD_SANITIZER)
    if (needs_fences.load(std::memory_order_relaxed) &&
        membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED))
        needs_fences.store(false, std::memory_order_relaxed);
#endif
}

void heavy_barrier() noexcept
{
    full_barrier();
#if defined(__linux__)
    // Refused where it was not registered: then all threads have fences.
    (void)membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
#endif
}

} // namespace slk::io::os
