// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_PEER_FILTER_HPP
#define SERVERLINK_PEER_FILTER_HPP

/// slk::peer_filter: which peers a bound socket accepts, by what the system says about them.

#include <serverlink/address.hpp>
#include <serverlink/export.hpp>
#include <serverlink/result.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace slk {

/// A connection that passes no filter of its transport is closed before a byte is read: the event
/// accept_refused, not_supported where the system does not tell what a filter asks for. Empty lists
/// accept all.
struct peer_filter {
    /// Addresses with the same first `bits` bits; their ports do not count. An IPv4 address that is
    /// mapped into IPv6 is itself.
    struct network {
        address base{}; ///< whose first bits count
        std::uint8_t bits = 128; ///< how many of them

        friend bool operator==(const network&, const network&) = default;
        /// Returns whether an address is one of them.
        [[nodiscard]] SLK_API bool contains(const address& which) const noexcept;
        /// Reads "192.0.2.0/24", "2001:db8::/32", or an address alone. Errors: invalid_argument.
        [[nodiscard]] static SLK_API result<network> parse(std::string_view text);
    };

    /// tcp: one of them contains the peer's address.
    std::vector<network> networks{};
    // ipc: the peer's process, user or group is one of these, as they were when it connected
    // (unix(7)). Not on Windows; processes on Linux alone.
    std::vector<std::uint32_t> processes{};
    std::vector<std::uint32_t> users{};
    std::vector<std::uint32_t> groups{};

    friend bool operator==(const peer_filter&, const peer_filter&) = default;
};

} // namespace slk

#endif
