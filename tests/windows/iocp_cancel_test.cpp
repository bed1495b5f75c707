// SPDX-License-Identifier: MPL-2.0
#include "windows/iocp_fixture.hpp"
#include "windows/system_shim.hpp"

#include "io/backend/iocp/pending.hpp"

#include <algorithm>
#include <initializer_list>
#include <memory>

using namespace slk;
using namespace slk::testing;

TEST_CASE("W8: a cancelled operation is the poller's until its packet is dequeued [iocp]")
{
    iocp_fixture io;
    const auto ends = io.connect();
    const auto other = io.connect();
    for (int round = 0; round < 200; ++round) {
        std::byte room[16];
        receiving receive;
        io.poller().receive(receive, ends.server, room);
        io.poller().cancel(receive);
        CHECK(receive.completions == 0);
        CHECK(receive.in_flight());
        REQUIRE(io.until([&] { return receive.done(); }));
        CHECK(receive.failure == errc::cancelled);
        // Submitted again at once: a packet that was still on its way would end it.
        receive.again();
        io.poller().receive(receive, other.server, room);
        for (int i = 0; i < 3; ++i)
            REQUIRE(io.poller().turn(time_point{}).has_value());
        CHECK_FALSE(receive.done());
        io.poller().cancel(receive);
        REQUIRE(io.until([&] { return receive.done(); }));
        CHECK(receive.completions == 1);
    }
}

TEST_CASE("W8: operations of a closed socket end once, and their memory may go then [iocp]")
{
    iocp_fixture io;
    for (int round = 0; round < 200; ++round) {
        const auto ends = io.connect();
        const io::socket_id listener = io.listen();
        std::byte room[16];
        auto receive = std::make_unique<receiving>();
        auto accept = std::make_unique<accepting>();
        io.poller().receive(*receive, ends.server, room);
        io.poller().accept(*accept, listener);
        io.poller().close(ends.server);
        io.poller().close(listener);
        CHECK(receive->completions == 0);
        CHECK(accept->completions == 0);
        REQUIRE(io.until([&] { return receive->done() && accept->done(); }));
        CHECK(receive->failure == errc::cancelled);
        CHECK(accept->failure == errc::cancelled);
        receive.reset();
        accept.reset();
        io.poller().close(ends.client);
        REQUIRE(io.poller().turn(time_point{}).has_value());
        CHECK(io.poller().outstanding() == 0);
    }
}

TEST_CASE("W8: shutting down waits for every packet [iocp]")
{
    for (int round = 0; round < 50; ++round) {
        iocp_fixture io;
        const auto ends = io.connect();
        const io::socket_id listener = io.listen();
        std::byte room[16];
        receiving receives[3];
        accepting accepts[3];
        for (receiving& receive : receives)
            io.poller().receive(receive, ends.server, room);
        for (accepting& accept : accepts)
            io.poller().accept(accept, listener);
        io.poller().shutdown();
        CHECK(io.poller().outstanding() == 0);
        for (receiving& receive : receives)
            CHECK(receive.completions == 1);
        for (accepting& accept : accepts)
            CHECK(accept.completions == 1);
    }
}

TEST_CASE("W10: after a close or a cancel every code of the system means cancelled [iocp]")
{
    // Wine reports a receive on a closed socket with STATUS_HANDLES_CLOSED, an accept and a
    // cancelled one with STATUS_CANCELLED.
    for (const bool by_close : {false, true}) {
        iocp_fixture io;
        const auto ends = io.connect();
        const io::socket_id listener = io.listen();
        std::byte room[16];
        receiving receive;
        accepting accept;
        io.poller().receive(receive, ends.server, room);
        io.poller().accept(accept, listener);
        if (by_close) {
            io.poller().close(ends.server);
            io.poller().close(listener);
        } else {
            io.poller().cancel(receive);
            io.poller().cancel(accept);
        }
        REQUIRE(io.until([&] { return receive.done() && accept.done(); }));
        CHECK(receive.failure == errc::cancelled);
        CHECK(accept.failure == errc::cancelled);
    }
}

TEST_CASE("W10: a reset that came before the cancel is still reported as cancelled [iocp]")
{
    iocp_fixture io;
    const auto ends = io.connect();
    std::byte room[16];
    receiving receive;
    io.poller().receive(receive, ends.server, room);
    io.poller().close(ends.client, io::close_mode::reset);
    REQUIRE(ended_in_kernel(receive));
    io.poller().cancel(receive);
    REQUIRE(io.until([&] { return receive.done(); }));
    CHECK(receive.failure == errc::cancelled);
    CHECK(receive.failure.native != 0);
}

TEST_CASE("W14: a cancel that comes too late changes nothing [iocp]")
{
    system_shim system;
    iocp_fixture io;
    const auto ends = io.connect();
    std::byte room[16];
    receiving receive;
    io.poller().receive(receive, ends.server, room);
    REQUIRE(::send(socket_in(io.poller(), ends.client), "late", 4, 0) == 4);
    REQUIRE(ended_in_kernel(receive));
    io.poller().cancel(receive);
    const auto cancels = system.calls_of(api::cancel);
    REQUIRE(cancels.size() == 1);
    CHECK(cancels.front().failed == ERROR_NOT_FOUND);
    REQUIRE(io.until([&] { return receive.done(); }));
    CHECK(receive.failure == errc::ok);
    CHECK(text_of({room, receive.transferred}) == "late");
    CHECK(receive.completions == 1);
}

TEST_CASE("C2: a connect that is cancelled ends as cancelled or as connected, once [iocp]")
{
    iocp_fixture io;
    const io::socket_id listener = io.listen();
    const address where = io.address_of(listener);
    int connected = 0;
    int cancelled = 0;
    for (int round = 0; round < 300; ++round) {
        accepting accept;
        connecting connect;
        const io::socket_id client = io.open();
        io.poller().accept(accept, listener);
        io.poller().connect(connect, client, where);
        if (round % 3 == 1)
            REQUIRE(io.poller().turn(time_point{}).has_value());
        io.poller().cancel(connect);
        REQUIRE(io.until([&] { return connect.done(); }));
        CHECK(connect.completions == 1);
        CHECK((connect.failure == errc::ok || connect.failure == errc::cancelled));
        ++(connect.failure == errc::ok ? connected : cancelled);
        io.poller().close(client);
        io.poller().cancel(accept);
        REQUIRE(io.until([&] { return accept.done(); }));
        io.poller().close(accept.accepted);
    }
    CHECK(connected + cancelled == 300);
    CHECK(io.poller().open_sockets() == 1);
}

TEST_CASE("an accept that succeeded before its listener was closed leaves no socket [iocp]")
{
    system_shim system;
    iocp_fixture io;
    const io::socket_id listener = io.listen();
    accepting accept;
    connecting connect;
    io.poller().accept(accept, listener);
    const SOCKET candidate = system.calls_of(api::accept_ex).front().value;
    io.poller().connect(connect, io.open(), io.address_of(listener));
    REQUIRE(ended_in_kernel(accept));
    io.poller().close(listener);
    REQUIRE(io.until([&] { return accept.done(); }));
    CHECK(accept.failure == errc::cancelled);
    CHECK_FALSE(accept.accepted);
    const auto calls = system.calls_on(candidate);
    CHECK(std::count_if(calls.begin(), calls.end(),
                        [](const call& made) { return made.function == api::close; }) == 1);
}
