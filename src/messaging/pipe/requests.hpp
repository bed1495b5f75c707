// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_PIPE_REQUESTS_HPP
#define SLK_MESSAGING_PIPE_REQUESTS_HPP

/// Subscriptions as frames in a pipe of inproc, whose peer is a publisher. pipe_out::publish()
/// shows them. For the thread that writes into the pipe.

#include "messaging/pipe/pipe.hpp"
#include "pattern/topic_book.hpp"

#include <span>

namespace slk::messaging {

/// Returns false when memory is exhausted.
[[nodiscard]] bool write_request(pipe& to, bool subscribe,
                                 std::span<const std::byte> topic) noexcept;
/// All topics. Returns false when memory is exhausted, and nothing is written.
[[nodiscard]] bool write_requests(pipe& to, const pattern::topic_book& topics) noexcept;

} // namespace slk::messaging

#endif
