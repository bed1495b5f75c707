// SPDX-License-Identifier: MPL-2.0
#include "../../tools/slk/demo_ledger.hpp"

#include <doctest/doctest.h>

#include <initializer_list>

using slk::tool::demo_ledger;
using slk::tool::demo_verdict;

namespace {

/// What is found of `promised` messages, when these numbers arrived, and the connection broke after
/// so many.
demo_verdict found(std::uint64_t promised, std::initializer_list<std::uint64_t> arrived,
                   std::initializer_list<std::uint64_t> breaks = {})
{
    demo_ledger book;
    for (std::uint64_t i = 0; i < promised; ++i) {
        CHECK(book.next() == i + 1);
        book.promise();
    }
    for (const std::uint64_t number : arrived)
        book.arrive(number);
    for (const std::uint64_t taken : breaks)
        book.broke(taken);
    return book.judge();
}

} // namespace

TEST_CASE("messages that all arrive in order keep the demonstration's promise")
{
    const demo_verdict all = found(3, {1, 2, 3});
    CHECK(all.kept());
    CHECK(all.promised == 3);
    CHECK(all.arrived == 3);
    CHECK(all.taken == 0);
    CHECK(found(0, {}).kept());
}

TEST_CASE("a connection that breaks excuses the last messages that it has taken, and no others")
{
    const demo_verdict excused = found(6, {1, 2, 5, 6}, {4});
    CHECK(excused.kept());
    CHECK(excused.taken == 2);
    CHECK(excused.arrived == 4);
    CHECK(found(6, {1, 2, 5, 6}).missing == 2);
    // One before those that were received by the same connection.
    CHECK(found(6, {1, 3, 5, 6}, {4}).missing == 1);
    // One that no connection had taken.
    CHECK(found(6, {1, 2, 3, 4, 6}, {4}).missing == 1);
    // Breaks without anything between them count what is lost once.
    const demo_verdict twice = found(6, {1, 2, 6}, {5, 5});
    CHECK(twice.kept());
    CHECK(twice.taken == 3);
    CHECK_FALSE(found(2, {1}).kept());
}

TEST_CASE("messages that come twice, in disorder or from nowhere break the promise")
{
    CHECK(found(3, {1, 2, 2, 3}).twice == 1);
    CHECK_FALSE(found(3, {1, 2, 2, 3}).kept());
    CHECK(found(3, {1, 3, 2}).out_of_order == 1);
    CHECK_FALSE(found(3, {1, 3, 2}).kept());
    CHECK_FALSE(found(3, {1, 2, 3, 4}).kept());
    CHECK_FALSE(found(3, {0, 1, 2, 3}).kept());
}

TEST_CASE("all has arrived when the last message is there")
{
    demo_ledger book;
    CHECK(book.all_arrived());
    book.promise();
    book.promise();
    book.arrive(1);
    CHECK_FALSE(book.all_arrived());
    book.arrive(2);
    CHECK(book.all_arrived());
}
