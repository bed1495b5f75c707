// SPDX-License-Identifier: MPL-2.0
#include "io/os/system.hpp"

namespace slk::io::os {

// A process of Windows has no table of descriptors that fills up: handles end with memory, and a
// reserve of one would not help. The class keeps its place for the systems that need it.

reserve_descriptor::reserve_descriptor() noexcept = default;
reserve_descriptor::~reserve_descriptor() = default;

std::size_t reserve_descriptor::shed(native_handle /*listener*/, std::size_t /*most*/) noexcept
{
    return 0;
}

} // namespace slk::io::os
