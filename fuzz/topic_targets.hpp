// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_FUZZ_TOPIC_TARGETS_HPP
#define SLK_FUZZ_TOPIC_TARGETS_HPP

/// Targets that are about topics. Each returns the broken promise, or null.

#include "zmtp/bytes.hpp"

namespace slk::fuzz {

/// Subscriptions of both forms behind a handshake.
[[nodiscard]] const char* run_requests(zmtp::byte_view data);
/// Changes of the subscription index, and messages that are matched.
[[nodiscard]] const char* run_subscriptions(zmtp::byte_view data);
/// A pattern and a text.
[[nodiscard]] const char* run_globs(zmtp::byte_view data);

} // namespace slk::fuzz

#endif
