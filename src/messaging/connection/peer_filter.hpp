// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONNECTION_PEER_FILTER_HPP
#define SLK_MESSAGING_CONNECTION_PEER_FILTER_HPP

#include <serverlink/peer_filter.hpp>
#include <serverlink/stream.hpp>

namespace slk::messaging {

/// Whether the peer of a connection that was accepted passes. Errors: rejected, not_supported, and
/// the system's.
[[nodiscard]] result<void> check_peer(const peer_filter& filter, const stream& incoming) noexcept;

} // namespace slk::messaging

#endif
