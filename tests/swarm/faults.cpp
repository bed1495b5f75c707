// SPDX-License-Identifier: MPL-2.0
#include "swarm/faults.hpp"

#include <algorithm>

namespace slk::swarm {

using namespace std::chrono_literals;

fault_rates choose_faults(dice& from)
{
    fault_rates faults;
    // Each fault is there in a third of the worlds: some worlds have few, and those go far.
    for (std::size_t index = 0; index < fault_count; ++index)
        if (from.chance(33))
            faults.set(static_cast<fault>(index),
                       from.one_of<std::uint16_t>({1, 5, 5, 20, 100, 300}));
    // Nothing would ever be said if these struck always.
    for (const fault heavy : {fault::transfer_error, fault::wait_error, fault::option_error})
        faults.set(heavy, std::min<std::uint16_t>(faults[heavy], 50));
    faults.max_delay = from.one_of<duration>({100us, 5ms, 20ms, 300ms});
    faults.max_offset = from.one_of<std::uint32_t>({1, 64, 4096, 100000});
    return faults;
}

} // namespace slk::swarm
