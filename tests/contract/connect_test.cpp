// SPDX-License-Identifier: MPL-2.0
#include "contract/harness.hpp"
#include "support/skip.hpp"

using namespace slk;
using namespace slk::contract;

namespace {

bool has_ipv6(rig& loop)
{
    const auto probe = loop->open_listener(address::loopback(address_family::ipv6, 0), {});
    if (probe)
        loop->close(*probe);
    return probe.has_value();
}

void expect_refusals(rig& loop, address_family family)
{
    const address dead = loop.dead_address(family);
    for (int round = 0; round < 100; ++round) {
        const io::socket_id client = loop.open(family);
        loop.turns(round % 2); // a fresh socket would be reported as hung up
        connect_op connecting;
        loop.connect(connecting, client, dead);
        REQUIRE(loop.finish(connecting));
        CHECK(connecting.failure == errc::connection_refused);
        CHECK(connecting.failure.phase == phase::connect);
        CHECK(connecting.failure.native != 0);
        CHECK(!loop->peer_address(client).has_value());
        loop->close(client);
    }
}

void expect_agreement(rig& loop, address_family family)
{
    const io::socket_id listener = loop.listen(family);
    const socket_pair link = loop.connect_pair(listener);
    CHECK(*loop->peer_address(link.client) == loop.address_of(listener));
    CHECK(*loop->peer_address(link.server) == loop.address_of(link.client));
    CHECK(*loop->peer_address(link.client) == loop.address_of(link.server));
}

} // namespace

SLK_CONTRACT_TEST("C6: a refused connect is a failure, however early the socket was writable")
{
    rig loop(backend);
    expect_refusals(loop, address_family::ipv4);
}

SLK_CONTRACT_TEST("C6: a refused connect is a failure over IPv6 too")
{
    rig loop(backend);
    if (!has_ipv6(loop))
        SLK_SKIP("needs IPv6");
    expect_refusals(loop, address_family::ipv6);
}

SLK_CONTRACT_TEST("C6: a connected socket has a peer, and both ends agree on the addresses")
{
    rig loop(backend);
    expect_agreement(loop, address_family::ipv4);
}

SLK_CONTRACT_TEST("C6: a connected socket has a peer over IPv6 too")
{
    rig loop(backend);
    if (!has_ipv6(loop))
        SLK_SKIP("needs IPv6");
    expect_agreement(loop, address_family::ipv6);
}

SLK_CONTRACT_TEST("C10: an operation that fails at once is delivered like one that fails later")
{
    rig loop(backend);
    const io::socket_id client = loop.open();
    const io::socket_id listener = loop.listen();
    connect_op other_family;
    connect_op port_zero;
    connect_op on_listener;
    accept_op not_listening;
    loop.connect(other_family, client, address::loopback(address_family::ipv6, 80));
    loop.connect(port_zero, client, address::loopback(address_family::ipv4, 0));
    loop.connect(on_listener, listener, address::loopback(address_family::ipv4, 80));
    loop.accept(not_listening, client);
    CHECK(loop->outstanding() == 4);
    CHECK(other_family.in_flight());
    loop->cancel(port_zero); // its outcome is fixed already
    loop.turns(1);
    CHECK(loop->outstanding() == 0);
    CHECK(other_family.failure == errc::invalid_argument);
    CHECK(port_zero.failure == errc::invalid_argument);
    CHECK(on_listener.failure == errc::invalid_state);
    CHECK(not_listening.failure == errc::invalid_argument);
}

SLK_CONTRACT_TEST("C17: connecting to the unspecified address means the loopback, everywhere")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    const std::uint16_t port = loop.address_of(listener).port;
    accept_op accepting;
    connect_op connecting;
    const io::socket_id client = loop.open();
    loop.accept(accepting, listener);
    loop.connect(connecting, client, address::any(address_family::ipv4, port));
    REQUIRE(loop.run_until([&] { return accepting.done() && connecting.done(); }));
    CHECK(connecting.failure == errc::ok);
    CHECK(*loop->peer_address(client) == address::loopback(address_family::ipv4, port));
}

SLK_CONTRACT_TEST("C18: a link-local address without a scope is refused with a reason")
{
    rig loop(backend);
    auto opened = loop->open(address_family::ipv6);
    if (!opened)
        SLK_SKIP("needs IPv6");
    auto target = address::parse("fe80::1", 80);
    REQUIRE(target.has_value());
    connect_op connecting;
    loop.connect(connecting, *opened, *target);
    REQUIRE(loop.finish(connecting));
    CHECK(connecting.failure == errc::invalid_argument);
    CHECK(connecting.failure.detail != nullptr);
}

SLK_CONTRACT_TEST("E14: two sockets cannot connect from one source port to one target")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    const address source = loop.free_address();
    int connected = 0;
    for (int attempt = 0; attempt < 2; ++attempt) {
        auto client = loop->open(address_family::ipv4);
        REQUIRE(client.has_value());
        if (auto bound = loop->bind_source(*client, source); !bound) {
            CHECK(bound.error() == errc::address_in_use);
            continue;
        }
        connect_op connecting;
        loop.connect(connecting, *client, loop.address_of(listener));
        REQUIRE(loop.finish(connecting));
        if (!connecting.failure) {
            ++connected;
            CHECK(loop.address_of(*client) == source);
        } else {
            const bool defined = connecting.failure == errc::no_local_port ||
                                 connecting.failure == errc::address_in_use;
            CHECK(defined);
        }
    }
    CHECK(connected == 1);
}

SLK_CONTRACT_TEST("E13: a source address without a port is used, and its port chosen at connect")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    auto source = address::parse("127.0.0.1", 0);
    auto client = loop->open(address_family::ipv4);
    REQUIRE(client.has_value());
    REQUIRE(loop->bind_source(*client, *source).has_value());
    connect_op connecting;
    loop.connect(connecting, *client, loop.address_of(listener));
    REQUIRE(loop.finish(connecting));
    CHECK(connecting.failure == errc::ok);
    CHECK(loop.address_of(*client).bytes == source->bytes);
    CHECK(loop.address_of(*client).port != 0);

    // Not an address of this machine (RFC 5737), and one of another family.
    auto other = loop->open(address_family::ipv4);
    REQUIRE(other.has_value());
    CHECK(loop->bind_source(*other, *address::parse("192.0.2.1", 0)).error() ==
          errc::address_not_available);
    CHECK(loop->bind_source(*other, address::any(address_family::ipv6)).error() ==
          errc::invalid_argument);
}
