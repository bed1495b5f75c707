// SPDX-License-Identifier: MPL-2.0
// The sockets of the system without a library: the upper bound. The stream has as many bytes as
// ZMTP's frames would have, through large buffers and with blocking calls, and they are not parsed;
// the round trips are made by one thread that waits with epoll, and so are those of many clients.

#include "contender.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <vector>

namespace bench {

namespace {

constexpr std::size_t buffer_size = 65536;

void require_call(ssize_t outcome, std::string_view what)
{
    if (outcome < 0)
        give_up(what, std::strerror(errno));
}

struct socket_address {
    sockaddr_storage bytes{};
    socklen_t size = 0;

    sockaddr* raw() { return reinterpret_cast<sockaddr*>(&bytes); }
};

/// Reads `tcp://127.0.0.1:port`, where the port may be `*`, and `ipc://path`.
socket_address parse(const std::string& endpoint)
{
    socket_address parsed;
    if (endpoint.starts_with("ipc://")) {
        sockaddr_un local{};
        local.sun_family = AF_UNIX;
        const std::string path = endpoint.substr(6);
        if (path.size() >= sizeof local.sun_path)
            give_up(endpoint, "the path is too long");
        std::memcpy(local.sun_path, path.data(), path.size());
        std::memcpy(&parsed.bytes, &local, sizeof local);
        parsed.size = sizeof local;
        return parsed;
    }
    sockaddr_in local{};
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::uint16_t port = 0;
    const char* const digits = endpoint.c_str() + endpoint.rfind(':') + 1;
    std::from_chars(digits, endpoint.c_str() + endpoint.size(), port);
    local.sin_port = htons(port);
    std::memcpy(&parsed.bytes, &local, sizeof local);
    parsed.size = sizeof local;
    return parsed;
}

int open_socket(const socket_address& where)
{
    const int opened = socket(where.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require_call(opened, "socket");
    return opened;
}

/// Sets `bound` to the endpoint.
int open_listener(const std::string& endpoint, int backlog, std::string& bound)
{
    socket_address where = parse(endpoint);
    const int listener = open_socket(where);
    require_call(::bind(listener, where.raw(), where.size), "bind");
    require_call(listen(listener, backlog), "listen");
    bound = endpoint;
    if (where.bytes.ss_family != AF_INET)
        return listener;
    sockaddr_in at{};
    socklen_t size = sizeof at;
    require_call(getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size), "getsockname");
    bound = "tcp://127.0.0.1:" + std::to_string(ntohs(at.sin_port));
    return listener;
}

void tune(int connected)
{
    // Fails on a Unix domain socket, which has no such option.
    const int on = 1;
    (void)setsockopt(connected, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int open_connection(const std::string& endpoint)
{
    socket_address where = parse(endpoint);
    const int connected = open_socket(where);
    require_call(::connect(connected, where.raw(), where.size), "connect");
    tune(connected);
    return connected;
}

int accept_connection(int listener)
{
    const int connected = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    require_call(connected, "accept4");
    tune(connected);
    return connected;
}

/// Many connections, on which requests and replies of one size go back and forth.
class bare_crowd final : public side {
public:
    explicit bare_crowd(const traffic& what)
        : count_(what.count), buffer_(what.size, 'm'), poller_(epoll_create1(EPOLL_CLOEXEC))
    {
        require_call(poller_, "epoll_create1");
    }

    std::string bind(const std::string& endpoint) override
    {
        std::string bound;
        listener_ = open_listener(endpoint, SOMAXCONN, bound);
        return bound;
    }

    void connect(const std::string& endpoint) override
    {
        while (all_.size() < count_)
            add(open_connection(endpoint));
    }

    void reply() override
    {
        while (all_.size() < count_)
            add(accept_connection(listener_));
        while (answer_each() > 0) {
        }
    }

    void request_all(stream_meter& meter) override
    {
        for (const int each : all_)
            send_to(each);
        while (meter.add(answer_each())) {
        }
    }

private:
    void add(int connected)
    {
        epoll_event interest{};
        interest.events = EPOLLIN;
        interest.data.fd = connected;
        require_call(epoll_ctl(poller_, EPOLL_CTL_ADD, connected, &interest), "epoll_ctl");
        all_.push_back(connected);
    }
    /// Sends a message on each connection that has one, and returns their number. 0: the other side
    /// has ended.
    std::size_t answer_each()
    {
        std::array<epoll_event, 256> events{};
        const int count = epoll_wait(poller_, events.data(), static_cast<int>(events.size()), -1);
        require_call(count, "epoll_wait");
        for (int index = 0; index < count; ++index) {
            const int from = events[static_cast<std::size_t>(index)].data.fd;
            const ssize_t received = recv(from, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
            require_call(received, "recv");
            if (received == 0)
                return 0;
            if (static_cast<std::size_t>(received) != buffer_.size())
                give_up("recv", "a part of a message");
            send_to(from);
        }
        return static_cast<std::size_t>(count);
    }
    void send_to(int whom) const
    {
        if (::send(whom, buffer_.data(), buffer_.size(), MSG_DONTWAIT) !=
            static_cast<ssize_t>(buffer_.size()))
            give_up("send", "there was no room");
    }

    // Closed by the end of the process.
    std::size_t count_;
    std::string buffer_;
    int poller_;
    int listener_ = -1;
    std::vector<int> all_;
};

class bare_side final : public side {
public:
    explicit bare_side(const traffic& what) : size_(what.size) {}

    std::string bind(const std::string& endpoint) override
    {
        std::string bound;
        listener_ = open_listener(endpoint, 1, bound);
        return bound;
    }

    void connect(const std::string& endpoint) override { connected_ = open_connection(endpoint); }

    void send() override
    {
        const std::string buffer(buffer_size, 'm');
        while (true)
            require_call(write(connected_, buffer.data(), buffer.size()), "write");
    }

    void receive(stream_meter& meter) override
    {
        accept_one();
        const std::size_t framed = size_ + (size_ < 256 ? 2 : 9);
        std::string buffer(buffer_size, '\0');
        std::size_t arrived = 0;
        std::size_t messages = 0;
        do {
            const ssize_t count = read(connected_, buffer.data(), buffer.size());
            require_call(count, "read");
            if (count == 0)
                give_up("read", "the sender has closed the connection");
            arrived += static_cast<std::size_t>(count);
            messages = arrived / framed;
            arrived %= framed;
        } while (meter.add(messages));
    }

    void reply() override
    {
        accept_one();
        wait_with_epoll();
        std::string buffer(size_, '\0');
        while (receive_exactly(buffer))
            send_exactly(buffer);
    }

    void request(round_trip_meter& meter) override
    {
        wait_with_epoll();
        std::string buffer(size_, 'm');
        do {
            send_exactly(buffer);
            if (!receive_exactly(buffer))
                give_up("recv", "the server has closed the connection");
        } while (meter.add());
    }

private:
    void accept_one() { connected_ = accept_connection(listener_); }

    void wait_with_epoll()
    {
        poller_ = epoll_create1(EPOLL_CLOEXEC);
        require_call(poller_, "epoll_create1");
        epoll_event interest{};
        interest.events = EPOLLIN;
        require_call(epoll_ctl(poller_, EPOLL_CTL_ADD, connected_, &interest), "epoll_ctl");
    }

    void send_exactly(const std::string& whole) const
    {
        // One small message at a time always fits into the send buffer.
        const ssize_t sent = ::send(connected_, whole.data(), whole.size(), MSG_DONTWAIT);
        require_call(sent, "send");
        if (static_cast<std::size_t>(sent) != whole.size())
            give_up("send", "there was no room");
    }

    /// False: the peer has closed the connection.
    bool receive_exactly(std::string& into) const
    {
        for (std::size_t arrived = 0; arrived < into.size();) {
            epoll_event event{};
            require_call(epoll_wait(poller_, &event, 1, -1), "epoll_wait");
            const ssize_t count =
                recv(connected_, into.data() + arrived, into.size() - arrived, MSG_DONTWAIT);
            require_call(count, "recv");
            if (count == 0)
                return false;
            arrived += static_cast<std::size_t>(count);
        }
        return true;
    }

    // Closed by the end of the process.
    int listener_ = -1;
    int connected_ = -1;
    int poller_ = -1;
    std::size_t size_;
};

class bare_library final : public library {
public:
    std::unique_ptr<side> open(role, const traffic& what) override
    {
        if (has_askers(what.kind))
            return std::make_unique<bare_crowd>(what);
        return std::make_unique<bare_side>(what);
    }
};

} // namespace

contender bare_contender()
{
    return {.name = bare_name,
            .title = "bare sockets",
            .start = []() -> std::unique_ptr<library> { return std::make_unique<bare_library>(); },
            .inproc = false,
            .askers = 1000};
}

} // namespace bench
