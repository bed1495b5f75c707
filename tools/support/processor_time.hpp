// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOLS_SUPPORT_PROCESSOR_TIME_HPP
#define SLK_TOOLS_SUPPORT_PROCESSOR_TIME_HPP

#include <serverlink/clock.hpp>

#include <optional>

namespace slk::tool {

/// The time that all threads of this process have run so far. Nothing if the system has no such
/// count.
[[nodiscard]] std::optional<duration> processor_time();

} // namespace slk::tool

#endif
