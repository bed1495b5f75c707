// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SWARM_TOPICS_TOPICS_HPP
#define SLK_TESTS_SWARM_TOPICS_TOPICS_HPP

/// Worlds of publishers and subscribers. Every received message must be one that was published, of
/// a topic that the receiver has subscribed to, in order and once. After the faults every publisher
/// must know all subscriptions, and each message must reach all who want it; and the counters must
/// account for every message that is missing.

#include "swarm/outcome.hpp"

#include <string_view>
#include <vector>

namespace slk::swarm::topics {

[[nodiscard]] outcome run(std::uint64_t seed, const run_options& options);

/// The names of outcome::actions.
[[nodiscard]] const std::vector<std::string_view>& action_names();

} // namespace slk::swarm::topics

#endif
