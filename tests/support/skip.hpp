// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_SKIP_HPP
#define SLK_TESTS_SUPPORT_SKIP_HPP

#include <string>

namespace slk::testing {

/// Marks the running test case as skipped, with the reason that is printed. Thread of the test.
void skip(const std::string& reason);

} // namespace slk::testing

// SLK_SKIP("needs IPv6"): leaves the test case, which counts as skipped instead of passed. Used in
// the body of the test case itself. A case that fails before or after (in another SUBCASE) has
// failed all the same.
#define SLK_SKIP(reason)                                                                           \
    do {                                                                                           \
        ::slk::testing::skip(reason);                                                              \
        return;                                                                                    \
    } while (false)

#endif
