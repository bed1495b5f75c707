// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SWARM_MESSAGES_MESSAGES_HPP
#define SLK_TESTS_SWARM_MESSAGES_MESSAGES_HPP

/// The swarm's other kind: one seed is one world of sockets. While it runs, every message that
/// arrives must be one that was sent to the one who receives it, whole, in order and once; then the
/// faults end, all who belong together must find each other in time, and what has not arrived must
/// be explained by what the sockets say and by the connections that broke.

#include "swarm/swarm.hpp"

namespace slk::swarm::messages {

[[nodiscard]] outcome run(std::uint64_t seed, const run_options& options);

/// The words for outcome::actions.
[[nodiscard]] const std::vector<std::string_view>& action_names();

} // namespace slk::swarm::messages

#endif
