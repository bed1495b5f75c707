// SPDX-License-Identifier: MPL-2.0
// Every tuning option reaches the socket, and a refused one fails the attempt; and a listener
// without descriptors.

#include "link_rig.hpp"

#include "support/skip.hpp"

#include <string>

#include <net/if.h>
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

/// A link and its listener, each with its tuning. Connected, unless the listener could not be made
/// (`listening` is empty) or the link's tuning was refused.
struct tuned_connection {
    tuned_connection(const tuning_options& link_tuning, const tuning_options& listener_tuning,
                     const char* where = "tcp://127.0.0.1:*")
    {
        listener_options options;
        options.at = *endpoint::parse(where);
        options.tuning = listener_tuning;
        options.dual_stack = true;
        auto made =
            listener::create(*on, options, {.accepted = [this](stream s) { far = std::move(s); }});
        if (!made)
            return;
        listening.emplace(std::move(*made));
        address to = listening->local_address();
        if (to.is_any())
            to = address::loopback(address_family::ipv4, to.port);
        auto dialling = link::create(
            *on, {.to = at(to), .tuning = link_tuning},
            {.state_changed = [this](const auto&,
                                     const link_status& status) { refused = status.last_error; },
             .connected = [this](stream s) { near = std::move(s); }});
        REQUIRE(dialling.has_value());
        made_link.emplace(std::move(*dialling));
        made_link->start();
        REQUIRE(on.until([&] { return refused || (near && far); }));
    }
    tuned_connection(const tuned_connection&) = delete;
    tuned_connection& operator=(const tuned_connection&) = delete;

    rig on;
    error refused;
    stream near;
    stream far;
    std::optional<listener> listening;
    std::optional<link> made_link;
};

/// The scale that this end announced in its SYN (RFC 7323 section 2.2).
unsigned window_scale(const stream& of)
{
    tcp_info info{};
    socklen_t size = sizeof info;
    REQUIRE(getsockopt(static_cast<int>(of.native_handle()), IPPROTO_TCP, TCP_INFO, &info, &size) ==
            0);
    return info.tcpi_rcv_wscale;
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

TEST_CASE("keep-alive that is not enabled is turned off")
{
    tuning_options tuning;
    tuning.keep_alive = keep_alive_options{.enabled = false, .idle = 41s};
    const tuned_connection both(tuning, {});
    CHECK(option(both.near, SOL_SOCKET, SO_KEEPALIVE) == 0);
    CHECK(option(both.near, IPPROTO_TCP, TCP_KEEPIDLE) != 41);
}

TEST_CASE("the buffer of either end is set before its SYN, whose window scale it decides")
{
    tuning_options tuning;
    tuning.receive_buffer = 20'000;
    const tuned_connection small(tuning, tuning);
    const tuned_connection usual({}, {});
    CHECK(window_scale(small.near) < window_scale(usual.near));
    CHECK(window_scale(small.far) < window_scale(usual.far));
}

TEST_CASE("the type of service reaches IPv6 connections")
{
    tuning_options tuning;
    tuning.type_of_service = 0x28;
    const tuned_connection both(tuning, tuning, "tcp://[::1]:*");
    if (!both.listening)
        SLK_SKIP("needs IPv6");
    CHECK(option(both.near, IPPROTO_IPV6, IPV6_TCLASS) == 0x28);
    CHECK(option(both.far, IPPROTO_IPV6, IPV6_TCLASS) == 0x28);
}

TEST_CASE("the type of service reaches IPv4 connections of a listener for both families")
{
    tuning_options tuning;
    tuning.type_of_service = 0x28;
    const tuned_connection both({}, tuning, "tcp://[::]:*");
    if (!both.listening)
        SLK_SKIP("needs IPv6");
    // Its packets are IPv4 packets, so the IPv4 option applies.
    CHECK(option(both.far, IPPROTO_IP, IP_TOS) == 0x28);
}

TEST_CASE("the device of a link reaches its socket")
{
    tuning_options tuning;
    tuning.device = "lo";
    const tuned_connection both(tuning, {});
    if (both.refused == errc::permission_denied)
        SLK_SKIP("binding to a device is not permitted");
    char name[IFNAMSIZ] = {};
    socklen_t size = sizeof name;
    REQUIRE(getsockopt(static_cast<int>(both.near.native_handle()), SOL_SOCKET, SO_BINDTODEVICE,
                       name, &size) == 0);
    CHECK(std::string(name) == "lo");
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
    const error why = dialling->status().last_error;
    if (why == errc::permission_denied)
        SLK_SKIP("binding to a device is not permitted");
    CHECK(classify(why) == failure_class::bad_local_address);
    CHECK(why.phase == phase::tune);
    REQUIRE(why.detail != nullptr);
    CHECK(std::string(why.detail) == "tuning.device");
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

TEST_CASE("keep-alive times of 0 are left as the system has them")
{
    tuning_options tuning;
    tuning.keep_alive = keep_alive_options{.idle = 0s, .interval = 0s, .count = 0};
    const tuned_connection both(tuning, {});
    CHECK(option(both.near, SOL_SOCKET, SO_KEEPALIVE) == 1);
    for (const int name : {TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT})
        CHECK(option(both.near, IPPROTO_TCP, name) == option(both.far, IPPROTO_TCP, name));
}

TEST_CASE("with best_effort a refused option is left out, and the others are set")
{
    tuning_options tuning;
    tuning.keep_alive = keep_alive_options{.idle = 41s};
    tuning.device = "no-such-device";
    tuning.type_of_service = 0x10;
    const tuned_connection refused(tuning, {});
    CHECK(refused.refused.detail == std::string_view("tuning.device"));
    tuning.best_effort = true;
    const tuned_connection both(tuning, {});
    CHECK(option(both.near, IPPROTO_TCP, TCP_KEEPIDLE) == 41);
    CHECK(option(both.near, IPPROTO_IP, IP_TOS) == 0x10);
}

} // namespace slk::link_tests
