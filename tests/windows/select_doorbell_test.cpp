// SPDX-License-Identifier: MPL-2.0
#include "io/backend/select/doorbell.hpp"
#include "io/os/system.hpp"
#include "io/os/windows/winsock.hpp"

#include <doctest/doctest.h>

using namespace slk;
using io::os::windows::socket_of;
using io::select::doorbell;

namespace {

/// Whether select() finds it readable, within so many milliseconds.
bool rings(const doorbell& bell, long milliseconds)
{
    fd_set readable;
    readable.fd_count = 1;
    readable.fd_array[0] = socket_of(bell.handle());
    timeval test_timeout{0, milliseconds * 1000};
    return ::select(0, &readable, nullptr, nullptr, &test_timeout) == 1;
}

constexpr long long_enough = 900;

} // namespace

TEST_CASE("Rule 12: many rings are heard as one, and none after they were silenced")
{
    REQUIRE(io::os::start_network().has_value());
    doorbell bell;
    REQUIRE(bell.open().has_value());
    CHECK_FALSE(rings(bell, 0));
    for (int round = 0; round < 100; ++round) {
        for (int number = 0; number < 10; ++number)
            bell.ring();
        CHECK(rings(bell, long_enough));
        bell.silence();
        CHECK_FALSE(rings(bell, 0));
    }
}

TEST_CASE("Rule 13: what strangers send to the bell does not ring it")
{
    REQUIRE(io::os::start_network().has_value());
    doorbell bell;
    REQUIRE(bell.open().has_value());
    io::os::windows::socket_address where;
    REQUIRE(getsockname(socket_of(bell.handle()), where.data(), &where.length) == 0);
    const address local = io::os::windows::from_system(where.data());
    CHECK(local.is_loopback());
    const SOCKET stranger = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    REQUIRE(stranger != INVALID_SOCKET);
    for (int number = 0; number < 10; ++number)
        REQUIRE(sendto(stranger, "knock", 5, 0, where.data(), where.length) == 5);
    CHECK_FALSE(rings(bell, 50));
    bell.ring();
    CHECK(rings(bell, long_enough));
    // Nor can anybody take its port.
    const SOCKET thief = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    CHECK(bind(thief, where.data(), where.length) != 0);
    closesocket(thief);
    closesocket(stranger);
}
