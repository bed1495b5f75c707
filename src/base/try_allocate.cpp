// SPDX-License-Identifier: MPL-2.0

// Compiled with exceptions, which end here.

#include "base/try_allocate.hpp"

namespace slk::base_detail {

bool ends_without_exception(void (*step)(void* argument), void* argument) noexcept
{
    // Volatile, because the step is compiled as a function that never throws: a compiler that saw
    // it here would remove the handler.
    void (*volatile const call)(void*) = step;
    try {
        call(argument);
    } catch (...) {
        return false;
    }
    return true;
}

} // namespace slk::base_detail
