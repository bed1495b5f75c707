// SPDX-License-Identifier: MPL-2.0
#include <serverlink/address.hpp>

#include "base/try_allocate.hpp"
#include "io/os/posix/sockaddr.hpp"
#include "io/os/system.hpp"

#include <charconv>

#include <arpa/inet.h>

namespace slk {

namespace {

constexpr const char* not_numeric = "not a numeric address";

/// The part after '%': an interface's index or its name (RFC 4007 section 11.2).
result<std::uint32_t> parse_scope(std::string_view text)
{
    std::uint32_t index = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, code] = std::from_chars(text.data(), end, index);
    if (code == std::errc{} && stop == end && index != 0)
        return index;
    index = io::os::interface_index(text);
    if (index == 0)
        return fail(errc::invalid_argument, phase::resolve, "no network interface of that name");
    return index;
}

bool parse_bytes(address& value, int family, std::string_view text) noexcept
{
    char terminated[INET6_ADDRSTRLEN] = {};
    if (text.size() >= sizeof terminated || text.find('\0') != std::string_view::npos)
        return false;
    text.copy(terminated, text.size());
    return ::inet_pton(family, terminated, value.bytes.data()) == 1;
}

} // namespace

result<address> address::parse(std::string_view host, std::uint16_t port)
{
    address value;
    value.port = port;
    if (host.find('\0') != std::string_view::npos)
        return fail(errc::invalid_argument, phase::resolve, not_numeric);
    if (parse_bytes(value, AF_INET, host)) {
        value.family = address_family::ipv4;
        return value;
    }
    const std::size_t percent = host.find('%');
    if (!parse_bytes(value, AF_INET6, host.substr(0, percent)))
        return fail(errc::invalid_argument, phase::resolve, not_numeric);
    value.family = address_family::ipv6;
    if (percent != std::string_view::npos) {
        SLK_TRY(value.scope, parse_scope(host.substr(percent + 1)));
    }
    return value;
}

std::string to_string(const address& value)
{
    if (value.family == address_family::local)
        return "ipc";
    char text[INET6_ADDRSTRLEN] = {};
    const int family = io::os::native_family(value.family);
    if (value.family == address_family::none ||
        ::inet_ntop(family, value.bytes.data(), text, sizeof text) == nullptr)
        return "-";
    const number_text port(value.port), scope(value.scope);
    if (value.family == address_family::ipv4)
        return joined({text, ":", port});
    return value.scope != 0 ? joined({"[", text, "%", scope, "]:", port})
                            : joined({"[", text, "]:", port});
}

} // namespace slk
