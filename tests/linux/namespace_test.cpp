// SPDX-License-Identifier: MPL-2.0
#include "contract/harness.hpp"
#include "support/own_network.hpp"
#include "support/skip.hpp"

using namespace slk;
using namespace slk::contract;
using slk::testing::no_namespaces;
using slk::testing::own_network;

namespace {

constexpr const char* no_packet_filter = "the command nft, or its kernel module, is not available";

error connect_to(rig& loop, const address& target)
{
    const io::socket_id client = loop.open(target.family);
    connect_op connecting;
    loop.connect(connecting, client, target);
    CHECK(connecting.completions == 0);
    REQUIRE(loop.finish(connecting));
    loop->close(client);
    return connecting.failure;
}

} // namespace

SLK_BACKEND_TEST("C10: routes that fail at once give the same completion as a late failure")
{
    own_network network;
    if (!network.usable())
        SLK_SKIP(no_namespaces);
    REQUIRE(network.run("ip route add blackhole 10.1.0.0/16"));
    REQUIRE(network.run("ip route add unreachable 10.2.0.0/16"));
    REQUIRE(network.run("ip route add prohibit 10.3.0.0/16"));
    rig loop(backend);
    CHECK(connect_to(loop, *address::parse("10.1.0.1", 80)) == errc::network_unreachable);
    CHECK(connect_to(loop, *address::parse("10.2.0.1", 80)) == errc::host_unreachable);
    CHECK(connect_to(loop, *address::parse("10.3.0.1", 80)) == errc::permission_denied);
    CHECK(connect_to(loop, *address::parse("10.4.0.1", 80)) == errc::network_unreachable);
    CHECK(connect_to(loop, address::loopback(address_family::ipv4, 80)) ==
          errc::connection_refused);
}

SLK_BACKEND_TEST("E11: when the local ports are used up, a connect fails with no_local_port")
{
    own_network network;
    if (!network.usable() || !network.set_port_range("40000 40019"))
        SLK_SKIP(no_namespaces);
    rig loop(backend);
    io::listen_settings settings;
    auto listener = loop->open_listener(address::loopback(address_family::ipv4, 7000), settings);
    REQUIRE(listener.has_value());
    error last;
    int connected = 0;
    while (!last && connected < 100) {
        connect_op connecting;
        loop.connect(connecting, loop.open(), loop.address_of(*listener));
        REQUIRE(loop.finish(connecting));
        last = connecting.failure;
        connected += last ? 0 : 1;
    }
    CHECK(connected >= 10);
    CHECK(connected <= 20);
    CHECK(last == errc::no_local_port);
    CHECK(last.native != 0);
}

SLK_BACKEND_TEST("E13: a source address does not reserve its port for all targets")
{
    own_network network;
    if (!network.usable() || !network.set_port_range("40000 40019"))
        SLK_SKIP(no_namespaces);
    rig loop(backend);
    int connected = 0;
    for (const std::uint16_t port : {std::uint16_t{7000}, std::uint16_t{7001}}) {
        const address target = address::loopback(address_family::ipv4, port);
        REQUIRE(loop->open_listener(target, {}).has_value());
        error last;
        while (!last) {
            auto client = loop->open(address_family::ipv4);
            REQUIRE(client.has_value());
            const auto bound =
                loop->bind_source(*client, address::loopback(address_family::ipv4, 0));
            if (!bound) {
                CHECK(bound.error() == errc::no_local_port);
                break;
            }
            connect_op connecting;
            loop.connect(connecting, *client, target);
            REQUIRE(loop.finish(connecting));
            last = connecting.failure;
            connected += last ? 0 : 1;
        }
    }
    CHECK(connected > 20);
}

SLK_BACKEND_TEST("E15: a connect whose packets are lost waits, and leaves nothing when cancelled")
{
    own_network network;
    if (!network.usable())
        SLK_SKIP(no_namespaces);
    if (!network.run("nft add table inet t && nft add chain inet t in "
                     "'{ type filter hook input priority 0; }' && "
                     "nft add rule inet t in tcp dport 7000 tcp flags syn drop"))
        SLK_SKIP(no_packet_filter);
    rig loop(backend);
    const address target = address::loopback(address_family::ipv4, 7000);
    const auto listener = loop->open_listener(target, {});
    REQUIRE(listener.has_value());
    accept_op accepting;
    loop.accept(accepting, *listener);
    const io::socket_id client = loop.open();
    connect_op connecting;
    loop.connect(connecting, client, target);
    CHECK(!loop.run_until([&] { return connecting.done(); }, 100ms));
    loop->cancel(connecting);
    REQUIRE(loop.finish(connecting));
    CHECK(connecting.failure == errc::cancelled);
    loop->close(client);
    REQUIRE(network.run("nft flush ruleset"));
    // The retransmitted SYN of a socket that was left behind would come within a second.
    CHECK(!loop.run_until([&] { return accepting.done(); }, 1500ms));
    loop->cancel(accepting);
    REQUIRE(loop.finish(accepting));
}

SLK_BACKEND_TEST("E22: unreachable fails a connect, but not an established connection")
{
    own_network network;
    if (!network.usable())
        SLK_SKIP(no_namespaces);
    rig loop(backend);
    const address target = address::loopback(address_family::ipv4, 7000);
    const auto listener = loop->open_listener(target, {});
    REQUIRE(listener.has_value());
    const socket_pair link = loop.connect_pair(*listener);
    if (!network.run("nft add table inet t && nft add chain inet t in "
                     "'{ type filter hook input priority 0; }' && "
                     "nft add rule inet t in tcp dport 7000 reject with icmp host-unreachable"))
        SLK_SKIP(no_packet_filter);
    CHECK(connect_to(loop, target) == errc::host_unreachable);

    receive_op receiving;
    std::array<std::byte, 10> buffer;
    loop.receive(receiving, link.server, buffer);
    send_op sending;
    const auto bytes = pattern(10);
    loop.send(sending, link.client, bytes);
    REQUIRE(loop.finish(sending));
    CHECK(sending.failure == errc::ok);
    CHECK(!loop.run_until([&] { return receiving.done(); }, 100ms));
    REQUIRE(network.run("nft flush ruleset"));
    REQUIRE(loop.finish(receiving)); // sent again by the system
    CHECK(receiving.failure == errc::ok);
    CHECK(receiving.transferred == 10);
}
