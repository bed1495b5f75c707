// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_LEDGER_CHECK_HPP
#define SLK_TESTS_SUPPORT_LEDGER_CHECK_HPP

/// The closing check of a test with loops: each operation was completed exactly once.

#include "io/ledger.hpp"

#include <doctest/doctest.h>

namespace slk::testing {

/// Declared before the loops, so that its destructor runs after theirs and checks the totals.
struct ledger_check {
    io::ledger::totals before = io::ledger::process_totals();
    ledger_check() = default;
    ledger_check(const ledger_check&) = delete;
    ledger_check& operator=(const ledger_check&) = delete;
    ~ledger_check()
    {
        const io::ledger::totals now = io::ledger::process_totals();
        CHECK(now.submitted - before.submitted == now.delivered - before.delivered);
        CHECK(now.violations == before.violations);
    }
};

} // namespace slk::testing

#endif
