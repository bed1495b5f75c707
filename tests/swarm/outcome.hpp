// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SWARM_OUTCOME_HPP
#define SLK_TESTS_SWARM_OUTCOME_HPP

/// How a world of the swarm is run, and what a run returns.

#include <serverlink/simulation.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace slk::swarm {

struct run_options {
    /// The script ends after this number of network events.
    std::uint64_t events = 10'000;
    /// Print every event of the network, every transition of a link and every action.
    bool log = false;
};

struct outcome {
    std::uint64_t seed = 0;
    std::uint64_t events = 0;
    std::uint64_t hash = 0; ///< of the history: the same seed gives the same hash
    duration simulated{};
    std::uint64_t attempts = 0;
    std::uint64_t connections = 0;
    std::uint64_t completions = 0;
    std::uint64_t messages = 0; ///< received
    std::uint64_t bytes = 0; ///< received
    std::array<std::uint64_t, fault_count> injected{};
    /// How often the script did each of its actions.
    std::vector<std::uint64_t> actions;
    /// Empty if every check held. Otherwise the first check that failed, and the state of the
    /// world.
    std::string failure;
};

} // namespace slk::swarm

#endif
