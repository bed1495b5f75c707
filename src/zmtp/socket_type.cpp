// SPDX-License-Identifier: MPL-2.0
#include "zmtp/socket_type.hpp"

namespace slk::zmtp {

namespace {

using enum socket_type;

/// RFC 23, "the Socket-Type property": the peers of each type, one bit each.
constexpr std::uint16_t bit(socket_type which) noexcept
{
    return static_cast<std::uint16_t>(1u << static_cast<unsigned>(which));
}

template <class... Types>
constexpr std::uint16_t set_of(Types... types) noexcept
{
    return static_cast<std::uint16_t>((bit(types) | ...));
}

std::uint16_t partners(socket_type own) noexcept
{
    switch (own) {
    case pair: return set_of(pair);
    case pub:
    case xpub: return set_of(sub, xsub);
    case sub:
    case xsub: return set_of(pub, xpub);
    case req: return set_of(rep, router);
    case rep: return set_of(req, dealer);
    case dealer: return set_of(rep, dealer, router);
    case router: return set_of(req, dealer, router);
    case pull: return set_of(push);
    case push: return set_of(pull);
    case stream: break;
    }
    return 0;
}

} // namespace

std::string_view name_of(socket_type which) noexcept
{
    switch (which) {
    case pair: return "PAIR";
    case pub: return "PUB";
    case sub: return "SUB";
    case req: return "REQ";
    case rep: return "REP";
    case dealer: return "DEALER";
    case router: return "ROUTER";
    case pull: return "PULL";
    case push: return "PUSH";
    case xpub: return "XPUB";
    case xsub: return "XSUB";
    case stream: return "STREAM";
    }
    return "";
}

std::optional<socket_type> socket_type_named(std::string_view name) noexcept
{
    for (std::size_t number = 0; number < socket_type_count; ++number)
        if (name_of(static_cast<socket_type>(number)) == name)
            return static_cast<socket_type>(number);
    return std::nullopt;
}

bool may_talk(socket_type own, socket_type peer) noexcept
{
    return (partners(own) & bit(peer)) != 0;
}

bool sends_identity(socket_type which) noexcept
{
    return (set_of(req, dealer, router) & bit(which)) != 0;
}

bool is_publisher(socket_type which) noexcept
{
    return (set_of(pub, xpub) & bit(which)) != 0;
}

} // namespace slk::zmtp
