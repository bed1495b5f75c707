// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SWARM_FAULTS_HPP
#define SLK_TESTS_SWARM_FAULTS_HPP

#include <serverlink/simulation.hpp>

#include "swarm/dice.hpp"

namespace slk::swarm {

/// Which faults strike in a world, and how often.
[[nodiscard]] fault_rates choose_faults(dice& from);

} // namespace slk::swarm

#endif
