// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_RECONNECT_HPP
#define SLK_TESTS_SUPPORT_RECONNECT_HPP

/// Reconnect delays that a test can wait for.

#include <serverlink/reconnect.hpp>

#include <chrono>

namespace slk::testing {

/// Delays that grow, from 2 ms to 20 ms.
[[nodiscard]] inline reconnect_options short_delays()
{
    reconnect_options options;
    options.base = std::chrono::milliseconds(2);
    options.floor = std::chrono::milliseconds(1);
    options.cap = std::chrono::milliseconds(20);
    options.stable_after = std::chrono::milliseconds(20);
    return options;
}

} // namespace slk::testing

#endif
