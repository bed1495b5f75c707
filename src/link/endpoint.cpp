// SPDX-License-Identifier: MPL-2.0
#include <serverlink/endpoint.hpp>

#include <algorithm>
#include <charconv>

namespace slk {

namespace {

constexpr std::string_view scheme = "tcp://";
constexpr std::size_t longest_host = 253; // RFC 1035 section 2.3.4, as text

unexpected bad(const char* what)
{
    return fail(errc::invalid_argument, phase::setup, what);
}

struct host_and_port {
    std::string_view host;
    std::optional<std::string_view> port;
};

/// Splits "HOST", "HOST:PORT", "[V6]" and "[V6]:PORT".
result<host_and_port> split(std::string_view text)
{
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos)
            return bad("a bracket is not closed");
        const std::string_view rest = text.substr(end + 1);
        const std::string_view host = text.substr(1, end - 1);
        if (host.find(':') == std::string_view::npos)
            return bad("brackets are for IPv6 addresses");
        if (rest.empty())
            return host_and_port{host, std::nullopt};
        if (!rest.starts_with(':'))
            return bad("there is something between the bracket and the port");
        return host_and_port{host, rest.substr(1)};
    }
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos)
        return host_and_port{text, std::nullopt};
    if (text.find(':', colon + 1) != std::string_view::npos)
        return bad("an IPv6 address needs brackets");
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
        return bad("the port is not a number from 0 to 65535");
    return port;
}

bool is_host_character(char c)
{
    return c > ' ' && c < '\x7f' && c != '/' && c != ';' && c != '@' && c != '[' && c != ']';
}

} // namespace

result<endpoint> endpoint::parse(std::string_view text)
{
    if (!text.starts_with(scheme))
        return bad("an endpoint begins with tcp://");
    text.remove_prefix(scheme.size());

    endpoint parsed;
    if (const std::size_t semicolon = text.find(';'); semicolon != std::string_view::npos) {
        SLK_TRY(const host_and_port from, split(text.substr(0, semicolon)));
        std::uint16_t port = 0;
        if (from.port) {
            SLK_TRY(port, parse_port(*from.port));
        }
        auto source = address::parse(from.host, port);
        if (!source)
            return bad("the source before ';' is not a numeric address");
        parsed.source = *source;
        text.remove_prefix(semicolon + 1);
    }

    SLK_TRY(const host_and_port to, split(text));
    if (!to.port)
        return bad("the port is missing");
    SLK_TRY(parsed.port, parse_port(*to.port));
    if (to.host.empty())
        return bad("the host is missing");
    if (to.host.size() > longest_host)
        return bad("the host is longer than 253 characters");
    if (!std::ranges::all_of(to.host, is_host_character))
        return bad("the host has a character that no host name has");
    parsed.host = to.host;
    if (parsed.host.find(':') != std::string::npos && !parsed.numeric())
        return bad("the text in brackets is not an IPv6 address");
    return parsed;
}

std::optional<address> endpoint::numeric() const
{
    if (host == "*")
        return address::any(address_family::ipv4, port);
    if (auto parsed = address::parse(host, port))
        return *parsed;
    return std::nullopt;
}

std::string to_string(const endpoint& value)
{
    std::string text(scheme);
    if (value.source) {
        text += to_string(*value.source);
        text += ';';
    }
    const bool brackets = value.host.find(':') != std::string::npos;
    text += brackets ? "[" + value.host + "]" : value.host;
    text += ':';
    text += std::to_string(value.port);
    return text;
}

} // namespace slk
