// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_TUNING_HPP
#define SERVERLINK_TUNING_HPP

/// Socket settings of a link or of the connections that a listener accepts.

#include <serverlink/clock.hpp>
#include <serverlink/export.hpp>
#include <serverlink/result.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace slk {

/// Probes on an idle connection (RFC 9293 section 3.8.4). Whole seconds; systems round down to 1 s.
/// 0: as the system has it.
struct keep_alive_options {
    bool enabled = true; ///< whether the system sends probes
    duration idle = std::chrono::seconds(30); ///< 0, or 1 s to 32,767 s
    duration interval = std::chrono::seconds(10); ///< 0, or 1 s to 32,767 s
    int count = 3; ///< 0 to 127

    friend bool operator==(const keep_alive_options&, const keep_alive_options&) = default;
};

/// An option that is not set (an empty optional) leaves the system's default.
///
/// An option that the system refuses or does not have fails the attempt with its error
/// (phase::tune, the option's name as detail): an explicit setting is never dropped silently. The
/// default, `no_delay`, is best effort; with `best_effort` all are. A connection that was reset
/// meanwhile is connection_reset, whatever the system answers (EINVAL on macOS, setsockopt(2)). An
/// ipc connection has only the buffers: other options are refused (not_supported), except
/// `no_delay`, which is ignored.
struct tuning_options {
    /// TCP_NODELAY: small messages are sent at once.
    bool no_delay = true;
    /// Probes on an idle connection.
    std::optional<keep_alive_options> keep_alive{};
    /// Bytes; set before connect, because the SYN fixes the window scale (RFC 7323).
    std::optional<int> send_buffer{};
    /// As send_buffer, for what is received.
    std::optional<int> receive_buffer{};
    /// The DSCP and ECN byte, 0 to 255 (RFC 2474).
    std::optional<int> type_of_service{};
    /// Ends the connection when sent data is not acknowledged within this time (RFC 5482;
    /// TCP_USER_TIMEOUT on Linux, TCP_MAXRT in whole seconds on Windows).
    std::optional<duration> user_timeout{};
    /// The network interface to use (SO_BINDTODEVICE, Linux; socket(7)). Before connect.
    std::string device{};
    /// What the system refuses, or a local connection does not have, is left out: no attempt fails
    /// for it.
    bool best_effort = false;

    friend bool operator==(const tuning_options&, const tuning_options&) = default;

    /// errc::invalid_argument, with the option's name as detail, for a value out of range.
    [[nodiscard]] SLK_API result<void> validate() const;
};

} // namespace slk

#endif
