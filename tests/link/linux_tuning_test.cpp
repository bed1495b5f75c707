// SPDX-License-Identifier: MPL-2.0
// That every tuning option reaches the socket, and that one that is refused fails the attempt;
// and a listener without descriptors.

#include "link_rig.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace slk::link_tests {

namespace {

int option(const stream& of, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    CHECK(getsockopt(static_cast<int>(of.native_handle()), level, name, &value, &size) == 0);
    return value;
}

tuning_options everything()
{
    tuning_options tuning;
    tuning.keep_alive = keep_alive_options{.idle = 41s, .interval = 7s, .count = 5};
    tuning.send_buffer = 20'000;
    tuning.receive_buffer = 30'000;
    tuning.type_of_service = 0x10;
    tuning.user_timeout = 12'345ms;
    return tuning;
}

void check_everything(const stream& tuned)
{
    CHECK(option(tuned, IPPROTO_TCP, TCP_NODELAY) == 1);
    CHECK(option(tuned, SOL_SOCKET, SO_KEEPALIVE) == 1);
    CHECK(option(tuned, IPPROTO_TCP, TCP_KEEPIDLE) == 41);
    CHECK(option(tuned, IPPROTO_TCP, TCP_KEEPINTVL) == 7);
    CHECK(option(tuned, IPPROTO_TCP, TCP_KEEPCNT) == 5);
    CHECK(option(tuned, SOL_SOCKET, SO_SNDBUF) == 40'000); // socket(7): doubled
    CHECK(option(tuned, SOL_SOCKET, SO_RCVBUF) == 60'000);
    CHECK(option(tuned, IPPROTO_IP, IP_TOS) == 0x10);
    CHECK(option(tuned, IPPROTO_TCP, TCP_USER_TIMEOUT) == 12'345);
}

} // namespace

TEST_CASE("every tuning option reaches the socket of a link and of an accepted connection")
{
    rig on;
    stream far;
    stream near;
    listener_options options;
    options.at = *endpoint::parse("tcp://127.0.0.1:*");
    options.tuning = everything();
    auto peer = listener::create(*on, options, {.accepted = [&](stream s) { far = std::move(s); }});
    REQUIRE(peer.has_value());
    auto dialling = link::create(*on, {.to = at(peer->local_address()), .tuning = everything()},
                                 {.connected = [&](stream s) { near = std::move(s); }});
    REQUIRE(dialling.has_value());
    dialling->start();
    REQUIRE(on.until([&] { return near && far; }));
    check_everything(near);
    check_everything(far);
}

TEST_CASE("without no_delay the system's default stays")
{
    rig on;
    server peer(*on);
    stream near;
    tuning_options tuning;
    tuning.no_delay = false;
    auto dialling = link::create(*on, {.to = at(peer.where()), .tuning = tuning},
                                 {.connected = [&](stream s) { near = std::move(s); }});
    REQUIRE(dialling.has_value());
    dialling->start();
    REQUIRE(on.until([&] { return static_cast<bool>(near); }));
    CHECK(option(near, IPPROTO_TCP, TCP_NODELAY) == 0);
    CHECK(option(near, SOL_SOCKET, SO_KEEPALIVE) == 0);
}

TEST_CASE("a device that does not exist fails the attempt")
{
    rig on;
    server peer(*on);
    link_options options{.to = at(peer.where()), .reconnect = quick()};
    options.reconnect.base = reconnect_never;
    options.tuning.device = "no-such-device";
    auto dialling = link::create(*on, options);
    REQUIRE(dialling.has_value());
    dialling->start();
    REQUIRE(on.until([&] {
        return dialling->status().attempt == 1 && dialling->status().state == link_state::idle;
    }));
    CHECK(dialling->status().last_error.code != errc::ok);
    CHECK(dialling->status().generation == 0);
    CHECK(peer.streams.empty());
}

TEST_CASE("a listener without descriptors sheds, pauses and recovers")
{
    rig on;
    server peer(*on);
    std::vector<link> links;
    reconnect_options options = quick();
    options.cap = 50ms;
    for (int number = 0; number < 8; ++number)
        links.push_back(make_link(*on, at(peer.where()), options));
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
    const int lowest = dup(0);
    REQUIRE(lowest >= 0);
    close(lowest);
    rlimit tight = before;
    tight.rlim_cur = static_cast<rlim_t>(lowest) + 6;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &tight) == 0);
    for (link& each : links)
        each.start();
    const bool paused = on.until([&] { return peer.listening->status().pauses > 0; });
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(paused);
    CHECK(peer.listening->status().last_error == errc::too_many_descriptors);
    CHECK(on.until([&] {
        for (const link& each : links)
            if (!connected(each))
                return false;
        return peer.listening->status().state == listener_state::listening;
    }));
    MESSAGE(peer.listening->status().shed << " shed");
}

} // namespace slk::link_tests
