// SPDX-License-Identifier: MPL-2.0
#include "windows/iocp_fixture.hpp"
#include "windows/system_shim.hpp"

#include <algorithm>
#include <initializer_list>

using namespace slk;
using namespace slk::testing;

namespace {

/// A client outside the poller, with a blocking socket.
SOCKET raw_connect(const address& target)
{
    const SOCKET client = ::socket(io::os::windows::number_of(target.family), SOCK_STREAM, 0);
    const auto where = io::os::windows::to_system(target);
    REQUIRE(::connect(client, where.data(), where.length) == 0);
    return client;
}

void raw_reset(SOCKET client)
{
    const linger no_wait{1, 0};
    (void)setsockopt(client, SOL_SOCKET, SO_LINGER, reinterpret_cast<const char*>(&no_wait),
                     sizeof no_wait);
    closesocket(client);
}

} // namespace

TEST_CASE("W4: SO_UPDATE_ACCEPT_CONTEXT with the listener comes before any other use [iocp]")
{
    system_shim system;
    iocp_fixture io;
    const io::socket_id listener = io.listen();
    accepting accept;
    connecting connect;
    io.poller().accept(accept, listener);
    io.poller().connect(connect, io.open(), io.address_of(listener));
    REQUIRE(io.until([&] { return accept.done() && connect.done(); }));
    REQUIRE(accept.failure == errc::ok);
    const SOCKET accepted = socket_in(io.poller(), accept.accepted);
    const auto all = system.calls();
    const auto posted = std::find_if(all.begin(), all.end(), [=](const call& made) {
        return made.function == api::accept_ex && made.value == accepted;
    });
    REQUIRE(posted != all.end());
    const auto first = std::find_if(posted + 1, all.end(),
                                    [=](const call& made) { return made.socket == accepted; });
    REQUIRE(first != all.end());
    CHECK(first->function == api::set_option);
    CHECK(first->option == SO_UPDATE_ACCEPT_CONTEXT);
    CHECK(first->value == socket_in(io.poller(), listener));
    CHECK(first->failed == 0);
    // It works: the addresses of both ends agree.
    const auto peer = io.poller().peer_address(accept.accepted);
    REQUIRE(peer.has_value());
    CHECK(*peer == io.address_of(connect.socket));
}

TEST_CASE("W4: an accepted socket that cannot be updated is closed, and its place kept [iocp]")
{
    system_shim system;
    iocp_fixture io;
    const io::socket_id listener = io.listen();
    accepting accept;
    io.poller().accept(accept, listener);
    const auto posted = system.calls_of(api::accept_ex);
    REQUIRE(posted.size() == 1);
    system.fail_option(SO_UPDATE_ACCEPT_CONTEXT, 1, WSAENOTCONN);
    connecting first;
    connecting second;
    io.poller().connect(first, io.open(), io.address_of(listener));
    REQUIRE(io.until([&] { return first.done() && system.calls_of(api::accept_ex).size() == 2; }));
    CHECK_FALSE(accept.done());
    const auto closed = system.calls_on(posted.front().value);
    CHECK(std::any_of(closed.begin(), closed.end(),
                      [](const call& made) { return made.function == api::close; }));
    io.poller().connect(second, io.open(), io.address_of(listener));
    REQUIRE(io.until([&] { return accept.done(); }));
    CHECK(accept.failure == errc::ok);
    CHECK(accept.completions == 1);
}

TEST_CASE("W5: the operation has room for both addresses as AcceptEx writes them [iocp]")
{
    for (const address_family family : {address_family::ipv4, address_family::ipv6}) {
        iocp_fixture io;
        const io::socket_id listener = io.listen(family);
        accepting accept;
        connecting connect;
        io.poller().accept(accept, listener);
        io.poller().connect(connect, io.open(family), io.address_of(listener));
        REQUIRE(io.until([&] { return accept.done() && connect.done(); }));
        REQUIRE(accept.failure == errc::ok);

        GUID wanted = WSAID_GETACCEPTEXSOCKADDRS;
        LPFN_GETACCEPTEXSOCKADDRS parse = nullptr;
        DWORD size = 0;
        REQUIRE(WSAIoctl(socket_in(io.poller(), listener), SIO_GET_EXTENSION_FUNCTION_POINTER,
                         &wanted, sizeof wanted, &parse, sizeof parse, &size, nullptr,
                         nullptr) == 0);
        sockaddr* local = nullptr;
        sockaddr* remote = nullptr;
        int local_length = 0;
        int remote_length = 0;
        constexpr DWORD space = io::accept_operation::address_space;
        parse(accept.addresses, 0, space, space, &local, &local_length, &remote, &remote_length);
        CHECK(io::os::windows::from_system(local) == io.address_of(listener));
        CHECK(io::os::windows::from_system(remote) == io.address_of(connect.socket));
        CHECK(local_length + 16 <= static_cast<int>(space));
        CHECK(remote_length + 16 <= static_cast<int>(space));
    }
}

