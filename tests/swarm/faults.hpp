// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SWARM_FAULTS_HPP
#define SLK_TESTS_SWARM_FAULTS_HPP

#include <serverlink/simulation.hpp>

#include "swarm/seeded_random.hpp"

namespace slk::swarm {

/// Chooses the faults of a world, and how often each is injected.
[[nodiscard]] fault_rates choose_faults(seeded_random& random);

} // namespace slk::swarm

#endif
