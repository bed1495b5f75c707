// SPDX-License-Identifier: MPL-2.0
#include "io/os/system.hpp"

namespace slk::io::os {

// A Windows process has no descriptor table of a fixed size: handles end with memory, and a reserve
// would not help. The class exists for the systems that need it.

reserve_descriptor::reserve_descriptor() noexcept = default;
reserve_descriptor::~reserve_descriptor() = default;

std::size_t reserve_descriptor::shed(native_handle /*listener*/, std::size_t /*max*/) noexcept
{
    return 0;
}

} // namespace slk::io::os
