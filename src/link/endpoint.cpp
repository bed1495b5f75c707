// SPDX-License-Identifier: MPL-2.0
#include <serverlink/endpoint.hpp>

#include "base/try_allocate.hpp"
#include "link/endpoint_rules.hpp"

#include <algorithm>
#include <charconv>

namespace slk {

namespace {

constexpr std::size_t max_host = 253; // RFC 1035 section 2.3.4, as text
constexpr std::size_t max_path = 107; // unix(7): sun_path, with the NUL behind it

unexpected bad_endpoint(const char* what)
{
    return fail(errc::invalid_argument, phase::setup, what);
}

struct host_and_port {
    std::string_view host;
    std::optional<std::string_view> port;
};

/// Splits "HOST", "HOST:PORT", "[V6]", "[V6]:PORT" and "V6:PORT", at the last colon.
result<host_and_port> split(std::string_view text)
{
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos)
            return bad_endpoint("a bracket is not closed");
        const std::string_view rest = text.substr(end + 1);
        const std::string_view host = text.substr(1, end - 1);
        if (host.find(':') == std::string_view::npos)
            return bad_endpoint("brackets are for IPv6 addresses");
        if (rest.empty())
            return host_and_port{host, std::nullopt};
        if (!rest.starts_with(':'))
            return bad_endpoint("there is something between the bracket and the port");
        return host_and_port{host, rest.substr(1)};
    }
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos)
        return host_and_port{text, std::nullopt};
    return host_and_port{text.substr(0, colon), text.substr(colon + 1)};
}

result<std::uint16_t> parse_port(std::string_view text)
{
    if (text == "*")
        return std::uint16_t{0};
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, problem] = std::from_chars(text.data(), end, port);
    if (problem != std::errc{} || stopped != end)
        return bad_endpoint("the port is not a number from 0 to 65535");
    return port;
}

bool is_host_character(char c)
{
    return c > ' ' && c < '\x7f' && c != '/' && c != ';' && c != '@' && c != '[' && c != ']';
}

/// A name, an interface's name or a numeric address.
result<void> check_host(std::string_view host)
{
    if (host.size() > max_host)
        return bad_endpoint("the host is longer than 253 characters");
    if (!std::ranges::all_of(host, is_host_character))
        return bad_endpoint("the host has a character that no host name has");
    if (host.starts_with('-'))
        return bad_endpoint("no host name begins with '-'");
    if (host.find(':') == std::string_view::npos)
        return {};
    const auto numeric = address::parse(host, 0);
    if (!numeric && host.find('%') != std::string_view::npos &&
        address::parse(host.substr(0, host.find('%')), 0))
        return bad_endpoint("the scope is not a network interface of this machine");
    if (!numeric)
        return bad_endpoint("the host is not an IPv6 address");
    return {};
}

result<void> parse_source(std::string_view text, endpoint& into)
{
    SLK_TRY(const host_and_port from, split(text));
    if (from.host.empty())
        return bad_endpoint("the source before ';' is missing");
    if (from.host.starts_with('*'))
        return bad_endpoint("the source before ';' cannot be '*'");
    std::uint16_t port = 0;
    if (from.port) {
        SLK_TRY(port, parse_port(*from.port));
    }
    SLK_TRY(check_host(from.host));
    if (!try_assign(into.source, from.host))
        return fail(errc::out_of_memory, phase::setup);
    into.source_port = port;
    return {};
}

result<endpoint> parse_tcp(std::string_view text)
{
    endpoint parsed;
    if (const std::size_t semicolon = text.find(';'); semicolon != std::string_view::npos) {
        SLK_TRY(parse_source(text.substr(0, semicolon), parsed));
        text.remove_prefix(semicolon + 1);
    }
    SLK_TRY(const host_and_port to, split(text));
    if (!to.port)
        return bad_endpoint("the port is missing");
    SLK_TRY(parsed.port, parse_port(*to.port));
    if (to.host.empty())
        return bad_endpoint("the host is missing");
    SLK_TRY(check_host(to.host));
    if (!try_assign(parsed.host, to.host))
        return fail(errc::out_of_memory, phase::setup);
    return parsed;
}

