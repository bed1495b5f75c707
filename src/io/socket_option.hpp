// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_SOCKET_OPTION_HPP
#define SLK_IO_SOCKET_OPTION_HPP

/// The socket options that links set, by meaning. Each system's file under io/os maps them to its
/// own numbers and returns errc::not_supported for missing ones.

#include <cstdint>
#include <string_view>

namespace slk::io {

enum class socket_option : std::uint8_t {
    no_delay,            ///< 0 or 1; TCP_NODELAY
    keep_alive,          ///< 0 or 1; SO_KEEPALIVE
    keep_alive_idle,     ///< seconds before the first probe; TCP_KEEPIDLE
    keep_alive_interval, ///< seconds between probes; TCP_KEEPINTVL
    keep_alive_count,    ///< probes before the connection is dead; TCP_KEEPCNT
    send_buffer,         ///< bytes; SO_SNDBUF
    receive_buffer,      ///< bytes; SO_RCVBUF; before connect, or window scaling is not affected
    type_of_service,     ///< 0 to 255; IP_TOS or IPV6_TCLASS
    user_timeout,        ///< milliseconds; TCP_USER_TIMEOUT (RFC 5482), TCP_MAXRT on Windows
};

enum class close_mode : std::uint8_t {
    graceful, ///< FIN; the system goes on sending what it has (RST if unread data is left)
    reset,    ///< RST at once (SO_LINGER with zero); unsent data is gone
};

struct listen_settings {
    /// Clamped by the system (somaxconn).
    int backlog = 1024;
    /// On an IPv6 wildcard: accept IPv4 clients too (IPV6_V6ONLY off).
    bool dual_stack = false;
    /// The path of a local socket: see slk::endpoint. It may end when the call returns.
    std::string_view path{};
    /// Listens already, and is taken over, also if the call fails; -1: a new one is opened.
    std::intptr_t descriptor = -1;
};

} // namespace slk::io

#endif
