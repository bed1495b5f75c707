// SPDX-License-Identifier: MPL-2.0
#include "swarm/faults.hpp"

#include <algorithm>

namespace slk::swarm {

using namespace std::chrono_literals;

fault_rates choose_faults(seeded_random& random)
{
    fault_rates faults;
    // Each fault is in a third of the worlds: worlds with few faults get further.
    for (std::size_t index = 0; index < fault_count; ++index)
        if (random.chance(33))
            faults.set(static_cast<fault>(index),
                       random.one_of<std::uint16_t>({1, 5, 5, 20, 100, 300}));
    // With a high rate of these no connection would ever carry a byte.
    for (const fault severe : {fault::transfer_error, fault::wait_error, fault::option_error})
        faults.set(severe, std::min<std::uint16_t>(faults[severe], 50));
    faults.max_delay = random.one_of<duration>({100us, 5ms, 20ms, 300ms});
    faults.max_offset = random.one_of<std::uint32_t>({1, 64, 4096, 100000});
    return faults;
}

} // namespace slk::swarm
