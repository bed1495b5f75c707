// SPDX-License-Identifier: MPL-2.0
#include "io/os/forks.hpp"

#include <pthread.h>

namespace slk::io::os {

void fork_watch::begin() noexcept
{
    static const int registered = ::pthread_atfork(
        nullptr, nullptr, [] { forks_of_this_line.fetch_add(1, std::memory_order_relaxed); });
    (void)registered;
}

} // namespace slk::io::os
