// SPDX-License-Identifier: MPL-2.0
#include <serverlink/address.hpp>

#include "base/try_allocate.hpp"
#include "io/os/system.hpp"
#include "io/os/windows/winsock.hpp"

#include <charconv>
#include <cstring>

namespace slk {

namespace {

/// Reads "12" or an interface's name. 0: neither.
std::uint32_t parse_scope(std::string_view text)
{
    std::uint32_t index = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), index);
    if (failed == std::errc{} && end == text.data() + text.size())
        return index;
    return io::os::interface_index(text);
}

bool parse_bytes(address& value, int family, std::string_view text) noexcept
{
    char terminated[INET6_ADDRSTRLEN] = {};
    if (text.empty() || text.size() >= sizeof terminated ||
        text.find('\0') != std::string_view::npos)
        return false;
    text.copy(terminated, text.size());
    return inet_pton(family, terminated, value.bytes.data()) == 1;
}

} // namespace

result<address> address::parse(std::string_view host, std::uint16_t port)
{
    address value;
    value.port = port;
    value.family = address_family::ipv4;
    if (parse_bytes(value, AF_INET, host))
        return value;
    value.family = address_family::ipv6;
    value.bytes = {};
    const std::size_t percent = host.find('%');
    const bool scoped = percent != std::string_view::npos;
    if (scoped)
        value.scope = parse_scope(host.substr(percent + 1));
    if ((scoped && value.scope == 0) || !parse_bytes(value, AF_INET6, host.substr(0, percent)))
        return fail(errc::invalid_argument, phase::resolve, "not a numeric address");
    return value;
}

std::string to_string(const address& value)
{
    if (value.family == address_family::local)
        return "ipc";
    char text[INET6_ADDRSTRLEN] = {};
    if (value.family == address_family::none ||
        inet_ntop(io::os::windows::number_of(value.family), value.bytes.data(), text,
                  sizeof text) == nullptr)
        return "-";
    const number_text port(value.port), scope(value.scope);
    if (value.family == address_family::ipv4)
        return joined({text, ":", port});
    return value.scope != 0 ? joined({"[", text, "%", scope, "]:", port})
                            : joined({"[", text, "]:", port});
}

namespace io::os::windows {

int number_of(address_family family) noexcept
{
    switch (family) {
    case address_family::ipv4: return AF_INET;
    case address_family::ipv6: return AF_INET6;
    case address_family::local: // no socket of this library's on Windows has this family
    case address_family::none: break;
    }
    return AF_UNSPEC;
}

socket_address to_system(const address& value) noexcept
{
    socket_address made;
    if (value.family == address_family::ipv4) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(value.port);
        std::memcpy(&v4.sin_addr, value.bytes.data(), sizeof v4.sin_addr);
        std::memcpy(&made.storage, &v4, sizeof v4);
        made.length = sizeof v4;
    } else {
        sockaddr_in6 v6{};
        v6.sin6_family = static_cast<decltype(v6.sin6_family)>(number_of(value.family));
        v6.sin6_port = htons(value.port);
        v6.sin6_scope_id = value.scope;
        std::memcpy(&v6.sin6_addr, value.bytes.data(), sizeof v6.sin6_addr);
        std::memcpy(&made.storage, &v6, sizeof v6);
        made.length = sizeof v6;
    }
    return made;
}

address from_system(const sockaddr* value) noexcept
{
    address made;
    if (value->sa_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, value, sizeof v4);
        made.family = address_family::ipv4;
        made.port = ntohs(v4.sin_port);
        std::memcpy(made.bytes.data(), &v4.sin_addr, sizeof v4.sin_addr);
    } else if (value->sa_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, value, sizeof v6);
        made.family = address_family::ipv6;
        made.port = ntohs(v6.sin6_port);
        made.scope = v6.sin6_scope_id;
        std::memcpy(made.bytes.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
    }
    return made;
}

} // namespace io::os::windows

} // namespace slk
