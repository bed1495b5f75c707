// SPDX-License-Identifier: MPL-2.0
#include "linux/silent_flood.hpp"

#include <serverlink/address.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstring>

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

namespace slk::linux_tests {

silent_flood::silent_flood(const endpoint& to, std::size_t connections)
    : missing_(connections), poller_(::epoll_create1(EPOLL_CLOEXEC))
{
    REQUIRE(poller_ >= 0);
    if (to.transport == transport::ipc) {
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        REQUIRE(to.host.size() < sizeof name.sun_path);
        std::memcpy(name.sun_path, to.host.data(), to.host.size());
        std::memcpy(&where_, &name, sizeof name);
        where_size_ = sizeof name;
    } else {
        const auto numeric = to.numeric();
        REQUIRE(numeric);
        sockaddr_in name{};
        name.sin_family = AF_INET;
        name.sin_port = htons(numeric->port);
        std::memcpy(&name.sin_addr, numeric->bytes.data(), 4);
        std::memcpy(&where_, &name, sizeof name);
        where_size_ = sizeof name;
    }
    thread_ = std::thread([this] { run(); });
}

silent_flood::~silent_flood()
{
    stopped_ = true;
    thread_.join();
    for (const int each : sockets_)
        if (each >= 0)
            ::close(each);
    ::close(poller_);
}

void silent_flood::run()
{
    std::array<epoll_event, 64> events;
    while (!stopped_) {
        while (missing_ > 0 && !stopped_ && dial())
            --missing_;
        const int count = ::epoll_wait(poller_, events.data(), static_cast<int>(events.size()), 1);
        for (int index = 0; index < count; ++index) {
            const int socket = events[static_cast<std::size_t>(index)].data.fd;
            sockets_[static_cast<std::size_t>(socket)] = -1;
            ::close(socket);
            ++closed_;
            ++missing_;
        }
    }
}

bool silent_flood::dial()
{
    const int socket = ::socket(where_.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket < 0)
        return false;
    const bool begun =
        ::connect(socket, reinterpret_cast<const sockaddr*>(&where_), where_size_) == 0 ||
        errno == EINPROGRESS;
    // The greeting of the other side is not read.
    epoll_event wanted{.events = EPOLLRDHUP, .data = {.fd = socket}};
    if (!begun || ::epoll_ctl(poller_, EPOLL_CTL_ADD, socket, &wanted) != 0) {
        ::close(socket);
        return false;
    }
    const auto place = static_cast<std::size_t>(socket);
    if (sockets_.size() <= place)
        sockets_.resize(place + 1, -1);
    sockets_[place] = socket;
    ++dialled_;
    return true;
}

} // namespace slk::linux_tests
