// SPDX-License-Identifier: MPL-2.0
#include "flow_ledger.hpp"

#include <algorithm>

namespace slk::tool {

flow_verdict& flow_verdict::operator+=(const flow_verdict& other) noexcept
{
    published += other.published;
    arrived += other.arrived;
    no_subscriber += other.no_subscriber;
    queue_full += other.queue_full;
    lost_with_proxy += other.lost_with_proxy;
    before_subscription += other.before_subscription;
    duplicated += other.duplicated;
    out_of_order += other.out_of_order;
    unexplained += other.unexplained;
    return *this;
}

bool flow_verdict::adds_up() const noexcept
{
    return published ==
               arrived + no_subscriber + queue_full + lost_with_proxy + before_subscription &&
           duplicated == 0 && out_of_order == 0 && unexplained == 0;
}

bool flow_ledger::has_last() const noexcept
{
    const auto last = std::find(outcomes_.rbegin(), outcomes_.rend(), send_outcome::queued);
    return last == outcomes_.rend() ||
           (!arrivals_.empty() &&
            arrivals_.back() == static_cast<std::uint64_t>(outcomes_.rend() - last));
}

flow_verdict flow_ledger::judge() const
{
    flow_verdict found;
    const std::uint64_t count = found.published = outcomes_.size();
    std::vector<bool> here(count + 2, false);
    std::uint64_t last = 0;
    for (const std::uint64_t number : arrivals_) {
        if (number == 0 || number > count || outcomes_[number - 1] != send_outcome::queued) {
            ++found.out_of_order;
            continue;
        }
        if (here[number])
            ++found.duplicated;
        else if (number < last)
            ++found.out_of_order;
        found.arrived += here[number] ? 0 : 1;
        here[number] = true;
        last = std::max(last, number);
    }
    // A kill explains the messages that are missing next to it, on both sides.
    std::vector<bool> explained = here;
    for (const std::uint64_t mark : kills_) {
        const auto explain = [&](std::uint64_t number, std::uint64_t& as) {
            as += !explained[number] && outcomes_[number - 1] == send_outcome::queued ? 1 : 0;
            explained[number] = true;
        };
        for (std::uint64_t number = mark; number > 0 && !here[number]; --number)
            explain(number, found.lost_with_proxy);
        for (std::uint64_t number = mark + 1; number <= count && !here[number]; ++number)
            explain(number, found.before_subscription);
    }
    for (std::uint64_t number = 1; number <= count; ++number) {
        found.no_subscriber += outcomes_[number - 1] == send_outcome::dropped_no_route ? 1 : 0;
        found.queue_full += outcomes_[number - 1] == send_outcome::dropped_full ? 1 : 0;
        found.unexplained +=
            outcomes_[number - 1] == send_outcome::queued && !explained[number] ? 1 : 0;
    }
    return found;
}

} // namespace slk::tool
