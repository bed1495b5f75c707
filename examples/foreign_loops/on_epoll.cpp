// SPDX-License-Identifier: MPL-2.0
// A program that waits in an epoll of its own (Linux), with a slk::loop among its descriptors.
#include "program.hpp"

#include <cerrno>

#include <sys/epoll.h>
#include <unistd.h>

int main()
{
    program inner;
    if (const auto started = inner.start(); !started) {
        std::fprintf(stderr, "%s\n", slk::to_string(started.error()).c_str());
        return 1;
    }
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event watched{};
    watched.events = EPOLLIN; // by level
    watched.data.fd = inner.handle();
    if (epoll < 0 || ::epoll_ctl(epoll, EPOLL_CTL_ADD, inner.handle(), &watched) != 0) {
        std::perror("epoll");
        return 1;
    }
    while (!inner.done()) {
        epoll_event happened[16];
        const int count = ::epoll_wait(epoll, happened, 16, inner.timeout_ms());
        if (count < 0 && errno != EINTR)
            break;
        // The events of other descriptors would be handled here. The inner loop has its turn in any
        // case: its handle was among them, or its time has come.
        inner.run();
    }
    ::close(epoll);
    return inner.report("epoll");
}
