// SPDX-License-Identifier: MPL-2.0
#include "io/os/system.hpp"
#include "io/os/wake_signal.hpp"
#include "io/os/windows/winsock.hpp"

#include <doctest/doctest.h>

using namespace slk;
using io::os::wake_signal;
using io::os::windows::socket_of;

namespace {

/// Returns whether select() finds the handle readable within the time.
bool is_readable(const wake_signal& signal, long milliseconds)
{
    fd_set readable;
    readable.fd_count = 1;
    readable.fd_array[0] = socket_of(signal.handle());
    timeval limit{0, milliseconds * 1000};
    return ::select(0, &readable, nullptr, nullptr, &limit) == 1;
}

constexpr long generous_ms = 900;

} // namespace

TEST_CASE("Rule 12: many calls of set() are one event, and none after clear()")
{
    REQUIRE(io::os::start_network().has_value());
    wake_signal signal;
    REQUIRE(signal.open().has_value());
    CHECK_FALSE(is_readable(signal, 0));
    for (int round = 0; round < 100; ++round) {
        for (int number = 0; number < 10; ++number)
            signal.set();
        CHECK(is_readable(signal, generous_ms));
        signal.clear();
        CHECK_FALSE(is_readable(signal, 0));
    }
}

TEST_CASE("Rule 13: datagrams of other sockets do not set the signal")
{
    REQUIRE(io::os::start_network().has_value());
    wake_signal signal;
    REQUIRE(signal.open().has_value());
    io::os::windows::socket_address own;
    REQUIRE(getsockname(socket_of(signal.handle()), own.data(), &own.length) == 0);
    const address local = io::os::windows::from_system(own.data());
    CHECK(local.is_loopback());
    const SOCKET other = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    REQUIRE(other != INVALID_SOCKET);
    for (int number = 0; number < 10; ++number)
        REQUIRE(sendto(other, "knock", 5, 0, own.data(), own.length) == 5);
    CHECK_FALSE(is_readable(signal, 50));
    signal.set();
    CHECK(is_readable(signal, generous_ms));
    // No other socket can bind its port.
    const SOCKET second = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    CHECK(bind(second, own.data(), own.length) != 0);
    closesocket(second);
    closesocket(other);
}
