// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_BOOKS_HPP
#define SLK_TESTS_SUPPORT_BOOKS_HPP

/// The closing check of a test with loops: every operation was completed, and once.

#include "io/ledger.hpp"

#include <doctest/doctest.h>

namespace slk::testing {

/// Declared before the loops: when it ends, everything submitted has been delivered, once.
struct books {
    io::ledger::totals before = io::ledger::process_totals();
    books() = default;
    books(const books&) = delete;
    books& operator=(const books&) = delete;
    ~books()
    {
        const io::ledger::totals now = io::ledger::process_totals();
        CHECK(now.submitted - before.submitted == now.delivered - before.delivered);
        CHECK(now.violations == before.violations);
    }
};

} // namespace slk::testing

#endif
