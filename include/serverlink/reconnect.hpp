// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_RECONNECT_HPP
#define SERVERLINK_RECONNECT_HPP

/// When a link tries again, and when it does not: delays, deadlines, and the meaning of each kind
/// of failure.
///
/// The delay before retry n (n = 0 is the first) is
///
///    floor + U[0, min(cap, base * 2^n)]
///
/// with U a uniform random number: "full jitter" (Brooker, "Exponential Backoff And Jitter", AWS
/// Architecture Blog, 2015) above a floor. With the defaults the first retry comes after 100 to 200
/// ms and no delay exceeds 5.1 s. A listener with N links that accepts C connections per second
/// needs a cap of at least 2 N / C.

#include <serverlink/clock.hpp>
#include <serverlink/error.hpp>
#include <serverlink/export.hpp>
#include <serverlink/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace slk {

/// The class of a failure decides about the retry. Every slk::errc belongs to exactly one class.
enum class failure_class : std::uint8_t {
    refused, ///< no listener at any of the addresses; also a self-connect
    unreachable, ///< no route, host or network down
    timed_out, ///< the attempt's deadline, or the system's
    name_not_found, ///< the name does not exist
    name_lookup_failed, ///< the name service failed
    no_local_port, ///< ephemeral ports used up, or the source port is taken
    out_of_resources, ///< descriptors, memory or kernel buffers of this machine
    bad_local_address, ///< the source address or device is not this machine's
    permission, ///< a firewall or a prohibited route
    connection_lost, ///< an established link broke: reset, aborted, broken pipe
    peer_closed, ///< the peer ended an established link in order
    closed_locally, ///< the owner closed the stream
    protocol, ///< the peer does not speak the protocol
    authentication, ///< the peer refused the credentials
    unsupported, ///< this system does not support it
    other, ///< everything else: the peer rejects this side, unknown codes, ...
};
/// The number of classes.
inline constexpr std::size_t failure_class_count = 16;

[[nodiscard]] SLK_API std::string_view name_of(failure_class value) noexcept;
/// Returns the class of a failure.
[[nodiscard]] SLK_API failure_class classify(const error& failure) noexcept;

/// What a failure means for the next attempt.
enum class retry_rule : std::uint8_t {
    retry, ///< after the delay of the formula
    retry_slowly, ///< as if the delay had grown to its cap: floor + U[cap / 2, cap]
    stop, ///< the link goes to idle and keeps the reason; start() re-arms it
};

[[nodiscard]] SLK_API std::string_view name_of(retry_rule value) noexcept;

/// One rule per failure class. The default retries everything. Failures that time will hardly mend
/// (a name that does not exist, a refused password, a routing id that is taken, a source address
/// that is not this machine's) are retried slowly.
class retry_policy {
public:
    SLK_API retry_policy() noexcept;
    /// The default, with `stop` for refused connections.
    [[nodiscard]] static retry_policy stop_on_refused() noexcept
    {
        retry_policy policy;
        policy.set(failure_class::refused, retry_rule::stop);
        return policy;
    }

    /// Changes the rule of a class.
    void set(failure_class which, retry_rule rule) noexcept
    {
        rules_[static_cast<std::size_t>(which)] = rule;
    }
    [[nodiscard]] retry_rule operator[](failure_class which) const noexcept
    {
        return rules_[static_cast<std::size_t>(which)];
    }

private:
    std::array<retry_rule, failure_class_count> rules_;
};

/// What proves a connection useful. Only a link that was proved useful and lived for a while resets
/// the backoff: a server that accepts and closes at once must not be tried at the shortest delay
/// for ever.
enum class usefulness : std::uint8_t {
    first_receive, ///< the first received byte
    connected, ///< the connection itself; for protocols in which the peer never speaks
    confirmed, ///< link::confirm_useful(), for example after the protocol's handshake
};

/// When a link tries again.
struct reconnect_options {
    /// The range of the first delay. 0: retry at once (floor and cap do not count), at most 100
    /// attempts a second. `reconnect_never`: no retry; the link stops with the reason.
    duration base = std::chrono::milliseconds(100);
    /// Added to every delay.
    duration floor = std::chrono::milliseconds(100);
    /// The limit of the random part; at least `base`.
    duration cap = std::chrono::seconds(5);

    /// One deadline over name lookup, bind, connect and tuning, for all addresses of the name
    /// together. 0: only the system's own limits (130 s on Linux, 21 s on Windows).
    duration connect_timeout = std::chrono::seconds(5);

    /// The addresses of a name are raced (RFC 8305): each one begins `address_stagger` after the
    /// one before it, or as soon as one has failed. The first that connects wins, and the others
    /// are closed. The families alternate, beginning with the one that the system's resolver
    /// prefers. 100 ms to 2 s; the connection attempt delay of RFC 8305 section 5.
    duration address_stagger = std::chrono::milliseconds(250);

    /// The minimum life of a connection that resets n. It must also be as long as the delay before
    /// it.
    duration stable_after = std::chrono::seconds(1);
    /// What proves a connection useful.
    usefulness useful_when = usefulness::first_receive;

    /// Delays the very first attempt by U[0, base], for fleets that start together.
    bool spread_first_attempt = false;

    /// What each kind of failure means.
    retry_policy policy{};

    /// errc::invalid_argument, with the option's name as detail, for a value out of range. No value
    /// is clamped silently.
    [[nodiscard]] SLK_API result<void> validate() const;
};

/// For reconnect_options::base: no retry.
inline constexpr duration reconnect_never = std::chrono::milliseconds(-1);

/// Returns the delay before retry number `retry` (0 is the first), from 64 random bits. Saturates;
/// valid for every `retry`. `options.base` must be greater than 0.
[[nodiscard]] SLK_API duration backoff_delay(const reconnect_options& options, std::uint32_t retry,
                                             std::uint64_t random) noexcept;
/// Returns the delay of retry_rule::retry_slowly.
[[nodiscard]] SLK_API duration slow_backoff_delay(const reconnect_options& options,
                                                  std::uint64_t random) noexcept;

} // namespace slk

#endif
