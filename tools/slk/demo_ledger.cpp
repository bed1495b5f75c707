// SPDX-License-Identifier: MPL-2.0
#include "demo_ledger.hpp"

#include <algorithm>

namespace slk::tool {

demo_verdict demo_ledger::judge() const
{
    demo_verdict found;
    found.promised = promised_;
    std::vector<bool> here(promised_ + 1, false);
    std::uint64_t last = 0;
    for (const std::uint64_t number : arrivals_) {
        if (number == 0 || number > promised_) {
            ++found.out_of_order; // nobody has sent that
            continue;
        }
        if (here[number])
            ++found.twice;
        else if (number < last)
            ++found.out_of_order;
        found.arrived += here[number] ? 0 : 1;
        here[number] = true;
        last = std::max(last, number);
    }
    // A connection that breaks loses the last of what it has taken, and nothing before that.
    std::vector<bool> explained = here;
    for (const std::uint64_t taken : breaks_)
        for (std::uint64_t number = std::min(taken, promised_); number > 0 && !here[number];
             --number) {
            found.taken += explained[number] ? 0 : 1;
            explained[number] = true;
        }
    for (std::uint64_t number = 1; number <= promised_; ++number)
        found.missing += explained[number] ? 0 : 1;
    return found;
}

} // namespace slk::tool
