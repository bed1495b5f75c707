// SPDX-License-Identifier: MPL-2.0
#include "io/os/nap.hpp"

namespace slk::io::os {

// Handlers of signals run on threads of their own (Microsoft, signal).
bool nap::prepare() noexcept
{
    return false;
}

bool nap::sleep(duration) noexcept
{
    return false;
}

void nap::wake() noexcept {}

} // namespace slk::io::os
