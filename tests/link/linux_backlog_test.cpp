// SPDX-License-Identifier: MPL-2.0
#include "link_rig.hpp"

#include <fstream>
#include <string>

#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace slk::link_tests {

namespace {

/// This process' listening socket on the port: slk::listener does not show its descriptor.
int listening_descriptor(std::uint16_t port)
{
    int found = -1;
    DIR* const folder = ::opendir("/proc/self/fd");
    REQUIRE(folder != nullptr);
    while (const dirent* const each = ::readdir(folder)) {
        const int fd = std::atoi(each->d_name);
        int listens = 0;
        socklen_t size = sizeof listens;
        if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0)
            continue;
        sockaddr_in local{};
        size = sizeof local;
        if (::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size) == 0 &&
            ntohs(local.sin_port) == port)
            found = fd;
    }
    ::closedir(folder);
    return found;
}

unsigned backlog_of(int fd)
{
    tcp_info info{};
    socklen_t size = sizeof info;
    REQUIRE(::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0);
    // tcp_get_info() of a listening socket: sk_max_ack_backlog.
    return info.tcpi_sacked;
}

} // namespace

TEST_CASE("a listener's backlog is what its option says, as far as the system lets it")
{
    int most = 0;
    std::ifstream("/proc/sys/net/core/somaxconn") >> most;
    REQUIRE(most > 0);
    for (const int backlog : {1, 7, 1'000'000}) {
        rig on;
        listener_options options;
        options.at = at(address::loopback(address_family::ipv4, 0));
        options.backlog = backlog;
        const auto peer = listener::create(*on, options, {});
        REQUIRE(peer.has_value());
        const int fd = listening_descriptor(peer->local_address().port);
        REQUIRE(fd >= 0);
        CHECK(backlog_of(fd) == static_cast<unsigned>(std::min(backlog, most)));
    }
}

} // namespace slk::link_tests
