// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_UNTIL_HPP
#define SLK_TESTS_SUPPORT_UNTIL_HPP

/// How long a test waits in real time.

#include <chrono>
#include <thread>

namespace slk::testing {

using namespace std::chrono_literals;

/// Ends a hang: whatever must happen takes less time.
inline constexpr std::chrono::milliseconds test_timeout = 20s;
/// Long enough to see that something does not happen.
inline constexpr std::chrono::milliseconds short_timeout = 30ms;

/// Evaluates the condition again and again until it holds. False: it did not hold in time.
template <class Condition>
[[nodiscard]] bool until(Condition&& holds, std::chrono::milliseconds time = test_timeout)
{
    const auto end = std::chrono::steady_clock::now() + time;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > end)
            return false;
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

} // namespace slk::testing

#endif
