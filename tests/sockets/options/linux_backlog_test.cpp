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

/// Connections to an ipc endpoint that the system takes while nobody accepts them, at most `most`:
/// then it says so at once (unix(7)).
int connections_to(std::string_view endpoint, int most)
{
    constexpr std::string_view scheme = "ipc://";
    const std::string path(endpoint.substr(scheme.size()));
    sockaddr_un there{};
    there.sun_family = AF_UNIX;
    REQUIRE(path.size() < sizeof there.sun_path);
    std::memcpy(there.sun_path, path.data(), path.size());
    std::vector<int> all;
    int refusal = 0;
    while (refusal == 0 && static_cast<int>(all.size()) < most) {
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

TEST_CASE("so many connections wait to be accepted as backlog says")
{
    // Nobody runs the loop; a ring may have accepted some that were asked for at the beginning.
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
