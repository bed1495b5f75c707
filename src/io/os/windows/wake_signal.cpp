// SPDX-License-Identifier: MPL-2.0
#include "io/os/wake_signal.hpp"

#include "io/os/system.hpp"
#include "io/os/windows/winsock.hpp"

namespace slk::io::os {

namespace {

using windows::last_error;
using windows::socket_of;

/// Bound to a port of the loopback that the system chooses, and connected to that same address.
bool connect_to_itself(SOCKET socket) noexcept
{
    windows::socket_address self = windows::to_system(address::loopback(address_family::ipv4, 0));
    // No other process may bind the port as well and receive the datagrams.
    const int alone = 1;
    u_long non_blocking = 1;
    return setsockopt(socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE,
                      reinterpret_cast<const char*>(&alone), sizeof alone) == 0 &&
           ioctlsocket(socket, static_cast<long>(FIONBIO), &non_blocking) == 0 &&
           ::bind(socket, self.data(), self.length) == 0 &&
           getsockname(socket, self.data(), &self.length) == 0 &&
           ::connect(socket, self.data(), self.length) == 0;
}

/// Tests whether a datagram arrives. A filter between a program and its own loopback would lose
/// every later one, so it is tried before the socket is used.
bool hears_itself(SOCKET socket) noexcept
{
    const char one = 1;
    if (::send(socket, &one, 1, 0) != 1)
        return false;
    fd_set readable;
    readable.fd_count = 1;
    readable.fd_array[0] = socket;
    timeval limit{1, 0};
    return ::select(0, &readable, nullptr, nullptr, &limit) == 1;
}

void take_all(SOCKET socket) noexcept
{
    char taken[16];
    while (::recv(socket, taken, sizeof taken, 0) > 0) {
    }
}

} // namespace

result<SOCKET> windows::open_to_itself()
{
    const SOCKET socket = WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, nullptr, 0,
                                     WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (socket == INVALID_SOCKET)
        return fail(last_error(phase::setup));
    if (!connect_to_itself(socket)) {
        const error why = last_error(phase::setup);
        ::closesocket(socket);
        return fail(why);
    }
    if (!hears_itself(socket)) {
        ::closesocket(socket);
        return fail(errc::not_supported, phase::setup,
                    "datagrams to the loopback are lost, and select has no other way to be woken");
    }
    take_all(socket); // also datagrams of others from before it was connected
    return socket;
}

void wake_signal::close() noexcept
{
    if (read_end_ != invalid_handle)
        closesocket(socket_of(read_end_));
    read_end_ = write_end_ = invalid_handle;
}

result<void> wake_signal::open()
{
    SLK_TRY(const SOCKET socket, windows::open_to_itself());
    read_end_ = write_end_ = static_cast<native_handle>(socket);
    return {};
}

bool wake_signal::write_byte() noexcept
{
    // The system may be out of memory for a moment. The datagram must not be lost, because the loop
    // is woken by nothing else: try until it is sent or no longer needed.
    const char one = 1;
    while (::send(socket_of(write_end_), &one, 1, 0) != 1 && set_.load(std::memory_order_acquire))
        Sleep(1);
    return true;
}

void wake_signal::drain() noexcept
{
    take_all(socket_of(read_end_));
}

} // namespace slk::io::os
