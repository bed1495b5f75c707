// SPDX-License-Identifier: MPL-2.0
#include "link/address_order.hpp"

#include <algorithm>
#include <cstddef>

namespace slk::link_detail {

void interleave_families(std::vector<address>& addresses)
{
    for (std::size_t place = 1; place < addresses.size(); ++place) {
        const auto here = addresses.begin() + static_cast<std::ptrdiff_t>(place);
        const address_family before = addresses[place - 1].family;
        const auto other = std::find_if(here, addresses.end(),
                                        [&](const address& each) { return each.family != before; });
        if (other == addresses.end())
            return;
        std::rotate(here, other, other + 1);
    }
}

} // namespace slk::link_detail
