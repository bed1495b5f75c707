// SPDX-License-Identifier: MPL-2.0
#include "raw_peer.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace slk::testing {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds max_wait{20'000};

bool wait_for(int socket, short events, milliseconds timeout)
{
    pollfd item{socket, events, 0};
    return ::poll(&item, 1, static_cast<int>(timeout.count())) == 1;
}

} // namespace

raw_peer::raw_peer(const std::string& endpoint)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
{
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    where.sin_port =
        htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0)
        ::close(std::exchange(socket_, -1));
    // A small send must not wait until the one before was acknowledged.
    const int on = 1;
    (void)::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

raw_peer::raw_peer(raw_peer&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}

raw_peer::~raw_peer()
{
    if (socket_ >= 0)
        ::close(socket_);
}

bool raw_peer::send(std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t sent =
            ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0)
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        else if (!wait_for(socket_, POLLOUT, max_wait))
            return false;
        else if (pollfd seen{socket_, POLLOUT, 0};
                 ::poll(&seen, 1, 0) == 1 && (seen.revents & (POLLERR | POLLHUP)) != 0)
            return false;
    }
    return true;
}

std::optional<std::string> raw_peer::receive(std::size_t count)
{
    std::string got(count, '\0');
    std::size_t filled = 0;
    while (filled < count) {
        if (!wait_for(socket_, POLLIN, max_wait))
            return std::nullopt;
        const ssize_t some = ::recv(socket_, got.data() + filled, count - filled, MSG_DONTWAIT);
        if (some <= 0)
            return std::nullopt;
        filled += static_cast<std::size_t>(some);
    }
    return got;
}

std::string raw_peer::receive_some()
{
    std::string got(std::size_t{1} << 20, '\0');
    const ssize_t some = ::recv(socket_, got.data(), got.size(), MSG_DONTWAIT);
    got.resize(some > 0 ? static_cast<std::size_t>(some) : 0);
    return got;
}

bool raw_peer::is_closed_within(milliseconds timeout)
{
    const auto end = steady_clock::now() + timeout;
    std::array<char, 65536> dropped;
    for (;;) {
        const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now());
        if (!wait_for(socket_, POLLIN, std::max(left, milliseconds(0))))
            return false;
        if (::recv(socket_, dropped.data(), dropped.size(), MSG_DONTWAIT) <= 0)
            return true;
    }
}

bool raw_peer::is_closed()
{
    return is_closed_within(max_wait);
}

} // namespace slk::testing
