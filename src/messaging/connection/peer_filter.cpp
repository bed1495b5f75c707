// SPDX-License-Identifier: MPL-2.0
#include "messaging/connection/peer_filter.hpp"

#include "io/os/credentials.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace slk {

namespace {

constexpr std::size_t mapped_prefix = 12; ///< ::ffff:0:0/96 (RFC 4291 section 2.5.5.2)

/// An IPv4 address that is mapped into IPv6 becomes itself.
address unmapped(const address& which) noexcept
{
    const auto first = which.bytes.begin();
    if (which.family != address_family::ipv6 ||
        !std::all_of(first, first + 10, [](std::uint8_t each) { return each == 0; }) ||
        which.bytes[10] != 0xFF || which.bytes[11] != 0xFF)
        return which;
    address made;
    made.family = address_family::ipv4;
    made.port = which.port;
    std::copy(first + mapped_prefix, which.bytes.end(), made.bytes.begin());
    return made;
}

constexpr unsigned bits_of(address_family family) noexcept
{
    return family == address_family::ipv4 ? 32 : 128;
}

} // namespace

bool peer_filter::network::contains(const address& which) const noexcept
{
    const address other = unmapped(which);
    if (base.family != other.family)
        return false;
    const unsigned compared = std::min<unsigned>(bits, bits_of(base.family));
    const std::size_t whole = compared / 8;
    if (!std::equal(base.bytes.begin(), base.bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                    other.bytes.begin()))
        return false;
    if (compared % 8 == 0)
        return true;
    const auto mask = static_cast<std::uint8_t>(0xFF << (8 - compared % 8));
    return ((base.bytes[whole] ^ other.bytes[whole]) & mask) == 0;
}

result<peer_filter::network> peer_filter::network::parse(std::string_view text)
{
    constexpr auto bad = [] {
        return fail(errc::invalid_argument, phase::setup, "not an address and a number of bits");
    };
    const std::size_t slash = text.find('/');
    const auto parsed = address::parse(text.substr(0, slash), 0);
    if (!parsed)
        return bad();
    network made{*parsed, static_cast<std::uint8_t>(bits_of(parsed->family))};
    if (slash == std::string_view::npos)
        return made;
    const std::string_view number = text.substr(slash + 1);
    unsigned bits = 0;
    const auto [end, wrong] = std::from_chars(number.data(), number.data() + number.size(), bits);
    if (wrong != std::errc() || end != number.data() + number.size() || bits > made.bits)
        return bad();
    made.bits = static_cast<std::uint8_t>(bits);
    return made;
}

namespace messaging {

namespace {

constexpr error refused{errc::rejected, phase::accept, 0, "no filter lets this peer in"};

} // namespace

result<void> check_peer(const peer_filter& filter, const stream& incoming) noexcept
{
    const address peer = incoming.peer_address();
    if (peer.family != address_family::local) {
        const bool passes =
            filter.networks.empty() || std::ranges::any_of(filter.networks, [&](const auto& each) {
                return each.contains(peer);
            });
        return passes ? result<void>() : fail(refused);
    }
    if (filter.processes.empty() && filter.users.empty() && filter.groups.empty())
        return {};
    SLK_TRY(const io::os::credentials told, io::os::peer_credentials(incoming.native_handle()));
    const auto has = [](const std::vector<std::uint32_t>& all, std::uint32_t one) {
        return std::ranges::find(all, one) != all.end();
    };
    const bool passes = has(filter.users, told.user) || has(filter.groups, told.group) ||
                        (told.process && has(filter.processes, *told.process));
    return passes ? result<void>() : fail(refused);
}

} // namespace messaging

} // namespace slk
