// SPDX-License-Identifier: MPL-2.0
#include "raw_client.hpp"

#include <cerrno>
#include <cstring>

#if defined(_WIN32)
#if !defined(NOMINMAX)
#define NOMINMAX
#endif
#include <winsock2.h>

#include <windows.h>
#else
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#endif

namespace slk::testing {

namespace {

constexpr int max_wait_ms = 20'000;

#if defined(_WIN32)

using native = SOCKET;
using size_type = int;
constexpr int send_flags = 0;

native open()
{
    WSADATA data;
    (void)WSAStartup(MAKEWORD(2, 2), &data);
    return ::socket(AF_INET, SOCK_STREAM, 0);
}

void close_native(native handle)
{
    closesocket(handle);
}

void limit_waiting(native handle)
{
    const DWORD limit = max_wait_ms;
    (void)::setsockopt(handle, SOL_SOCKET, SO_RCVTIMEO, reinterpret_cast<const char*>(&limit),
                       sizeof limit);
}

bool is_readable(native handle)
{
    WSAPOLLFD asked{handle, POLLIN, 0};
    return WSAPoll(&asked, 1, max_wait_ms) == 1;
}

bool was_interrupted()
{
    return false;
}

#else

using native = int;
using size_type = std::size_t;
constexpr int send_flags = MSG_NOSIGNAL;

native open()
{
    return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

void close_native(native handle)
{
    ::close(handle);
}

void limit_waiting(native handle)
{
    const timeval limit{max_wait_ms / 1000, 0};
    (void)::setsockopt(handle, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

bool is_readable(native handle)
{
    pollfd asked{handle, POLLIN, 0};
    return ::poll(&asked, 1, max_wait_ms) == 1;
}

/// io_uring interrupts a thread for which it has something to do.
bool was_interrupted()
{
    return errno == EINTR;
}

#endif

native native_of(std::intptr_t handle)
{
    return static_cast<native>(handle);
}

} // namespace

raw_client::raw_client(const slk::address& to, int buffer)
    : handle_(static_cast<std::intptr_t>(open()))
{
    const native made = native_of(handle_);
    limit_waiting(made);
    if (buffer > 0)
        (void)::setsockopt(made, SOL_SOCKET, SO_RCVBUF, reinterpret_cast<const char*>(&buffer),
                           sizeof buffer);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(to.port);
    std::memcpy(&at.sin_addr, to.bytes.data(), 4);
    connected_ = ::connect(made, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
}

raw_client::~raw_client()
{
    close_native(native_of(handle_));
}

bool raw_client::send(std::string_view bytes) const
{
    const auto sent =
        ::send(native_of(handle_), bytes.data(), static_cast<size_type>(bytes.size()), send_flags);
    return sent >= 0 && static_cast<std::size_t>(sent) == bytes.size();
}

bool raw_client::has_answer() const
{
    return is_readable(native_of(handle_));
}

std::string raw_client::read_all() const
{
    std::string all;
    char some[4096];
    for (;;) {
        const auto count = ::recv(native_of(handle_), some, sizeof some, 0);
        if (count < 0 && was_interrupted())
            continue;
        if (count <= 0)
            return all;
        all.append(some, static_cast<std::size_t>(count));
    }
}

} // namespace slk::testing
