// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_BOOKS_HPP
#define SLK_TESTS_SUPPORT_BOOKS_HPP

#include "support/ledger_check.hpp"

namespace slk::testing {

/// The former name of ledger_check, which tests/link uses.
using books = ledger_check;

} // namespace slk::testing

#endif
