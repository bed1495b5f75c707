// SPDX-License-Identifier: MPL-2.0

// What the system knows about the peer of a connection: Microsoft's documentation of ioctlsocket
// (FIONREAD) and recv (MSG_PEEK).

#include "io/os/system.hpp"
#include "io/os/windows/winsock.hpp"

namespace slk::io::os {

namespace {

using windows::socket_of;

bool has_unread_bytes(native_handle handle) noexcept
{
    u_long count = 0;
    return ioctlsocket(socket_of(handle), static_cast<long>(FIONREAD), &count) != 0 || count > 0;
}

} // namespace

// The end is visible only when nothing stands before it. Only then is recv called, which does not
// wait on a socket without bytes that is non-blocking.
bool peer_has_finished(native_handle handle) noexcept
{
    char first = 0;
    return !has_unread_bytes(handle) && ::recv(socket_of(handle), &first, 1, MSG_PEEK) == 0;
}

bool peer_may_have_finished(native_handle handle) noexcept
{
    return has_unread_bytes(handle) || peer_has_finished(handle);
}

bool peer_acknowledges(native_handle, duration) noexcept
{
    return true;
}

} // namespace slk::io::os
