// SPDX-License-Identifier: MPL-2.0
// Links in a network that loses packets.

#include "contract/harness.hpp"
#include "link/link_rig.hpp"
#include "support/own_network.hpp"
#include "support/skip.hpp"

#include <fstream>
#include <string>

namespace slk::link_tests {

namespace {

using slk::testing::own_network;

constexpr const char* no_packet_filter = "the command nft, or its kernel module, is not available";

bool drop(const char* what)
{
    return own_network::run(std::string("nft add table inet t && nft add chain inet t in "
                                        "'{ type filter hook input priority 0; }' && "
                                        "nft add rule inet t in ") +
                            what + " drop");
}

/// Sockets of this network in a state of include/net/tcp_states.h; listed by proc_net_tcp.rst.
int sockets_in_state(const char* hexadecimal)
{
    std::ifstream table("/proc/thread-self/net/tcp");
    std::string line;
    std::getline(table, line);
    int count = 0;
    for (std::string slot, local, remote, state; table >> slot >> local >> remote >> state;) {
        count += state == hexadecimal ? 1 : 0;
        std::getline(table, line);
    }
    return count;
}

constexpr const char* syn_sent = "02";

} // namespace

SLK_BACKEND_TEST("E15: a link whose SYN is lost times out by itself, closes, and tries again")
{
    own_network network;
    if (!network.usable())
        SLK_SKIP(slk::testing::no_namespaces);
    rig on({.backend = std::string(backend)});
    server peer(*on, 7000);
    if (!drop("tcp dport 7000 tcp flags syn"))
        SLK_SKIP(no_packet_filter);
    reconnect_options options = quick();
    options.connect_timeout = 60ms;
    options.floor = 1h;
    options.cap = 2h;
    link dialling = make_link(*on, at(peer.where()), options);
    const time_point began = on->now();
    dialling.start();
    REQUIRE(on.until([&] { return dialling.status().state == link_state::connecting; }));
    REQUIRE(on.until([&] { return sockets_in_state(syn_sent) == 1; }));
    REQUIRE(on.until([&] { return dialling.status().state == link_state::backoff; }));
    CHECK(dialling.status().since - began >= 60ms);
    CHECK(dialling.status().last_error == errc::timed_out);
    CHECK(dialling.status().last_error_address == peer.where());
    // No socket is left that could repeat the SYN or take a late answer.
    CHECK(sockets_in_state(syn_sent) == 0);
    REQUIRE(own_network::run("nft flush ruleset"));
    CHECK(peer.streams.empty());
    dialling.retry_now();
    CHECK(on.until([&] { return connected(dialling) && peer.streams.size() == 1; }));
}

SLK_BACKEND_TEST("E16: a silent peer is detected, with data under way and without")
{
    own_network network;
    if (!network.usable())
        SLK_SKIP(slk::testing::no_namespaces);
    rig on({.backend = std::string(backend)});
    server peer(*on, 7000);
    stream talking_end;
    link_options talks{.to = at(peer.where()), .reconnect = quick()};
    talks.reconnect.base = reconnect_never;
    link_options listens = talks;
    // Unacknowledged data and idle connections are detected by different timers.
    talks.tuning.user_timeout = 300ms;
    listens.tuning.keep_alive = keep_alive_options{.idle = 1s, .interval = 1s, .count = 1};
    link_options unaware = talks;
    unaware.tuning.user_timeout.reset();

    auto talking =
        link::create(*on, talks, {.connected = [&](stream s) { talking_end = std::move(s); }});
    auto listening = link::create(*on, listens);
    auto never_told = link::create(*on, unaware);
    for (auto* each : {&talking, &listening, &never_told}) {
        REQUIRE(each->has_value());
        (*each)->start();
    }
    REQUIRE(on.until([&] {
        return connected(*talking) && connected(*listening) && connected(*never_told) &&
               peer.streams.size() == 3;
    }));
    if (!drop("ct state established"))
        SLK_SKIP(no_packet_filter);

    const auto bytes = contract::pattern(1000);
    std::optional<result<std::size_t>> end;
    std::array<std::byte, 1> buffer{};
    REQUIRE(talking_end.send(bytes, {}).has_value());
    REQUIRE(talking_end.receive(buffer, [&](auto got) { end = got; }).has_value());
    const auto lost = [](const auto& which) { return which->status().state == link_state::idle; };
    CHECK(on.until([&] { return lost(talking) && lost(listening); }, 20s));
    CHECK(talking->status().last_error == errc::timed_out);
    CHECK(listening->status().last_error == errc::timed_out);
    REQUIRE(end.has_value());
    CHECK(end->error() == errc::timed_out);
    // TCP itself never ends a silent connection.
    CHECK(connected(*never_told));
}

} // namespace slk::link_tests
