// SPDX-License-Identifier: MPL-2.0
#include "demo_ledger.hpp"

#include <algorithm>

namespace slk::tool {

demo_verdict demo_ledger::judge() const
{
    demo_verdict found;
    found.queued = queued_;
    std::vector<bool> arrived(queued_ + 1, false);
    std::uint64_t last = 0;
    for (const std::uint64_t number : arrivals_) {
        if (number == 0 || number > queued_) {
            ++found.out_of_order; // no such message was sent
            continue;
        }
        if (arrived[number])
            ++found.duplicated;
        else if (number < last)
            ++found.out_of_order;
        found.arrived += arrived[number] ? 0 : 1;
        arrived[number] = true;
        last = std::max(last, number);
    }
    // A connection that breaks loses only the last of the messages that were passed to it.
    std::vector<bool> explained = arrived;
    for (const std::uint64_t passed : breaks_)
        for (std::uint64_t number = std::min(passed, queued_); number > 0 && !arrived[number];
             --number) {
            found.lost += explained[number] ? 0 : 1;
            explained[number] = true;
        }
    for (std::uint64_t number = 1; number <= queued_; ++number)
        found.missing += explained[number] ? 0 : 1;
    return found;
}

} // namespace slk::tool
