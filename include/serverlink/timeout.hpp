// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_TIMEOUT_HPP
#define SERVERLINK_TIMEOUT_HPP

/// slk::timeout: how long a call may wait, and what else may end the waiting.

#include <serverlink/clock.hpp>

#include <chrono>
#include <stop_token>
#include <utility>

namespace slk {

/// The time counts from the call. By default a call waits without a limit.
///
///     socket.receive(into, 200ms);            // errc::timed_out after that
///     socket.receive(into, slk::no_wait);     // errc::would_block instead of waiting
///     socket.receive(into, token);            // errc::cancelled once a stop is requested
///     socket.receive(into, {200ms, token});
struct timeout {
    /// The time that the call may wait; no limit by default.
    duration max_wait = duration::max();
    /// Ends the waiting when a stop is requested.
    std::stop_token stop{};

    timeout() noexcept = default;
    /// A time that slk::duration cannot hold counts as no limit.
    template <class Number, class Period>
    timeout(std::chrono::duration<Number, Period> max) noexcept : max_wait(saturated(max))
    {
    }
    timeout(std::stop_token token) noexcept : stop(std::move(token)) {}
    template <class Number, class Period>
    timeout(std::chrono::duration<Number, Period> max, std::stop_token token) noexcept
        : max_wait(saturated(max)), stop(std::move(token))
    {
    }
};

/// For calls that must not wait.
inline constexpr duration no_wait = duration::zero();

} // namespace slk

#endif
