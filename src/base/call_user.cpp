// SPDX-License-Identifier: MPL-2.0

// Compiled with exceptions, which end the process here.

#include "base/call_user.hpp"

#include <cstdio>
#include <exception>

namespace slk {

void call_guarded(const char* name, void (*run)(void* argument), void* argument) noexcept
{
    try {
        run(argument);
    } catch (const std::exception& thrown) {
        std::fprintf(stderr, "serverlink: %s threw an exception: %s\n", name, thrown.what());
        std::terminate();
    } catch (...) {
        std::fprintf(stderr, "serverlink: %s threw an exception\n", name);
        std::terminate();
    }
}

} // namespace slk
