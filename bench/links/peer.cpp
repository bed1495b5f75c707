// SPDX-License-Identifier: MPL-2.0
#include "peer.hpp"

#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace bench {

namespace {

int bound_socket(std::uint16_t& port)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in local{};
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof local;
    if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&local), size) != 0 ||
        getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size) != 0) {
        std::perror("no port on 127.0.0.1");
        std::exit(1);
    }
    port = ntohs(local.sin_port);
    return fd;
}

void close_with_reset(int fd)
{
    const linger no_wait{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &no_wait, sizeof no_wait);
    close(fd);
}

[[noreturn]] void accept_for_ever(int listener, peer_mode mode)
{
    // More than any contender has in flight: when the reset arrives before the connecting side has
    // seen the connection, that connect fails.
    static std::array<int, 8192> kept;
    kept.fill(-1);
    for (std::size_t next = 0;; next = (next + 1) % kept.size()) {
        int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (mode == peer_mode::keeps)
            std::swap(fd, kept[next]);
        if (fd >= 0)
            close_with_reset(fd);
    }
}

} // namespace

peer_process::peer_process(peer_mode mode)
{
    const int listener = bound_socket(port_);
    if (listen(listener, 4096) != 0) {
        std::perror("listen");
        std::exit(1);
    }
    process_ = fork();
    if (process_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        accept_for_ever(listener, mode);
    }
    close(listener);
    if (process_ < 0) {
        std::perror("fork");
        std::exit(1);
    }
}

peer_process::~peer_process()
{
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
}

dead_port::dead_port() : fd_(bound_socket(port_)) {}

dead_port::~dead_port()
{
    close(fd_);
}

} // namespace bench
