// SPDX-License-Identifier: MPL-2.0
// That the socket options of the command line reach the sockets of the process: each is read from
// a duplicate of that socket (pidfd_getfd(2), Linux 5.6).

#include "link/link_rig.hpp"
#include "run_slk.hpp"
#include "spawned_slk.hpp"
#include "support/skip.hpp"

#include <array>
#include <cerrno>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace slk;
using namespace slk::testing;
using namespace std::chrono_literals;

namespace {

/// A descriptor of this process for a socket of another one.
class borrowed_socket {
public:
    /// The socket of `process` whose peer has this port.
    borrowed_socket(pid_t process, std::uint16_t peer_port)
    {
        const int whose = static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
        refused_ = whose < 0;
        for (int number = 3; number < 100 && !refused_ && fd_ < 0; ++number) {
            fd_ = static_cast<int>(::syscall(SYS_pidfd_getfd, whose, number, 0));
            refused_ = fd_ < 0 && errno != EBADF;
            if (fd_ >= 0 && port_of_peer() != peer_port)
                ::close(std::exchange(fd_, -1));
        }
        if (whose >= 0)
            ::close(whose);
    }
    borrowed_socket(const borrowed_socket&) = delete;
    borrowed_socket& operator=(const borrowed_socket&) = delete;
    ~borrowed_socket()
    {
        if (fd_ >= 0)
            ::close(fd_);
    }

    /// The system does not let this process look into its child.
    [[nodiscard]] bool refused() const { return refused_; }

    [[nodiscard]] int option(int level, int name) const
    {
        int value = -1;
        socklen_t size = sizeof value;
        CHECK(::getsockopt(fd_, level, name, &value, &size) == 0);
        return value;
    }

private:
    [[nodiscard]] int port_of_peer() const
    {
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        const bool known = ::getpeername(fd_, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
        return known && peer.sin_family == AF_INET ? ntohs(peer.sin_port) : -1;
    }

    int fd_ = -1;
    bool refused_ = false;
};

constexpr const char* no_duplicates = "pidfd_getfd is not there, or not allowed";

/// slk link, connected to a server of ours.
struct connected_link {
    explicit connected_link(std::vector<std::string> options)
    {
        options.insert(options.begin(), "link");
        options.push_back("tcp://" + to_string(peer.where()));
        tool.emplace(std::move(options));
        REQUIRE(tool->says("  connected  "));
    }
    [[nodiscard]] borrowed_socket socket() const { return {tool->id(), peer.where().port}; }

    link_tests::rig on;
    link_tests::server peer{*on};
    std::optional<spawned_slk> tool;
};

const std::vector<std::string> everything{
    "--delay", "--keep-alive-idle",  "41s",    "--keep-alive-interval",
    "7s",      "--send-buffer",      "20000",  "--tos",
    "16",      "--keep-alive-count", "5",      "--receive-buffer",
    "30000",   "--user-timeout",     "12345ms"};

void check_everything(const borrowed_socket& tuned)
{
    CHECK(tuned.option(IPPROTO_TCP, TCP_NODELAY) == 0);
    CHECK(tuned.option(SOL_SOCKET, SO_KEEPALIVE) == 1);
    CHECK(tuned.option(IPPROTO_TCP, TCP_KEEPIDLE) == 41);
    CHECK(tuned.option(IPPROTO_TCP, TCP_KEEPINTVL) == 7);
    CHECK(tuned.option(IPPROTO_TCP, TCP_KEEPCNT) == 5);
    CHECK(tuned.option(SOL_SOCKET, SO_SNDBUF) == 40'000); // socket(7): doubled
    CHECK(tuned.option(SOL_SOCKET, SO_RCVBUF) == 60'000);
    CHECK(tuned.option(IPPROTO_IP, IP_TOS) == 0x10);
    CHECK(tuned.option(IPPROTO_TCP, TCP_USER_TIMEOUT) == 12'345);
}

} // namespace

TEST_CASE("every socket option of slk link reaches its socket")
{
    SLK_NEEDS_COMMAND();
    const connected_link running(everything);
    const borrowed_socket tuned = running.socket();
    if (tuned.refused())
        SLK_SKIP(no_duplicates);
    check_everything(tuned);
}

TEST_CASE("every socket option of slk listen reaches the connections that it accepts")
{
    SLK_NEEDS_COMMAND();
    std::vector<std::string> words = everything;
    words.insert(words.begin(), "listen");
    words.push_back("tcp://127.0.0.1:0");
    spawned_slk tool(std::move(words));
    const std::string intro = "listening on ";
    const std::string first = tool.line().value_or("");
    REQUIRE(first.starts_with(intro));

    stream near;
    const std::array<std::byte, 1> sent{std::byte{'?'}};
    std::array<std::byte, 1> back{};
    bool replied = false;
    link_tests::rig on;
    auto dialling = link::create(
        *on, {.to = *endpoint::parse("tcp://" + first.substr(intro.size()))},
        {.connected = [&](stream established) {
            near = std::move(established);
            CHECK(near.send(sent, [](const auto&) {}).has_value());
            CHECK(near.receive(back, [&](const auto& got) { replied = got.has_value(); })
                      .has_value());
        }});
    REQUIRE(dialling.has_value());
    dialling->start();
    // A peer that replies has accepted and tuned the connection.
    REQUIRE(on.until([&] { return replied; }, 60s));
    const borrowed_socket tuned(tool.id(), near.local_address().port);
    if (tuned.refused())
        SLK_SKIP(no_duplicates);
    check_everything(tuned);
}

TEST_CASE("slk link without socket options sends at once and leaves keep-alive to the system")
{
    SLK_NEEDS_COMMAND();
    for (const std::vector<std::string>& options :
         {std::vector<std::string>{}, {"--no-delay"}, {"--no-keep-alive"}}) {
        const connected_link running(options);
        const borrowed_socket tuned = running.socket();
        if (tuned.refused())
            SLK_SKIP(no_duplicates);
        CHECK(tuned.option(IPPROTO_TCP, TCP_NODELAY) == 1);
        CHECK(tuned.option(SOL_SOCKET, SO_KEEPALIVE) == 0);
    }
}

TEST_CASE("slk link --keep-alive probes with the default times of its help")
{
    SLK_NEEDS_COMMAND();
    const connected_link running({"--keep-alive"});
    const borrowed_socket tuned = running.socket();
    if (tuned.refused())
        SLK_SKIP(no_duplicates);
    CHECK(tuned.option(SOL_SOCKET, SO_KEEPALIVE) == 1);
    CHECK(tuned.option(IPPROTO_TCP, TCP_KEEPIDLE) == 30);
    CHECK(tuned.option(IPPROTO_TCP, TCP_KEEPINTVL) == 10);
    CHECK(tuned.option(IPPROTO_TCP, TCP_KEEPCNT) == 3);
}