result<void> check_path(std::string_view path)
{
    if (path.empty())
        return bad_endpoint("the path is missing");
    if (path == "@")
        return bad_endpoint("the abstract name after '@' is missing");
    if (path.size() > max_path)
        return bad_endpoint("the path is longer than 107 bytes");
    if (path.find('\0') != std::string_view::npos)
        return bad_endpoint("the path has a NUL in it");
    return {};
}

} // namespace

std::string_view name_of(transport value) noexcept
{
    switch (value) {
    case transport::tcp: return "tcp";
    case transport::ipc: return "ipc";
    case transport::inproc: return "inproc";
    }
    return "?";
}

result<endpoint> endpoint::parse(std::string_view text)
{
    constexpr std::string_view separator = "://";
    const std::size_t end = text.find(separator);
    if (end == std::string_view::npos)
        return bad_endpoint("there is no '://', as in tcp://HOST:PORT");
    const std::string_view scheme = text.substr(0, end);
    const std::string_view rest = text.substr(end + separator.size());
    if (scheme.empty())
        return bad_endpoint("the transport before '://' is missing");
    if (scheme == name_of(transport::tcp))
        return rest.empty() ? bad_endpoint("the host and the port are missing") : parse_tcp(rest);

    endpoint parsed;
    if (!try_assign(parsed.host, rest))
        return fail(errc::out_of_memory, phase::setup);
    if (scheme == name_of(transport::ipc)) {
        parsed.transport = transport::ipc;
        SLK_TRY(check_path(rest));
        return parsed;
    }
    if (scheme != name_of(transport::inproc))
        return fail(errc::not_supported, phase::setup, "the transport is not tcp, ipc or inproc");
    parsed.transport = transport::inproc;
    if (rest.empty())
        return bad_endpoint("the name is missing");
    return parsed;
}

endpoint endpoint::of(const address& given)
{
    endpoint made;
    if (given.family != address_family::ipv4 && given.family != address_family::ipv6)
        return made;
    // "HOST:PORT" or "[HOST]:PORT"
    made.host = to_string(given);
    made.host.resize(made.host.rfind(':') != std::string::npos ? made.host.rfind(':') : 0);
    if (made.host.starts_with('[')) {
        made.host.pop_back();
        made.host.erase(0, 1);
    }
    made.port = given.port;
    return made;
}

std::optional<address> endpoint::numeric() const
{
    if (transport == transport::ipc)
        return address::local();
    if (transport == transport::inproc)
        return std::nullopt;
    if (host == "*")
        return address::any(address_family::ipv4, port);
    if (auto parsed = address::parse(host, port))
        return *parsed;
    return std::nullopt;
}

namespace {

bool wants_brackets(std::string_view host) noexcept
{
    return host.find(':') != std::string_view::npos;
}

} // namespace

std::string to_string(const endpoint& value)
{
    const std::string_view scheme = name_of(value.transport);
    if (value.transport != transport::tcp)
        return joined({scheme, "://", value.host});
    const bool six = wants_brackets(value.host);
    const number_text port(value.port);
    if (value.source.empty())
        return joined({scheme, "://", six ? "[" : "", value.host, six ? "]" : "", ":", port});
    const bool source_six = wants_brackets(value.source);
    const number_text source_port(value.source_port);
    return joined({scheme, "://", source_six ? "[" : "", value.source, source_six ? "]" : "", ":",
                   source_port, ";", six ? "[" : "", value.host, six ? "]" : "", ":", port});
}

} // namespace slk

namespace slk::link_detail {

result<void> check_endpoint(const endpoint& value)
{
    if (value.transport == transport::inproc)
        return bad_endpoint(
            "inproc joins message sockets of one process; it has no links and listeners");
    if (value.host.empty())
        return bad_endpoint("the endpoint has no host");
    if (value.transport == transport::tcp)
        return {};
    if (value.port != 0 || !value.source.empty() || value.source_port != 0)
        return bad_endpoint("ipc has neither a port nor a source");
    return check_path(value.host);
}

result<void> check_supported(const endpoint& value, const io::poller& by)
{
    return value.transport == transport::ipc ? by.check_local_name(value.host) : result<void>{};
}

std::optional<address> choose_address(std::span<const address> of_interface, address_family family,
                                      bool link_local)
{
    std::optional<address> best;
    for (const address& each : of_interface) {
        if (each.family != family)
            continue;
        if (each.is_link_local_ipv6() == link_local)
            return each;
        if (!best)
            best = each;
    }
    return best;
}

} // namespace slk::link_detail
