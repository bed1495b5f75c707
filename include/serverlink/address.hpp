// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_ADDRESS_HPP
#define SERVERLINK_ADDRESS_HPP

/// slk::address: a numeric IP address and a port, without any system header.
///
/// The address of a Unix domain socket (address_family::local) has only its family. The path is not
/// in it, so that an address stays small and cheap to copy. Code that needs the path keeps it
/// beside the address, as slk::endpoint does.

#include <serverlink/export.hpp>
#include <serverlink/result.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace slk {

/// The kind of an address; none: there is no address.
enum class address_family : std::uint8_t { none = 0, ipv4, ipv6, local };

struct address {
    /// Decides about the meaning of the other members.
    address_family family = address_family::none;
    std::uint16_t port = 0; ///< host byte order
    std::uint32_t scope = 0; ///< IPv6 interface index (RFC 4007), 0 where none is needed
    std::array<std::uint8_t, 16> bytes{}; ///< network byte order; IPv4 uses the first four

    friend bool operator==(const address&, const address&) = default;

    /// The wildcard, 0.0.0.0 or ::, for binding.
    [[nodiscard]] static SLK_API address any(address_family family,
                                             std::uint16_t port = 0) noexcept;
    /// The loopback address, 127.0.0.1 or ::1.
    [[nodiscard]] static SLK_API address loopback(address_family family,
                                                  std::uint16_t port) noexcept;
    /// A Unix domain socket, whatever its path.
    [[nodiscard]] static SLK_API address local() noexcept;
    /// Reads "192.0.2.1", "2001:db8::1", "fe80::1%eth0" (without brackets and port).
    /// errc::invalid_argument if the host is not numeric. Never asks a name service.
    [[nodiscard]] static SLK_API result<address> parse(std::string_view host, std::uint16_t port);

    /// True for the wildcard, 0.0.0.0 or ::.
    [[nodiscard]] SLK_API bool is_any() const noexcept;
    /// True for 127.0.0.0/8, ::1, and 127.0.0.0/8 mapped into IPv6.
    [[nodiscard]] SLK_API bool is_loopback() const noexcept;
    /// True for fe80::/10 (RFC 4291 section 2.5.6), which has no meaning without a scope.
    [[nodiscard]] SLK_API bool is_link_local_ipv6() const noexcept;
};

static_assert(std::is_trivially_copyable_v<address>);

/// "192.0.2.1:80", "[2001:db8::1]:80", "[fe80::1%2]:80"; "ipc" for a Unix domain socket,
/// "-" for an address without a family. Empty when memory is exhausted.
[[nodiscard]] SLK_API std::string to_string(const address& value);

} // namespace slk

#endif
