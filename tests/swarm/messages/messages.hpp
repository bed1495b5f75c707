// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SWARM_MESSAGES_MESSAGES_HPP
#define SLK_TESTS_SWARM_MESSAGES_MESSAGES_HPP

/// Worlds of sockets and their messages. Every received message must be one that was sent to its
/// receiver, whole, in order and once. After the faults all sockets of a group must connect in
/// time, and the sockets' counters and the lost connections must account for every message that is
/// missing.

#include "swarm/outcome.hpp"

#include <string_view>
#include <vector>

namespace slk::swarm::messages {

[[nodiscard]] outcome run(std::uint64_t seed, const run_options& options);

/// The names of outcome::actions.
[[nodiscard]] const std::vector<std::string_view>& action_names();

} // namespace slk::swarm::messages

#endif
