// SPDX-License-Identifier: MPL-2.0
#include "io/os/forks.hpp"

namespace slk::io::os {

void fork_watch::begin() noexcept
{
    // A new process has no copy of this one's memory.
}

} // namespace slk::io::os
