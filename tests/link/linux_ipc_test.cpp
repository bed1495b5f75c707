// SPDX-License-Identifier: MPL-2.0
// Abstract names.

#include "ipc_rig.hpp"

#include <cstdlib>

#include <dirent.h>

namespace slk::link_tests {

namespace {

std::string own_name(const std::string& name)
{
    return "@slk-test-" + std::to_string(::getpid()) + "-" + name;
}

/// This process' listening Unix domain socket: slk::listener does not show its descriptor.
int listening_descriptor(sockaddr_un& name, socklen_t& size)
{
    int found = -1;
    DIR* const folder = ::opendir("/proc/self/fd");
    REQUIRE(folder != nullptr);
    while (const dirent* const each = ::readdir(folder)) {
        const int fd = std::atoi(each->d_name);
        int listens = 0;
        socklen_t length = sizeof listens;
        if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) != 0 || listens == 0)
            continue;
        length = sizeof name;
        sockaddr_un local{};
        if (::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &length) == 0 &&
            local.sun_family == AF_UNIX) {
            found = fd;
            name = local;
            size = length;
        }
    }
    ::closedir(folder);
    return found;
}

} // namespace

TEST_CASE("an abstract name is a NUL and exactly the bytes of the name")
{
    rig on;
    const std::string name = own_name("exact");
    const ipc_server peer(*on, name);
    REQUIRE(peer.listening.has_value());
    sockaddr_un local{};
    socklen_t size = 0;
    REQUIRE(listening_descriptor(local, size) >= 0);
    CHECK(size == offsetof(sockaddr_un, sun_path) + name.size());
    CHECK(local.sun_path[0] == '\0');
    CHECK(std::string(local.sun_path + 1, name.size() - 1) == name.substr(1));
    CHECK_FALSE(std::filesystem::exists(name));
}

TEST_CASE("links reach an abstract name, and only that one")
{
    rig on;
    const std::string name = own_name("reach");
    {
        const ipc_server peer(*on, name);
        REQUIRE(peer.listening.has_value());
        CHECK(to_string(peer.listening->local_endpoint()) == "ipc://" + name);
        CHECK(peer.listening->local_address() == address::local());
        CHECK(answers(on, name));
        CHECK_FALSE(answers(on, name + "x"));
        CHECK_FALSE(answers(on, name.substr(0, name.size() - 1)));
    }
    CHECK_FALSE(answers(on, name));
}

TEST_CASE("an abstract name that is taken is in use, and free again afterwards")
{
    rig on;
    const std::string name = own_name("taken");
    for (int round = 0; round < 2; ++round) {
        const ipc_server first(*on, name);
        REQUIRE(first.listening.has_value());
        const ipc_server second(*on, name);
        CHECK(second.failure == errc::address_in_use);
        CHECK(second.detail() == "another listener uses the path");
        CHECK(answers(on, name));
    }
}

TEST_CASE("the longest abstract name works")
{
    rig on;
    std::string name = own_name("longest");
    name.resize(107, 'n');
    const ipc_server peer(*on, name);
    REQUIRE(peer.listening.has_value());
    CHECK(answers(on, name));
}

} // namespace slk::link_tests
