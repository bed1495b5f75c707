// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

#include <cerrno>
#include <cstring>
#include <string_view>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

using namespace slk;
using namespace slk::testing;

namespace {

/// Returns how many connections to an ipc endpoint the system takes while they are not accepted, at
/// most `max`. connect() fails at once when the queue is full (unix(7)).
int connections_to(std::string_view endpoint, int max)
{
    constexpr std::string_view scheme = "ipc://";
    const std::string path(endpoint.substr(scheme.size()));
    sockaddr_un there{};
    there.sun_family = AF_UNIX;
    REQUIRE(path.size() < sizeof there.sun_path);
    std::memcpy(there.sun_path, path.data(), path.size());
    std::vector<int> all;
    int refusal = 0;
    while (refusal == 0 && static_cast<int>(all.size()) < max) {
        const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        REQUIRE(fd >= 0);
        all.push_back(fd);
        if (::connect(fd, reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0)
            refusal = errno;
    }
    const int count = static_cast<int>(all.size()) - (refusal != 0 ? 1 : 0);
    for (const int fd : all)
        ::close(fd);
    CHECK((refusal == 0 || refusal == EAGAIN));
    return count;
}

} // namespace

TEST_CASE("backlog limits the connections that wait to be accepted")
{
    // The loop does not run; a ring may still complete the accepts that bind() submitted.
    constexpr int max_accepts = 20;
    for (const int backlog : {1, 50}) {
        CAPTURE(backlog);
        auto in = new_context(0);
        pull_options options;
        options.backlog = backlog;
        auto to = new_socket<pull>(in, options);
        const int waiting = connections_to(must(to.bind("ipc://*")), 100);
        CHECK(waiting >= backlog);
        CHECK(waiting <= backlog + max_accepts);
    }
}
