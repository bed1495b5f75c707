// SPDX-License-Identifier: MPL-2.0
#include "io/os/process_barrier.hpp"

#include <windows.h>

namespace slk::io::os {

void prepare_barriers() noexcept
{
    needs_fences.store(false, std::memory_order_relaxed);
}

void heavy_barrier() noexcept
{
    full_barrier();
    ::FlushProcessWriteBuffers();
}

} // namespace slk::io::os
