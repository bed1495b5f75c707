// SPDX-License-Identifier: MPL-2.0
#include <serverlink/address.hpp>

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
    index = io::os::interface_index(std::string(text));
    if (index == 0)
        return fail(errc::invalid_argument, phase::resolve, "no network interface of that name");
    return index;
}

} // namespace

result<address> address::parse(std::string_view host, std::uint16_t port)
{
    address value;
    value.port = port;
    std::string text(host);
    if (text.find('\0') != std::string::npos)
        return fail(errc::invalid_argument, phase::resolve, not_numeric);
    if (::inet_pton(AF_INET, text.c_str(), value.bytes.data()) == 1) {
        value.family = address_family::ipv4;
        return value;
    }
    const std::size_t percent = text.find('%');
    if (percent != std::string::npos)
        text.resize(percent);
    if (::inet_pton(AF_INET6, text.c_str(), value.bytes.data()) != 1)
        return fail(errc::invalid_argument, phase::resolve, not_numeric);
    value.family = address_family::ipv6;
    if (percent != std::string::npos) {
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
    const std::string port = std::to_string(value.port);
    if (value.family == address_family::ipv4)
        return std::string(text) + ':' + port;
    const std::string scope = value.scope != 0 ? '%' + std::to_string(value.scope) : std::string();
    return '[' + std::string(text) + scope + "]:" + port;
}

} // namespace slk
