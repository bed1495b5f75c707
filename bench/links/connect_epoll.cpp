// SPDX-License-Identifier: MPL-2.0
#include "contenders.hpp"
#include "stopwatch.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace bench {

namespace {

/// Only the system calls that the work needs.
class bare_loop {
public:
    explicit bare_loop(const connect_work& work) : work_(work)
    {
        target_.sin_family = AF_INET;
        target_.sin_port = htons(work.port);
        target_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
    ~bare_loop() { close(epoll_); }
    bare_loop(const bare_loop&) = delete;
    bare_loop& operator=(const bare_loop&) = delete;

    connect_outcome run()
    {
        const stopwatch watch;
        for (unsigned i = 0; i < work_.in_flight; ++i)
            begin();
        std::array<epoll_event, 256> events;
        while (done_ < work_.connects) {
            const int count =
                epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
            for (int i = 0; i < count; ++i)
                finish(events[static_cast<std::size_t>(i)].data.fd);
        }
        return watch.stop(failures_);
    }

private:
    void begin()
    {
        if (begun_ == work_.connects)
            return;
        ++begun_;
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (connect(fd, reinterpret_cast<const sockaddr*>(&target_), sizeof target_) != 0 &&
            errno != EINPROGRESS) {
            ++failures_;
            ++done_;
            close(fd);
            return;
        }
        epoll_event interest{};
        interest.events = EPOLLOUT | EPOLLET;
        interest.data.fd = fd;
        epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &interest);
    }

    void finish(int fd)
    {
        int failure = 0;
        socklen_t size = sizeof failure;
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size);
        const int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        const linger no_wait{1, 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &no_wait, sizeof no_wait);
        close(fd);
        failures_ += failure != 0;
        ++done_;
        begin();
    }

    const connect_work work_;
    sockaddr_in target_{};
    int epoll_ = epoll_create1(EPOLL_CLOEXEC);
    std::uint64_t begun_ = 0;
    std::uint64_t done_ = 0;
    std::uint64_t failures_ = 0;
};

} // namespace

connect_outcome connect_with_epoll(const connect_work& work)
{
    return bare_loop(work).run();
}

} // namespace bench
