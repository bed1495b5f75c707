// SPDX-License-Identifier: MPL-2.0
#include "support/network_socket.hpp"

#include <doctest/doctest.h>

#if defined(_WIN32)
#if !defined(NOMINMAX)
#define NOMINMAX
#endif
#include <winsock2.h>

#include <windows.h>
#include <ws2tcpip.h>
// Macros for nothing, since there is no memory near or far any more.
#undef near
#undef far
#else
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#endif

namespace slk::testing {

namespace {

#if defined(_WIN32)

using native = SOCKET;
using socket_size = int;
using send_size = int;
constexpr int send_flags = 0;

void start()
{
    WSADATA data;
    REQUIRE(WSAStartup(MAKEWORD(2, 2), &data) == 0);
}

void close_native(native handle)
{
    closesocket(handle);
}

void do_not_wait(native handle)
{
    u_long on = 1;
    REQUIRE(ioctlsocket(handle, static_cast<long>(FIONBIO), &on) == 0);
}

#else

using native = int;
using socket_size = socklen_t;
using send_size = std::size_t;
constexpr int send_flags = MSG_NOSIGNAL;

void start() {}

void close_native(native handle)
{
    ::close(handle);
}

void do_not_wait(native handle)
{
    REQUIRE(fcntl(handle, F_SETFL, O_NONBLOCK) == 0);
}

#endif

native native_of(std::intptr_t handle)
{
    return static_cast<native>(handle);
}

network_socket open()
{
    start();
    const native made = ::socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(static_cast<std::intptr_t>(made) != -1);
    return network_socket(static_cast<std::intptr_t>(made));
}

/// A port of the loopback that the system has chosen; nobody listens there yet.
sockaddr_in bind_somewhere(const network_socket& which)
{
    sockaddr_in self{};
    self.sin_family = AF_INET;
    self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const plain = reinterpret_cast<sockaddr*>(&self);
    socket_size length = sizeof self;
    REQUIRE(::bind(native_of(which.handle()), plain, length) == 0);
    REQUIRE(getsockname(native_of(which.handle()), plain, &length) == 0);
    return self;
}

} // namespace

network_socket network_socket::connecting_to_nobody()
{
    const network_socket bound = open();
    const sockaddr_in nobody = bind_somewhere(bound);
    network_socket made = open();
    do_not_wait(native_of(made.handle()));
    (void)::connect(native_of(made.handle()), reinterpret_cast<const sockaddr*>(&nobody),
                    sizeof nobody);
    return made;
}

void network_socket::send(std::string_view text) const
{
    (void)::send(native_of(handle_), text.data(), static_cast<send_size>(text.size()), send_flags);
}

std::string network_socket::receive() const
{
    char some[64];
    const auto count = ::recv(native_of(handle_), some, sizeof some, 0);
    return count > 0 ? std::string(some, static_cast<std::size_t>(count)) : std::string();
}

void network_socket::fill() const
{
    do_not_wait(native_of(handle_));
    const std::string much(65536, 'x');
    while (::send(native_of(handle_), much.data(), static_cast<send_size>(much.size()),
                  send_flags) > 0) {
    }
}

void network_socket::drain() const
{
    while (!receive().empty()) {
    }
}

void network_socket::shut() const
{
    (void)::shutdown(native_of(handle_), 1);
}

void network_socket::reset()
{
    linger at_once{};
    at_once.l_onoff = 1;
    (void)setsockopt(native_of(handle_), SOL_SOCKET, SO_LINGER,
                     reinterpret_cast<const char*>(&at_once), sizeof at_once);
    close();
}

void network_socket::close()
{
    if (handle_ != -1)
        close_native(native_of(std::exchange(handle_, -1)));
}

connected_pair::connected_pair()
{
    const network_socket listener = open();
    const sockaddr_in at = bind_somewhere(listener);
    REQUIRE(::listen(native_of(listener.handle()), 1) == 0);
    first = open();
    REQUIRE(::connect(native_of(first.handle()), reinterpret_cast<const sockaddr*>(&at),
                      sizeof at) == 0);
    second = network_socket(
        static_cast<std::intptr_t>(::accept(native_of(listener.handle()), nullptr, nullptr)));
    REQUIRE(second.handle() != -1);
}

} // namespace slk::testing
