// SPDX-License-Identifier: MPL-2.0
#include "windows/iocp_fixture.hpp"
#include "windows/system_shim.hpp"

#include <algorithm>
#include <initializer_list>

using namespace slk;
using namespace slk::testing;

namespace {

constexpr std::uint32_t initial_rto = 0x98000011;    // SIO_TCP_INITIAL_RTO
constexpr std::uint32_t reuse_unicast_port = 0x3007; // SO_REUSE_UNICASTPORT

bool is_option(const call& made, std::uint32_t option)
{
    return made.function == api::set_option && made.level == SOL_SOCKET && made.option == option;
}

std::ptrdiff_t position(const std::vector<call>& calls, api function)
{
    return std::find_if(calls.begin(), calls.end(),
                        [=](const call& made) { return made.function == function; }) -
           calls.begin();
}

} // namespace

TEST_CASE("W1: an unbound socket is bound before ConnectEx, and bytes pass [iocp]")
{
    for (const address_family family : {address_family::ipv4, address_family::ipv6}) {
        iocp_fixture io;
        const auto ends = io.connect(family);
        std::byte room[16];
        receiving receive;
        sending send;
        io.poller().receive(receive, ends.server, room);
        io.send(send, ends.client, bytes_of("hello"));
        REQUIRE(io.until([&] { return receive.done() && send.done(); }));
        CHECK(send.failure == errc::ok);
        CHECK(send.transferred == 5);
        CHECK(receive.failure == errc::ok);
        CHECK(text_of({room, receive.transferred}) == "hello");
    }
}

TEST_CASE("W2: the wildcard that is bound is of the target's family [iocp]")
{
    for (const address_family family : {address_family::ipv4, address_family::ipv6}) {
        system_shim system;
        iocp_fixture io;
        const auto ends = io.connect(family);
        const auto calls = system.calls_on(socket_in(io.poller(), ends.client));
        const auto bound = static_cast<std::size_t>(position(calls, api::bind));
        REQUIRE(bound < calls.size());
        CHECK(calls[bound].failed == 0);
        CHECK(calls[bound].any_address);
        CHECK(calls[bound].family == io::os::windows::number_of(family));
        CHECK(position(calls, api::bind) < position(calls, api::connect_ex));
    }
}

TEST_CASE("W2: a source address of the other family is refused as a value [iocp]")
{
    iocp_fixture io;
    const io::socket_id id = io.open(address_family::ipv6);
    const auto refused = io.poller().bind_source(id, address::any(address_family::ipv4));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error() == errc::invalid_argument);
    CHECK(refused.error().phase == phase::bind);
    // The socket still works.
    const io::socket_id listener = io.listen(address_family::ipv6);
    connecting connect;
    io.poller().connect(connect, id, io.address_of(listener));
    REQUIRE(io.until([&] { return connect.done(); }));
    CHECK(connect.failure == errc::ok);
}

TEST_CASE("W2: a source address is kept [iocp]")
{
    iocp_fixture io;
    const io::socket_id listener = io.listen();
    const io::socket_id id = io.open();
    const address source = address::loopback(address_family::ipv4, 0);
    REQUIRE(io.poller().bind_source(id, source).has_value());
    const address bound = io.address_of(id);
    connecting connect;
    io.poller().connect(connect, id, io.address_of(listener));
    REQUIRE(io.until([&] { return connect.done(); }));
    CHECK(connect.failure == errc::ok);
    CHECK(io.address_of(id) == bound);
}

TEST_CASE("W3: SO_UPDATE_CONNECT_CONTEXT is the first thing done to a connected socket [iocp]")
{
    system_shim system;
    iocp_fixture io;
    const auto ends = io.connect();
    const auto calls = system.calls_on(socket_in(io.poller(), ends.client));
    const auto connect = static_cast<std::size_t>(position(calls, api::connect_ex));
    REQUIRE(connect + 1 < calls.size());
    CHECK(is_option(calls[connect + 1], SO_UPDATE_CONNECT_CONTEXT));
    CHECK(calls[connect + 1].failed == 0);
}

TEST_CASE("W3: a socket that cannot be updated is not connected [iocp]")
{
    system_shim system;
    iocp_fixture io;
    const io::socket_id listener = io.listen();
    const io::socket_id client = io.open();
    connecting connect;
    system.fail_option(SO_UPDATE_CONNECT_CONTEXT, 1, WSAENOTCONN);
    io.poller().connect(connect, client, io.address_of(listener));
    REQUIRE(io.until([&] { return connect.done(); }));
    CHECK(connect.failure == errc::not_connected);
    CHECK(connect.failure.native == WSAENOTCONN);
    CHECK(connect.failure.phase == phase::connect);
}

