// SPDX-License-Identifier: MPL-2.0
// Listening on a network interface, and connecting from one, by Linux's name of the loopback.

#include "link_rig.hpp"
#include "support/own_network.hpp"
#include "support/skip.hpp"

namespace slk::link_tests {

namespace {

result<listener> listen(rig& on, const std::string& where)
{
    listener_options options;
    options.at = to_endpoint(where);
    return listener::create(*on, options, {});
}

/// The link's address as the listener sees it.
address source_seen(rig& on, const address& listening, const std::string& source)
{
    std::vector<stream> streams;
    server peer(*on, listening, [&](stream s) { streams.push_back(std::move(s)); });
    REQUIRE(peer.listening.has_value());
    link dialling =
        make_link(*on, to_endpoint("tcp://" + source + ";" + to_string(peer.where())), quick());
    dialling.start();
    REQUIRE(on.until([&] { return connected(dialling) && !streams.empty(); }));
    CHECK(dialling.status().local == streams[0].peer_address());
    return streams[0].peer_address();
}

bool has_ipv6(rig& on)
{
    return listen(on, "tcp://[::1]:*").has_value();
}

} // namespace

TEST_CASE("a listener on a network interface listens on its IPv4 address")
{
    rig on;
    for (const char* const text : {"tcp://lo:*", "tcp://lo:0"}) {
        const auto made = listen(on, text);
        REQUIRE(made.has_value());
        CHECK(to_string(made->local_endpoint()).starts_with("tcp://127.0.0.1:"));
    }
    const address free = free_address(*on);
    const auto made = listen(on, "tcp://lo:" + std::to_string(free.port));
    REQUIRE(made.has_value());
    CHECK(made->local_address() == free);
}

TEST_CASE("a link's source may be an address of this machine or a network interface")
{
    rig on;
    const address v4 = address::loopback(address_family::ipv4, 0);
    for (const char* const source : {"lo", "lo:0", "lo:*", "127.0.0.1"})
        CHECK(to_string(source_seen(on, v4, source)).starts_with("127.0.0.1:"));
    for (const char* const source : {"127.0.0.5", "127.0.0.5:0", "127.0.0.5:*"})
        CHECK(to_string(source_seen(on, v4, source)).starts_with("127.0.0.5:"));
    const address free = free_address(*on);
    CHECK(source_seen(on, v4, "lo:" + std::to_string(free.port)) == free);
}

TEST_CASE("the source of a network interface is its address of the target's family")
{
    rig on;
    if (!has_ipv6(on))
        SLK_SKIP("needs IPv6");
    const address v6 = address::loopback(address_family::ipv6, 0);
    CHECK(to_string(source_seen(on, v6, "lo")).starts_with("[::1]:"));
    CHECK(to_string(source_seen(on, v6, "[::1]:0")).starts_with("[::1]:"));
}

TEST_CASE("listening on a network interface needs an address there")
{
    const testing::own_network network;
    if (!network.usable() || !testing::own_network::run("ip link add bare type veth"))
        SLK_SKIP(testing::no_namespaces);
    rig on;
    const auto refused = listen(on, "tcp://bare:*");
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error() == errc::address_not_available);
    CHECK(std::string(refused.error().detail) == "the network interface has no address");
    REQUIRE(testing::own_network::run("ip addr add 192.0.2.7/24 dev bare"));
    const auto made = listen(on, "tcp://bare:*");
    REQUIRE(made.has_value());
    CHECK(to_string(made->local_endpoint()).starts_with("tcp://192.0.2.7:"));
    // The new address is found at the next attempt.
    link dialling = make_link(*on, to_endpoint("tcp://bare;[2001:db8::1]:1"), quick());
    dialling.start();
    REQUIRE(on.until(
        [&] { return dialling.status().last_error == errc::address_family_not_supported; }));
    REQUIRE(testing::own_network::run("ip link set bare up"));
    REQUIRE(testing::own_network::run("ip -6 addr add 2001:db8::2/64 dev bare nodad"));
    CHECK(on.until(
        [&] { return dialling.status().last_error != errc::address_family_not_supported; }));
}

} // namespace slk::link_tests
