// SPDX-License-Identifier: MPL-2.0
#include "io/ledger.hpp"
#include "io/operation.hpp"
#include "support/skip.hpp"

#include <doctest/doctest.h>

using namespace slk::io;

namespace {

#if defined(NDEBUG)
constexpr bool looks_for_violations = false;
#else
constexpr bool looks_for_violations = true;
#endif

std::uint64_t violations()
{
    return ledger::process_totals().violations;
}

} // namespace

TEST_CASE("C1: the ledger balances when each submission is delivered once")
{
    ledger book;
    connect_operation first;
    send_operation second;
    const std::uint64_t before = violations();
    book.submitted(first);
    book.submitted(second);
    CHECK(book.outstanding() == 2);
    book.delivered(second);
    book.delivered(first);
    book.submitted(first);
    book.delivered(first);
    CHECK(book.outstanding() == 0);
    CHECK(book.submissions() == 3);
    CHECK(violations() == before);
}

TEST_CASE("C1: the ledger notices a double delivery")
{
    if (!looks_for_violations)
        SLK_SKIP("only debug builds look for violations");
    ledger book;
    connect_operation op;
    book.submitted(op);
    book.delivered(op);
    const std::uint64_t before = violations();
    book.delivered(op);
    CHECK(violations() == before + 1);
}

TEST_CASE("C1: the ledger notices a delivery of an operation that was never submitted")
{
    if (!looks_for_violations)
        SLK_SKIP("only debug builds look for violations");
    ledger book;
    receive_operation op;
    const std::uint64_t before = violations();
    book.delivered(op);
    CHECK(violations() == before + 1);
}

TEST_CASE("C1: the ledger notices a lost delivery")
{
    ledger book;
    accept_operation kept;
    accept_operation lost;
    book.submitted(kept);
    book.submitted(lost);
    book.delivered(kept);
    CHECK(book.outstanding() == 1);
}