TEST_CASE("W11: a refused connect is connection_refused [iocp]")
{
    for (const address_family family : {address_family::ipv4, address_family::ipv6}) {
        iocp_fixture io;
        const address dead = io.dead_address(family);
        const io::socket_id client = io.open(family);
        connecting connect;
        io.poller().connect(connect, client, dead);
        CHECK(connect.completions == 0);
        REQUIRE(io.until([&] { return connect.done(); }));
        CHECK(connect.failure == errc::connection_refused);
        CHECK(connect.failure.native == WSAECONNREFUSED);
        CHECK(connect.completions == 1);
    }
}

TEST_CASE("W18: the extension functions are asked of each family, and called for that one [iocp]")
{
    system_shim system;
    iocp_fixture io;
    (void)io.connect(address_family::ipv4);
    (void)io.connect(address_family::ipv6);
    (void)io.connect(address_family::ipv4);
    for (const int family : {AF_INET, AF_INET6}) {
        int asked = 0;
        for (const call& made : system.calls_of(api::ioctl))
            if (made.option == SIO_GET_EXTENSION_FUNCTION_POINTER && made.family == family)
                ++asked;
        CHECK(asked == 2); // ConnectEx and AcceptEx, once
    }
    std::vector<int> used;
    for (const call& made : system.calls_of(api::connect_ex))
        used.push_back(made.family);
    CHECK(used == std::vector<int>{AF_INET, AF_INET6, AF_INET});
    used.clear();
    for (const call& made : system.calls_of(api::accept_ex))
        used.push_back(made.family);
    CHECK(used == std::vector<int>{AF_INET, AF_INET6, AF_INET});
}

TEST_CASE("W19: only a connect to the loopback asks for a single SYN, and may be denied it [iocp]")
{
    system_shim system;
    iocp_fixture io;
    const auto ends = io.connect(); // Wine refuses the option: the connection is still made
    const auto calls = system.calls_on(socket_in(io.poller(), ends.client));
    const auto asked = std::find_if(calls.begin(), calls.end(), [](const call& made) {
        return made.function == api::ioctl && made.option == initial_rto;
    });
    REQUIRE(asked != calls.end());
    CHECK(asked - calls.begin() < position(calls, api::connect_ex));

    // TEST-NET-1 (RFC 5737): nothing is sent, because ConnectEx is made to fail.
    const io::socket_id client = io.open();
    const SOCKET socket = socket_in(io.poller(), client);
    const std::size_t before = system.calls_of(api::ioctl).size();
    system.fail_connects = 1;
    system.extension_failure = WSAENETUNREACH;
    connecting connect;
    io.poller().connect(connect, client, *address::parse("192.0.2.1", 9));
    REQUIRE(io.until([&] { return connect.done(); }));
    CHECK(connect.failure == errc::network_unreachable);
    CHECK(system.calls_of(api::ioctl).size() == before);
    CHECK_FALSE(system.calls_on(socket).empty());
}

TEST_CASE("W20: ports that are used up are no_local_port, whatever the system calls it [iocp]")
{
    system_shim system;
    iocp_fixture io;
    const io::socket_id listener = io.listen();
    for (const int code : {WSAEADDRINUSE, WSAENOBUFS, WSAEADDRNOTAVAIL}) {
        system.fail_connects = 1;
        system.extension_failure = code;
        const io::socket_id client = io.open();
        connecting connect;
        io.poller().connect(connect, client, io.address_of(listener));
        CHECK(connect.completions == 0); // an immediate failure is not delivered inline
        REQUIRE(io.until([&] { return connect.done(); }));
        CHECK(connect.failure == errc::no_local_port);
        CHECK(connect.failure.native == code);
    }
}

TEST_CASE("W20: the port may be chosen late: SO_REUSE_UNICASTPORT comes before the bind [iocp]")
{
    system_shim system;
    iocp_fixture io;
    const auto ends = io.connect();
    const auto calls = system.calls_on(socket_in(io.poller(), ends.client));
    const auto option = std::find_if(calls.begin(), calls.end(), [](const call& made) {
        return is_option(made, reuse_unicast_port);
    });
    REQUIRE(option != calls.end());
    CHECK(option->value == 1);
    CHECK(option - calls.begin() < position(calls, api::bind));
}

TEST_CASE("W21: neither a listener nor a connecter sets SO_REUSEADDR [iocp]")
{
    system_shim system;
    iocp_fixture io;
    const io::socket_id listener = io.listen();
    const io::socket_id client = io.open();
    REQUIRE(
        io.poller().bind_source(client, address::loopback(address_family::ipv4, 0)).has_value());
    bool exclusive = false;
    for (const call& made : system.calls_of(api::set_option)) {
        CHECK_FALSE(is_option(made, SO_REUSEADDR));
        exclusive =
            exclusive || (is_option(made, static_cast<std::uint32_t>(SO_EXCLUSIVEADDRUSE)) &&
                          made.socket == socket_in(io.poller(), listener));
    }
    CHECK(exclusive);
    const auto second = io.poller().open_listener(io.address_of(listener), {});
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error() == errc::address_in_use);
}
