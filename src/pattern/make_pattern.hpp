// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_MAKE_PATTERN_HPP
#define SLK_PATTERN_MAKE_PATTERN_HPP

/// The pattern of each type of socket.

#include "base/memory_budget.hpp"
#include "pattern/pattern.hpp"
#include "zmtp/socket_type.hpp"

#include <memory>

namespace slk::pattern {

/// Null when memory is exhausted, and for a type that is not supported. `random`: the ids that a
/// ROUTER makes begin with it, so that they are not those of an earlier ROUTER at the same address.
/// `budget`: what peers have subscribed to counts there.
[[nodiscard]] std::unique_ptr<pattern>
make_pattern(zmtp::socket_type type, std::uint64_t random,
             const std::shared_ptr<memory_budget>& budget = nullptr) noexcept;

/// Errors: invalid_argument (an option is not for this type, with its name). Types that may not
/// conflate need every message: the peers of a ROUTER and of a PAIR may be in a conversation.
[[nodiscard]] result<void> check_options(zmtp::socket_type type, const socket_options& options);

} // namespace slk::pattern

#endif
