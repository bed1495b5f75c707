// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_OS_WINDOWS_WINSOCK_HPP
#define SLK_IO_OS_WINDOWS_WINSOCK_HPP

/// Windows Sockets, for the files of os/windows and of the backends for Windows only.

#include <serverlink/address.hpp>
#include <serverlink/result.hpp>

#include "io/socket_table.hpp"

#if !defined(NOMINMAX)
#define NOMINMAX
#endif
#if !defined(WIN32_LEAN_AND_MEAN)
#define WIN32_LEAN_AND_MEAN
#endif
// winsock2.h comes before windows.h, which would include the first version of Windows Sockets.
#include <winsock2.h>

#include <mswsock.h>
#include <windows.h>
#include <ws2tcpip.h>

namespace slk::io::os::windows {

[[nodiscard]] inline SOCKET socket_of(native_handle handle) noexcept
{
    return static_cast<SOCKET>(handle);
}

/// A socket is a file object: completion ports take it as a HANDLE.
[[nodiscard]] inline HANDLE file_of(native_handle handle) noexcept
{
    return reinterpret_cast<HANDLE>(handle);
}

struct socket_address {
    sockaddr_storage storage{};
    int length = sizeof(sockaddr_storage);

    [[nodiscard]] sockaddr* data() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
    [[nodiscard]] const sockaddr* data() const noexcept
    {
        return reinterpret_cast<const sockaddr*>(&storage);
    }
};

/// AF_INET, AF_INET6, or AF_UNSPEC.
[[nodiscard]] int number_of(address_family family) noexcept;
[[nodiscard]] socket_address to_system(const address& value) noexcept;
/// Returns an address without a family for anything but IPv4 and IPv6.
[[nodiscard]] address from_system(const sockaddr* value) noexcept;

/// Asks for one SYN only, where the system supports it: a refused connect to the loopback would
/// otherwise be repeated for about two seconds, because Windows answers a reset with another SYN.
/// Only for a loopback target, which loses no packets. Other systems connect as before.
void do_not_repeat_the_syn(native_handle handle) noexcept;

/// A UDP socket on the loopback that is connected to itself, and does not block: it is readable
/// while there is something that was sent on it. Errors: of the system, not_supported.
[[nodiscard]] result<SOCKET> open_to_itself();

/// Returns WSAGetLastError() as a value.
[[nodiscard]] error last_error(phase in) noexcept;

} // namespace slk::io::os::windows

#endif
