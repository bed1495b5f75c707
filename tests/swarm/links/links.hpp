// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SWARM_LINKS_LINKS_HPP
#define SLK_TESTS_SWARM_LINKS_LINKS_HPP

/// Worlds of links and listeners. The invariants are checked after every event; after the faults
/// every link must connect in time and carry an echo.

#include "swarm/outcome.hpp"

#include <string_view>
#include <vector>

namespace slk::swarm::links {

[[nodiscard]] outcome run(std::uint64_t seed, const run_options& options);

/// The names of outcome::actions.
[[nodiscard]] const std::vector<std::string_view>& action_names();

} // namespace slk::swarm::links

#endif
