// SPDX-License-Identifier: MPL-2.0
#include "io/os/attempt.hpp"

#include "io/os/system.hpp"
#include "io/os/windows/winsock.hpp"

#include <algorithm>

namespace slk::io::os {

namespace {

using windows::last_error;
using windows::socket_of;

/// The number of tries of a call that fails for a temporary reason, so that a storm of them cannot
/// hold the loop.
constexpr int max_retries = 16;

/// Bytes offered in one call: its counters have 32 bits.
constexpr std::size_t max_bytes = std::size_t{1} << 30;

constexpr error not_yet{errc::would_block, phase::none, WSAEWOULDBLOCK, nullptr};

/// An error of the waiting connection does not concern the listener, and the next connection may be
/// good.
bool belongs_to_the_connection(int code) noexcept
{
    switch (code) {
    case WSAEINTR:
    case WSAECONNABORTED:
    case WSAECONNRESET: // Microsoft, accept: it was indicated and reset before it was accepted
    case WSAENETRESET:
    case WSAETIMEDOUT: return true;
    default: return false;
    }
}

/// The listener's properties are inherited, but not those of the handle: children would inherit it.
bool make_own(SOCKET accepted) noexcept
{
    u_long non_blocking = 1;
    return ioctlsocket(accepted, static_cast<long>(FIONBIO), &non_blocking) == 0 &&
           SetHandleInformation(windows::file_of(static_cast<native_handle>(accepted)),
                                HANDLE_FLAG_INHERIT, 0) != FALSE;
}

/// Wine takes a reset off the system's socket before recv can see it, which then reports the end of
/// the stream. Two things tell them apart: after a reset the socket has no peer, and sending
/// nothing fails. On Windows recv reports the reset, and a stream that has ended keeps its peer.
error reset_behind_the_end(SOCKET socket) noexcept
{
    windows::socket_address peer;
    if (getpeername(socket, peer.data(), &peer.length) == 0 || WSAGetLastError() != WSAENOTCONN)
        return {};
    const char nothing = 0;
    if (::send(socket, &nothing, 0, 0) == 0 || WSAGetLastError() != WSAECONNRESET)
        return {};
    return last_error(phase::transfer);
}

} // namespace

error try_connect(native_handle handle, const address& target, std::string_view /*path*/) noexcept
{
    if (target.is_loopback())
        windows::do_not_repeat_the_syn(handle);
    const windows::socket_address where = windows::to_system(target);
    if (::connect(socket_of(handle), where.data(), where.length) == 0)
        return {};
    if (WSAGetLastError() == WSAEWOULDBLOCK)
        return not_yet;
    return last_error(phase::connect);
}

error confirm_connect(native_handle handle) noexcept
{
    const SOCKET socket = socket_of(handle);
    int pending = 0;
    int length = sizeof pending;
    if (getsockopt(socket, SOL_SOCKET, SO_ERROR, reinterpret_cast<char*>(&pending), &length) != 0)
        return last_error(phase::connect);
    if (pending != 0)
        return translate(pending, phase::connect);
    windows::socket_address peer;
    if (getpeername(socket, peer.data(), &peer.length) == 0)
        return {};
    if (WSAGetLastError() == WSAENOTCONN)
        return not_yet;
    return last_error(phase::connect);
}

error try_accept(native_handle listener, native_handle& accepted) noexcept
{
    for (int tries = 0;; ++tries) {
        const SOCKET socket = ::accept(socket_of(listener), nullptr, nullptr);
        if (socket != INVALID_SOCKET) {
            accepted = static_cast<native_handle>(socket);
            if (make_own(socket))
                return {};
            const error failure = last_error(phase::accept);
            close(accepted, close_mode::reset);
            accepted = invalid_handle;
            return failure;
        }
        const int code = WSAGetLastError();
        if (code == WSAEWOULDBLOCK)
            return not_yet;
        if (tries == max_retries || !belongs_to_the_connection(code))
            return translate(code, phase::accept);
    }
}

error try_receive(native_handle handle, std::span<std::byte> buffer, std::size_t& received) noexcept
{
    char unused = 0;
    const bool look = buffer.empty();
    char* const into = look ? &unused : reinterpret_cast<char*>(buffer.data());
    const std::size_t size = look ? 1 : std::min(buffer.size(), max_bytes);
    const int count = ::recv(socket_of(handle), into, static_cast<int>(size), look ? MSG_PEEK : 0);
    if (count >= 0) {
        received = look ? 0 : static_cast<std::size_t>(count);
        return count == 0 ? reset_behind_the_end(socket_of(handle)) : error{};
    }
    if (WSAGetLastError() == WSAEWOULDBLOCK)
        return not_yet;
    return last_error(phase::transfer);
}

error try_send(native_handle handle, std::span<const std::span<const std::byte>> buffers,
               std::size_t& sent, bool& all) noexcept
{
    WSABUF parts[gather_limit];
    DWORD count = 0;
    std::size_t offered = 0;
    for (const std::span<const std::byte> buffer : buffers) {
        if (count == gather_limit || offered == max_bytes)
            break;
        if (buffer.empty())
            continue;
        const std::size_t size = std::min(buffer.size(), max_bytes - offered);
        // WSASend only reads, although its parameter is not const.
        parts[count].buf = const_cast<char*>(reinterpret_cast<const char*>(buffer.data()));
        parts[count].len = static_cast<ULONG>(size);
        ++count;
        offered += size;
    }
    DWORD taken = 0;
    if (WSASend(socket_of(handle), parts, count, &taken, 0, nullptr, nullptr) == 0) {
        sent = taken;
        all = sent == offered;
        return {};
    }
    if (WSAGetLastError() == WSAEWOULDBLOCK)
        return not_yet;
    return last_error(phase::transfer);
}

} // namespace slk::io::os
