// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_HERD_POLICY_HPP
#define SLK_TOOL_HERD_POLICY_HPP

/// How others wait between two attempts, to be compared with serverlink. Each is the formula of a
/// library's sources or of a publication; docs/herd.md has them in words.

#include <serverlink/clock.hpp>
#include <serverlink/random.hpp>
#include <serverlink/reconnect.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace slk::tool::herd {

/// What one client remembers between its attempts.
struct pace {
    std::uint32_t retries = 0; ///< since the last reset
    duration previous{};       ///< the delay before this one; 0 after a reset
};

/// When a policy begins anew with its shortest delay.
enum class reset_rule : std::uint8_t {
    at_connect,  ///< as soon as TCP is connected
    when_useful, ///< when the peer has said something
};

struct policy {
    std::string_view name;  ///< on the command line
    std::string_view title; ///< in tables
    /// Null for serverlink, whose links wait by themselves.
    duration (*delay)(pace& client, random_stream& random) = nullptr;
    /// No delay is longer. Clients in lockstep come again after this time.
    duration longest{};
    reset_rule reset = reset_rule::when_useful;
    /// The delay counts from the beginning of the attempt that failed, not from its end.
    bool from_beginning = false;
};

/// serverlink first.
[[nodiscard]] std::span<const policy> policies() noexcept;
/// Null: there is none of that name.
[[nodiscard]] const policy* find_policy(std::string_view name) noexcept;
/// "serverlink, libzmq, ..."
[[nodiscard]] std::string policy_names();

/// The longest delay, also for serverlink.
[[nodiscard]] duration max_delay(const policy& which, const reconnect_options& options) noexcept;

} // namespace slk::tool::herd

#endif