TEST_CASE("W6: silent clients delay no others: no first data is asked for [iocp]")
{
    system_shim system;
    iocp_fixture io;
    const io::socket_id listener = io.listen();
    for (int i = 0; i < 5; ++i) {
        accepting accept;
        connecting connect;
        io.poller().accept(accept, listener);
        io.poller().connect(connect, io.open(), io.address_of(listener));
        REQUIRE(io.until([&] { return accept.done() && connect.done(); }));
        CHECK(accept.failure == errc::ok);
    }
    for (const call& made : system.calls_of(api::accept_ex))
        CHECK(made.option == 0);
}

TEST_CASE("W7: a peer that is gone before it was accepted costs no place [iocp]")
{
    system_shim system;
    iocp_fixture io;
    const io::socket_id listener = io.listen();
    system.extension_failure = WSAECONNRESET;
    system.fail_accepts = 5;
    accepting accept;
    io.poller().accept(accept, listener);
    REQUIRE(io.poller().turn(time_point{}).has_value());
    CHECK_FALSE(accept.done());
    const auto posted = system.calls_of(api::accept_ex);
    REQUIRE(posted.size() == 6);
    for (std::size_t i = 0; i < 5; ++i) {
        const auto calls = system.calls_on(posted[i].value);
        CHECK(std::count_if(calls.begin(), calls.end(),
                            [](const call& made) { return made.function == api::close; }) >= 1);
    }
    connecting connect;
    io.poller().connect(connect, io.open(), io.address_of(listener));
    REQUIRE(io.until([&] { return accept.done(); }));
    CHECK(accept.failure == errc::ok);
    CHECK(accept.completions == 1);
}

TEST_CASE("W7: a storm of vanished peers is worked off in turns, and told after a bound [iocp]")
{
    system_shim system;
    iocp_fixture io;
    const io::socket_id listener = io.listen();
    system.extension_failure = WSAECONNRESET;
    system.fail_accepts = 1'000'000;
    accepting accept;
    io.poller().accept(accept, listener);
    CHECK_FALSE(accept.done());
    std::size_t before = 0;
    REQUIRE(io.until([&] {
        const std::size_t calls = system.calls_of(api::accept_ex).size();
        CHECK(calls - before <= 64); // in one turn
        before = calls;
        return accept.done();
    }));
    CHECK(accept.failure == errc::connection_aborted);
    CHECK(system.calls_of(api::accept_ex).size() <= 10'000);
    system.fail_accepts = 0;
    accept.again();
    connecting connect;
    io.poller().accept(accept, listener);
    io.poller().connect(connect, io.open(), io.address_of(listener));
    REQUIRE(io.until([&] { return accept.done(); }));
    CHECK(accept.failure == errc::ok);
}

TEST_CASE("W7: any other failure of AcceptEx is reported to the owner at once [iocp]")
{
    system_shim system;
    iocp_fixture io;
    const io::socket_id listener = io.listen();
    system.extension_failure = WSAENOBUFS;
    system.fail_accepts = 1;
    accepting accept;
    io.poller().accept(accept, listener);
    REQUIRE(io.until([&] { return accept.done(); }));
    CHECK(accept.failure == errc::out_of_memory);
    CHECK(accept.failure.phase == phase::accept);
    CHECK(system.calls_of(api::accept_ex).size() == 1);
}

TEST_CASE("W7: after many clients that reset at once a good one is accepted [iocp]")
{
    iocp_fixture io;
    const io::socket_id listener = io.listen();
    const address where = io.address_of(listener);
    accepting accepts[4];
    for (accepting& accept : accepts)
        io.poller().accept(accept, listener);
    int ended = 0;
    const auto rearm = [&] {
        for (accepting& accept : accepts)
            if (accept.done()) {
                CHECK((accept.failure == errc::ok || accept.failure == errc::connection_aborted));
                io.poller().close(accept.accepted);
                accept.again();
                io.poller().accept(accept, listener);
                ++ended;
            }
    };
    for (int i = 0; i < 300; ++i) {
        raw_reset(raw_connect(where));
        REQUIRE(io.poller().turn(time_point{}).has_value());
        rearm();
    }
    connecting connect;
    const io::socket_id client = io.open();
    io.poller().connect(connect, client, where);
    REQUIRE(io.until([&] { return connect.done(); }));
    REQUIRE(connect.failure == errc::ok);
    const address mine = io.address_of(client);
    bool met = false;
    REQUIRE(io.until([&] {
        for (accepting& accept : accepts)
            if (accept.done() && !accept.failure) {
                const auto peer = io.poller().peer_address(accept.accepted);
                met = met || (peer && *peer == mine);
            }
        rearm();
        return met;
    }));
    CHECK(io.poller().outstanding() == 4);
}

TEST_CASE("W28: IOCP accepts by AcceptEx, and never by accept [iocp]")
{
    system_shim system;
    iocp_fixture io;
    const io::socket_id listener = io.listen();
    for (int i = 0; i < 3; ++i) {
        accepting accept;
        connecting connect;
        io.poller().accept(accept, listener);
        io.poller().connect(connect, io.open(), io.address_of(listener));
        REQUIRE(io.until([&] { return accept.done() && connect.done(); }));
        REQUIRE(accept.failure == errc::ok);
    }
    CHECK(system.calls_of(api::accept_ex).size() == 3);
    CHECK(system.calls_of(api::plain_accept).empty());
    CHECK(program_imports("WSARecv"));
    CHECK_FALSE(program_imports("WSAAccept"));
}
