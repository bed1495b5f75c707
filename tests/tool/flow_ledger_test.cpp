// SPDX-License-Identifier: MPL-2.0
#include "../../tools/slk/flow_ledger.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string_view>

using slk::send_outcome;
using slk::tool::flow_ledger;
using slk::tool::flow_verdict;

namespace {

/// `life`: q, n, f for a message that was queued or dropped, K for a kill.
flow_verdict verdict_on(std::string_view life, std::initializer_list<std::uint64_t> arrived)
{
    flow_ledger ledger;
    for (const char each : life) {
        if (each == 'K')
            ledger.kill();
        else
            ledger.publish(each == 'q'   ? send_outcome::queued
                           : each == 'n' ? send_outcome::dropped_no_route
                                         : send_outcome::dropped_full);
    }
    for (const std::uint64_t number : arrived)
        ledger.arrive(number);
    return ledger.judge();
}

} // namespace

TEST_CASE("messages that arrived or were dropped for a reason add up")
{
    const flow_verdict all = verdict_on("nnqqqKqffqq", {4, 9, 10});
    CHECK(all.adds_up());
    CHECK(all.published == 10);
    CHECK(all.arrived == 3);
    CHECK(all.no_subscriber == 2);
    CHECK(all.before_subscription == 2); // 3, at the start, and 6
    CHECK(all.lost_with_proxy == 1); // 5
    CHECK(all.queue_full == 2);
    CHECK(verdict_on("", {}).adds_up());
}

TEST_CASE("a message that is missing away from a kill is not explained")
{
    const flow_verdict gap = verdict_on("qqqqqKq", {1, 2, 4, 5, 6});
    CHECK_FALSE(gap.adds_up());
    CHECK(gap.unexplained == 1);
    CHECK(verdict_on("qqq", {1}).unexplained == 2);
}

TEST_CASE("what comes twice, too early or from nowhere does not add up")
{
    CHECK(verdict_on("qq", {1, 2, 2}).duplicated == 1);
    CHECK(verdict_on("qq", {2, 1}).out_of_order == 1);
    CHECK(verdict_on("qf", {1, 2}).out_of_order == 1);
    CHECK(verdict_on("q", {1, 7}).out_of_order == 1);
    for (const auto& wrong :
         {verdict_on("qq", {1, 2, 2}), verdict_on("qq", {2, 1}), verdict_on("qf", {1, 2})})
        CHECK_FALSE(wrong.adds_up());
}

TEST_CASE("sums of verdicts add up when each does")
{
    flow_verdict sum = verdict_on("qqK", {1});
    sum += verdict_on("nq", {2});
    CHECK(sum.adds_up());
    CHECK(sum.published == 4);
    CHECK(sum.lost_with_proxy == 1);
    sum += verdict_on("qq", {1});
    CHECK_FALSE(sum.adds_up());
}

TEST_CASE("the last message that was queued is waited for, and none that was dropped")
{
    flow_ledger ledger;
    CHECK(ledger.has_last());
    ledger.publish(send_outcome::queued);
    CHECK_FALSE(ledger.has_last());
    ledger.arrive(1);
    ledger.publish(send_outcome::dropped_full);
    CHECK(ledger.has_last());
}
