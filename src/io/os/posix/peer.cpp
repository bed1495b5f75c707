// SPDX-License-Identifier: MPL-2.0

// What the system knows about the peer of a connection: poll(2), tcp(7), FIONREAD in
// ioctl_tty(2), sock_diag(7) for SO_MEMINFO.

// POLLRDHUP.
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE 1
#endif

#include "io/os/system.hpp"

#include <algorithm>
#include <cstdint>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#if defined(__linux__)
#include <linux/sock_diag.h>
#endif

namespace slk::io::os {

namespace {

/// Bytes that wait to be received; -1 if the system does not tell.
int unread_bytes(int fd) noexcept
{
    int count = 0;
    return ::ioctl(fd, FIONREAD, &count) == 0 ? count : -1;
}

/// Whether so much waits to be received that the system may tell the peer to stop. The system
/// counts the memory that it needs to keep small packets, which is many times what they carry.
bool buffer_may_be_full(int fd, int unread) noexcept
{
#if defined(SO_MEMINFO)
    std::uint32_t memory[SK_MEMINFO_VARS] = {};
    socklen_t all = sizeof memory;
    if (::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &all) == 0)
        return memory[SK_MEMINFO_RMEM_ALLOC] >= memory[SK_MEMINFO_RCVBUF] / 4;
#endif
    int size = 0;
    socklen_t length = sizeof size;
    return ::getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, &length) != 0 || unread >= size / 64;
}

#if defined(__linux__)
constexpr duration shortest_time_to_answer = std::chrono::seconds(1);
#endif

#if defined(POLLRDHUP)
constexpr bool system_tells_the_end = true;
bool end_has_arrived(int fd) noexcept
{
    pollfd asked{fd, POLLRDHUP, 0};
    return ::poll(&asked, 1, 0) > 0;
}
#else
// The end is visible only when nothing stands before it.
constexpr bool system_tells_the_end = false;
bool end_has_arrived(int fd) noexcept
{
    char first = 0;
    return ::recv(fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}
#endif

} // namespace

bool peer_has_finished(native_handle handle) noexcept
{
    return end_has_arrived(static_cast<int>(handle));
}

bool peer_may_have_finished(native_handle handle) noexcept
{
    const int fd = static_cast<int>(handle);
    if (end_has_arrived(fd))
        return true;
    const int unread = unread_bytes(fd);
    if (unread <= 0)
        return unread < 0;
    return !system_tells_the_end || buffer_may_be_full(fd, unread);
}

bool peer_acknowledges(native_handle handle, duration within) noexcept
{
#if defined(__linux__)
    tcp_info known{};
    socklen_t length = sizeof known;
    if (::getsockopt(static_cast<int>(handle), IPPROTO_TCP, TCP_INFO, &known, &length) != 0)
        return true; // not TCP: the peer's system is this one
    // A peer without room is asked again and again, and one question may be under way.
    if (known.tcpi_unacked == 0)
        return known.tcpi_probes <= 1;
    // The next attempt may be a long time after the last one, and a busy system is slow to answer.
    const duration attempt = 2 * std::chrono::microseconds(known.tcpi_rto);
    return std::chrono::milliseconds(known.tcpi_last_ack_recv) <=
           std::max({within, attempt, shortest_time_to_answer});
#else
    (void)handle, (void)within;
    return true;
#endif
}

} // namespace slk::io::os
