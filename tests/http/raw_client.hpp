// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_HTTP_RAW_CLIENT_HPP
#define SLK_TESTS_HTTP_RAW_CLIENT_HPP

/// A client that sends any bytes, and may stop at any of them. POSIX.

#include <serverlink/address.hpp>
#include <serverlink/http.hpp>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace slk::testing {

class raw_client {
public:
    /// `buffer`: of the receiving side, in bytes; 0: the system's default.
    explicit raw_client(const slk::address& to, int buffer = 0)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        const timeval limit{20, 0};
        (void)::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        if (buffer > 0)
            (void)::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = htons(to.port);
        std::memcpy(&at.sin_addr, to.bytes.data(), 4);
        connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
    }
    raw_client(const raw_client&) = delete;
    raw_client& operator=(const raw_client&) = delete;
    ~raw_client() { ::close(socket_); }

    [[nodiscard]] bool connected() const noexcept { return connected_; }
    bool send(std::string_view bytes) const
    {
        return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(bytes.size());
    }
    /// Waits until the answer has begun to arrive.
    [[nodiscard]] bool has_answer() const
    {
        pollfd asked{socket_, POLLIN, 0};
        return ::poll(&asked, 1, 20'000) == 1;
    }
    /// Reads up to the end of the stream, or to its reset.
    [[nodiscard]] std::string read_all() const
    {
        std::string all;
        char some[4096];
        for (;;) {
            const ssize_t count = ::recv(socket_, some, sizeof some, 0);
            // io_uring interrupts a thread for which it has something to do.
            if (count < 0 && errno == EINTR)
                continue;
            if (count <= 0)
                return all;
            all.append(some, static_cast<std::size_t>(count));
        }
    }

private:
    int socket_;
    bool connected_ = false;
};

/// The whole answer to one request.
inline std::string answer_to(const slk::address& at, std::string_view request)
{
    const raw_client client(at);
    return client.send(request) ? client.read_all() : std::string();
}

inline std::string get(const slk::address& at, const std::string& path)
{
    return answer_to(at, "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

/// "200"; empty for no answer.
inline std::string status_of(const std::string& answer)
{
    return answer.starts_with("HTTP/1.1 ") ? answer.substr(9, 3) : std::string();
}

inline std::string body_of(const std::string& answer)
{
    const std::size_t end = answer.find("\r\n\r\n");
    return end == std::string::npos ? std::string() : answer.substr(end + 4);
}

/// Makes the answer of /state longer than the system's buffers.
inline void fill_state(http_server& served)
{
    for (int i = 0; i < 30; ++i)
        served.show_listener(std::to_string(i) + std::string(200'000, 'x'), {});
}

} // namespace slk::testing

#endif
