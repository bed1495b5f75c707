// SPDX-License-Identifier: MPL-2.0
#include "../../tools/slk/demo_ledger.hpp"

#include <doctest/doctest.h>

#include <initializer_list>

using slk::tool::demo_ledger;
using slk::tool::demo_verdict;

namespace {

/// The verdict on `queued` messages of which these numbers arrived. Connections broke when these
/// numbers of messages had been passed to them.
demo_verdict found(std::uint64_t queued, std::initializer_list<std::uint64_t> arrived,
                   std::initializer_list<std::uint64_t> breaks = {})
{
    demo_ledger ledger;
    for (std::uint64_t i = 0; i < queued; ++i) {
        CHECK(ledger.next() == i + 1);
        ledger.queue();
    }
    for (const std::uint64_t number : arrived)
        ledger.arrive(number);
    for (const std::uint64_t passed : breaks)
        ledger.connection_lost(passed);
    return ledger.judge();
}

} // namespace

TEST_CASE("messages that all arrive in order are a complete demonstration")
{
    const demo_verdict all = found(3, {1, 2, 3});
    CHECK(all.complete());
    CHECK(all.queued == 3);
    CHECK(all.arrived == 3);
    CHECK(all.lost == 0);
    CHECK(found(0, {}).complete());
}

TEST_CASE("a connection that breaks explains the loss of its last messages, and of no others")
{
    const demo_verdict excused = found(6, {1, 2, 5, 6}, {4});
    CHECK(excused.complete());
    CHECK(excused.lost == 2);
    CHECK(excused.arrived == 4);
    CHECK(found(6, {1, 2, 5, 6}).missing == 2);
    // A message before those that arrived by the same connection.
    CHECK(found(6, {1, 3, 5, 6}, {4}).missing == 1);
    // A message that was not passed to a connection.
    CHECK(found(6, {1, 2, 3, 4, 6}, {4}).missing == 1);
    // Two breaks without a message between them count a lost message once.
    const demo_verdict repeated = found(6, {1, 2, 6}, {5, 5});
    CHECK(repeated.complete());
    CHECK(repeated.lost == 3);
    CHECK_FALSE(found(2, {1}).complete());
}

TEST_CASE("the demonstration counts messages that are duplicated, out of order, or unknown")
{
    CHECK(found(3, {1, 2, 2, 3}).duplicated == 1);
    CHECK_FALSE(found(3, {1, 2, 2, 3}).complete());
    CHECK(found(3, {1, 3, 2}).out_of_order == 1);
    CHECK_FALSE(found(3, {1, 3, 2}).complete());
    CHECK_FALSE(found(3, {1, 2, 3, 4}).complete());
    CHECK_FALSE(found(3, {0, 1, 2, 3}).complete());
}

TEST_CASE("all messages have arrived when the last one has")
{
    demo_ledger ledger;
    CHECK(ledger.all_arrived());
    ledger.queue();
    ledger.queue();
    ledger.arrive(1);
    CHECK_FALSE(ledger.all_arrived());
    ledger.arrive(2);
    CHECK(ledger.all_arrived());
}
