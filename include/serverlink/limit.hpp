// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_LIMIT_HPP
#define SERVERLINK_LIMIT_HPP

/// slk::limit: how long a call may wait, and what else may end the waiting.

#include <serverlink/clock.hpp>

#include <chrono>
#include <stop_token>
#include <utility>

namespace slk {

/// The time counts from the call. Without a limit a call waits for as long as it takes.
///
///     socket.receive(into, 200ms);            // errc::timed_out after that
///     socket.receive(into, slk::at_once);     // errc::would_block instead of waiting
///     socket.receive(into, token);            // errc::cancelled once a stop is requested
///     socket.receive(into, {200ms, token});
struct limit {
    duration at_most = duration::max();
    std::stop_token stop{};

    limit() noexcept = default;
    template <class Number, class Period>
    limit(std::chrono::duration<Number, Period> longest) noexcept : at_most(longest)
    {
    }
    limit(std::stop_token token) noexcept : stop(std::move(token)) {}
    template <class Number, class Period>
    limit(std::chrono::duration<Number, Period> longest, std::stop_token token) noexcept
        : at_most(longest), stop(std::move(token))
    {
    }
};

inline constexpr duration at_once = duration::zero();

} // namespace slk

#endif
