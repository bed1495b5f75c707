// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_HERD_POLICY_HPP
#define SLK_TOOL_HERD_POLICY_HPP

/// The delays between attempts in other libraries, for comparison. Each is the formula of a
/// library's sources or of a publication; docs/herd.md describes them.

#include <serverlink/clock.hpp>
#include <serverlink/random.hpp>
#include <serverlink/reconnect.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace slk::tool::herd {

/// The state of one client between its attempts.
struct retry_state {
    std::uint32_t retries = 0; ///< since the last reset
    duration previous{};       ///< the delay before this one; 0 after a reset
};

/// What resets a policy to its shortest delay.
enum class reset_rule : std::uint8_t {
    at_connect,  ///< a TCP connection
    when_useful, ///< bytes from the peer
};

struct policy {
    std::string_view name;  ///< on the command line
    std::string_view title; ///< in tables
    /// Null for serverlink, whose links have their own delays.
    duration (*delay)(retry_state& client, random_stream& random) = nullptr;
    /// The maximum of the delays. Clients in lockstep return after this time.
    duration max{};
    reset_rule reset = reset_rule::when_useful;
    /// The delay counts from the beginning of the attempt that failed, not from its end.
    bool from_beginning = false;
};

/// serverlink first.
[[nodiscard]] std::span<const policy> policies() noexcept;
/// Null: there is no policy of this name.
[[nodiscard]] const policy* find_policy(std::string_view name) noexcept;
/// "serverlink, libzmq, ..."
[[nodiscard]] std::string policy_names();

/// The maximum of the delays, also for serverlink.
[[nodiscard]] duration max_delay(const policy& which, const reconnect_options& options) noexcept;

} // namespace slk::tool::herd

#endif
