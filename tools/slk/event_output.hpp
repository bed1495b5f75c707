// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_EVENT_OUTPUT_HPP
#define SLK_TOOL_EVENT_OUTPUT_HPP

/// Events and peers of a socket, as lines of text and JSON.

#include <serverlink/events.hpp>
#include <serverlink/socket.hpp>

#include <string>

namespace slk::tool {

/// `origin` is the time shown as zero.
[[nodiscard]] std::string event_line(const event& what, time_point origin);
/// Only what the event has: time (seconds), event, endpoint, address, connection, peer, ...
[[nodiscard]] std::string event_json(const event& what, time_point origin);

[[nodiscard]] std::string peer_line(const peer_status& peer);
[[nodiscard]] std::string peer_json(const peer_status& peer);

} // namespace slk::tool

#endif
