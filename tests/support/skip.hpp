// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_SKIP_HPP
#define SLK_TESTS_SUPPORT_SKIP_HPP

#include <string>

namespace slk::testing {

/// Marks the running test case as skipped, and prints the reason. Only for the test's own thread.
void skip(const std::string& reason);

} // namespace slk::testing

// SLK_SKIP("needs IPv6"): returns from the test case, which counts as skipped instead of passed.
// For the body of a test case only. A case that fails in another SUBCASE counts as failed.
#define SLK_SKIP(reason)                                                                           \
    do {                                                                                           \
        ::slk::testing::skip(reason);                                                              \
        return;                                                                                    \
    } while (false)

#endif
