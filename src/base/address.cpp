// SPDX-License-Identifier: MPL-2.0
#include <serverlink/address.hpp>

#include <algorithm>

namespace slk {

namespace {

/// ::ffff:0:0/96, IPv4 addresses in IPv6 form (RFC 4291 section 2.5.5.2).
bool is_mapped_ipv4(const address& value) noexcept
{
    return value.family == address_family::ipv6 &&
           std::all_of(value.bytes.begin(), value.bytes.begin() + 10,
                       [](std::uint8_t byte) { return byte == 0; }) &&
           value.bytes[10] == 0xff && value.bytes[11] == 0xff;
}

} // namespace

address address::any(address_family family, std::uint16_t port) noexcept
{
    address wildcard;
    wildcard.family = family;
    wildcard.port = port;
    return wildcard;
}

address address::loopback(address_family family, std::uint16_t port) noexcept
{
    address local = any(family, port);
    if (family == address_family::ipv4) {
        local.bytes[0] = 127;
        local.bytes[3] = 1;
    } else if (family == address_family::ipv6) {
        local.bytes[15] = 1;
    }
    return local;
}

address address::local() noexcept
{
    return any(address_family::local);
}

bool address::is_any() const noexcept
{
    return (family == address_family::ipv4 || family == address_family::ipv6) &&
           std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool address::is_loopback() const noexcept
{
    if (family == address_family::ipv4)
        return bytes[0] == 127;
    if (is_mapped_ipv4(*this))
        return bytes[12] == 127;
    return family == address_family::ipv6 && bytes == loopback(family, 0).bytes;
}

bool address::is_link_local_ipv6() const noexcept
{
    return family == address_family::ipv6 && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

} // namespace slk
