// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_LINK_IPC_RIG_HPP
#define SLK_TESTS_LINK_IPC_RIG_HPP

/// For tests of links and listeners on Unix domain sockets. POSIX.

#include "link_rig.hpp"
#include "support/temporary_folder.hpp"

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <string>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace slk::link_tests {

using testing::temporary_folder;

inline endpoint ipc(const std::string& path)
{
    auto parsed = endpoint::parse("ipc://" + path);
    REQUIRE(parsed.has_value());
    return *parsed;
}

/// A listener that keeps its streams.
class ipc_server {
public:
    ipc_server(slk::loop& on, const std::string& path, int backlog = 1024)
    {
        listener_options options;
        options.at = ipc(path);
        options.backlog = backlog;
        auto made = listener::create(
            on, options, {.accepted = [this](stream s) { streams.push_back(std::move(s)); }});
        if (!made)
            failure = made.error();
        else
            listening.emplace(std::move(*made));
    }
    ipc_server(const ipc_server&) = delete;
    ipc_server& operator=(const ipc_server&) = delete;

    [[nodiscard]] std::string detail() const
    {
        return failure.detail != nullptr ? failure.detail : "";
    }

    std::vector<stream> streams;
    std::optional<listener> listening;
    error failure{};
};

/// A socket without the library, as another program would use it.
class foreign_socket {
public:
    explicit foreign_socket(int type = SOCK_STREAM) : fd_(::socket(AF_UNIX, type, 0))
    {
        REQUIRE(fd_ >= 0);
    }
    foreign_socket(const foreign_socket&) = delete;
    foreign_socket& operator=(const foreign_socket&) = delete;
    ~foreign_socket()
    {
        close();
        for (const int each : accepted_)
            ::close(each);
    }

    void bind(const std::string& path)
    {
        const sockaddr_un where = address_of(path);
        REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
    }
    void listen(int backlog) { REQUIRE(::listen(fd_, backlog) == 0); }
    /// Keeps the connection open.
    void accept()
    {
        accepted_.push_back(::accept(fd_, nullptr, nullptr));
        REQUIRE(accepted_.back() >= 0);
    }
    /// Leaves the file.
    void close()
    {
        if (fd_ >= 0)
            ::close(std::exchange(fd_, -1));
    }

private:
    static sockaddr_un address_of(const std::string& path)
    {
        sockaddr_un where{};
        where.sun_family = AF_UNIX;
        REQUIRE(path.size() < sizeof where.sun_path);
        std::memcpy(where.sun_path, path.data(), path.size());
        return where;
    }

    int fd_;
    std::vector<int> accepted_;
};

/// Returns whether a link connects to it.
inline bool answers(rig& on, const std::string& path)
{
    reconnect_options once = quick();
    once.base = reconnect_never;
    link dialling = make_link(*on, ipc(path), once);
    dialling.start();
    REQUIRE(on.until([&] {
        return connected(dialling) ||
               (dialling.status().attempt == 1 && dialling.status().state == link_state::idle);
    }));
    return connected(dialling);
}

} // namespace slk::link_tests

#endif
