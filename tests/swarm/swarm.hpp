// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SWARM_SWARM_HPP
#define SLK_TESTS_SWARM_SWARM_HPP

/// The swarm: one seed is one world of links and listeners on a simulated network, with a topology,
/// a choice of faults and a script of its own. While it runs, what must always hold is checked
/// after every event; then the faults end, and every link must come up in time.

#include <serverlink/simulation.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace slk::swarm {

struct run_options {
    /// The script goes on until so many events have happened.
    std::uint64_t events = 10'000;
    /// Print every event of the network and every move of a link.
    bool log = false;
};

struct outcome {
    std::uint64_t seed = 0;
    std::uint64_t events = 0;
    std::uint64_t hash = 0;
    duration simulated{};
    std::uint64_t attempts = 0;
    std::uint64_t connections = 0;
    std::uint64_t completions = 0;
    std::uint64_t messages = 0; ///< that have arrived
    std::uint64_t bytes = 0;
    std::array<std::uint64_t, fault_count> strikes{};
    /// How often each action of the script was done.
    std::vector<std::uint64_t> actions;
    /// Empty: everything held. Else what did not, and the flight recorders of the links.
    std::string failure;
};

[[nodiscard]] outcome run(std::uint64_t seed, const run_options& options);

/// The words for outcome::actions.
[[nodiscard]] const std::vector<std::string_view>& action_names();

} // namespace slk::swarm

#endif
