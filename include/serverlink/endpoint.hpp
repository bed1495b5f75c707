// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_ENDPOINT_HPP
#define SERVERLINK_ENDPOINT_HPP

/// slk::endpoint: where to connect to or listen on, as written by people.
///
///     tcp://HOST:PORT               HOST is a name, an IPv4 address, or [an IPv6 address]
///     tcp://SOURCE;HOST:PORT        connect from the numeric address SOURCE, any port
///     tcp://SOURCE:PORT;HOST:PORT   connect from exactly there
///     tcp://*:PORT                  listen on every IPv4 address; tcp://[::]:PORT for IPv6
///
/// PORT is 1 to 65535; 0 and * mean "any free port" where a listener is meant.

#include <serverlink/address.hpp>
#include <serverlink/export.hpp>
#include <serverlink/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace slk {

struct endpoint {
    std::string host;        ///< without brackets; "*" for the wildcard
    std::uint16_t port = 0;  ///< 0: any free port
    std::optional<address> source{};

    /// errc::invalid_argument, with what is wrong as detail.
    [[nodiscard]] static SLK_API result<endpoint> parse(std::string_view text);

    /// The address, if the host is numeric or the wildcard; empty if it is a name.
    [[nodiscard]] SLK_API std::optional<address> numeric() const;

    friend bool operator==(const endpoint&, const endpoint&) = default;
};

/// The text that parse reads.
[[nodiscard]] SLK_API std::string to_string(const endpoint& value);

} // namespace slk

#endif
