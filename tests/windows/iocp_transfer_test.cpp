// SPDX-License-Identifier: MPL-2.0
#include "windows/iocp_fixture.hpp"
#include "windows/system_shim.hpp"

#include "io/backend/iocp/pending.hpp"

#include <algorithm>
#include <initializer_list>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

void raw_send(iocp_fixture& io, io::socket_id id, std::string_view text)
{
    const int size = static_cast<int>(text.size());
    REQUIRE(::send(socket_in(io.poller(), id), text.data(), size, 0) == size);
}

/// Waits until the bytes can be received, without receiving.
bool arrived(iocp_fixture& io, io::socket_id id, u_long size)
{
    for (int tries = 0; tries < 20'000; ++tries) {
        u_long waiting = 0;
        if (ioctlsocket(socket_in(io.poller(), id), FIONREAD, &waiting) == 0 && waiting >= size)
            return true;
        Sleep(1);
    }
    return false;
}

} // namespace

TEST_CASE("W11: a reset by the peer ends a receive with connection_reset [iocp]")
{
    iocp_fixture io;
    const auto ends = io.connect();
    std::byte room[16];
    receiving receive;
    io.poller().receive(receive, ends.server, room);
    io.poller().close(ends.client, io::close_mode::reset);
    REQUIRE(io.until([&] { return receive.done(); }));
    CHECK(receive.failure == errc::connection_reset);
}

TEST_CASE("the end of the stream is a success without bytes [iocp]")
{
    iocp_fixture io;
    const auto ends = io.connect();
    std::byte room[16];
    receiving receive;
    io.poller().receive(receive, ends.server, room);
    REQUIRE(io.poller().shutdown_send(ends.client).has_value());
    REQUIRE(io.until([&] { return receive.done(); }));
    CHECK(receive.failure == errc::ok);
    CHECK(receive.transferred == 0);
}

TEST_CASE("W15: with a layered provider every completion comes through the port [iocp]")
{
    for (const bool layered : {false, true}) {
        system_shim system;
        system.layered_provider = layered;
        iocp_fixture io;
        const auto ends = io.connect();
        CHECK(system.calls_of(api::modes).empty() == layered);
        for (int round = 0; round < 20; ++round) {
            raw_send(io, ends.client, "now");
            REQUIRE(arrived(io, ends.server, 3));
            std::byte room[16];
            receiving receive;
            io.poller().receive(receive, ends.server, room);
            CHECK(receive.completions == 0);
            REQUIRE(io.until([&] { return receive.done(); }));
            CHECK(text_of({room, receive.transferred}) == "now");
            REQUIRE(io.poller().turn(time_point{}).has_value());
            CHECK(receive.completions == 1);
        }
    }
}

TEST_CASE("W16: a receive that succeeds at once completes once, and not inside its submit [iocp]")
{
    system_shim system;
    iocp_fixture io;
    const auto ends = io.connect();
    raw_send(io, ends.client, "at once");
    REQUIRE(arrived(io, ends.server, 7));
    std::byte room[16];
    receiving receive;
    io.poller().receive(receive, ends.server, room);
    const auto calls = system.calls_of(api::receive);
    REQUIRE(calls.size() == 1);
    CHECK(calls.front().failed == 0); // it has succeeded at once
    CHECK(receive.completions == 0);
    for (int i = 0; i < 5; ++i)
        REQUIRE(io.poller().turn(time_point{}).has_value());
    CHECK(receive.completions == 1);
    CHECK(text_of({room, receive.transferred}) == "at once");
}

TEST_CASE("a receive that succeeds at once does not overtake one that is still in the port [iocp]")
{
    for (const bool closed : {false, true}) {
        system_shim system;
        iocp_fixture io;
        const auto ends = io.connect();
        std::byte first_room[3];
        std::byte second_room[3];
        std::byte third_room[3];
        static std::vector<io::operation*> order;
        order.clear();
        receiving receives[3];
        for (receiving& receive : receives)
            receive.on_complete = [](io::operation& self) noexcept {
                ++static_cast<receiving*>(self.owner)->completions;
                order.push_back(&self);
            };
        io.poller().receive(receives[0], ends.server, first_room);
        raw_send(io, ends.client, "onetwosix");
        REQUIRE(ended_in_kernel(receives[0]));
        REQUIRE(arrived(io, ends.server, 6));
        io.poller().receive(receives[1], ends.server, second_room);
        io.poller().receive(receives[2], ends.server, third_room);
        CHECK(system.calls_of(api::receive)[2].failed == 0); // ended at once
        if (closed)
            io.poller().close(ends.server);
        REQUIRE(io.until([&] { return receives[2].done() && receives[0].done(); }));
        CHECK(order == std::vector<io::operation*>{&receives[0], &receives[1], &receives[2]});
        CHECK(text_of(first_room) == "one");
        CHECK(text_of(second_room) == "two");
        CHECK(text_of(third_room) == "six");
        for (const receiving& receive : receives) {
            CHECK(receive.failure == errc::ok);
            CHECK(receive.transferred == 3);
            CHECK(receive.completions == 1);
        }
    }
}

TEST_CASE("W22: an empty receive waits for data and takes nothing [iocp]")
{
    iocp_fixture io;
    const auto ends = io.connect();
    receiving look;
    io.poller().receive(look, ends.server, {});
    for (int i = 0; i < 3; ++i)
        REQUIRE(io.poller().turn(time_point{}).has_value());
    CHECK_FALSE(look.done());
    raw_send(io, ends.client, "data");
    REQUIRE(io.until([&] { return look.done(); }));
    CHECK(look.failure == errc::ok);
    CHECK(look.transferred == 0);
    // Again while the data is there: at once.
    look.again();
    io.poller().receive(look, ends.server, {});
    REQUIRE(io.until([&] { return look.done(); }));
    std::byte room[16];
    receiving receive;
    io.poller().receive(receive, ends.server, room);
    REQUIRE(io.until([&] { return receive.done(); }));
    CHECK(text_of({room, receive.transferred}) == "data");
}

TEST_CASE("W27: a large send whose peer resets is short or fails, and never a full success [iocp]")
{
    iocp_fixture io;
    const auto ends = io.connect();
    std::vector<std::byte> large(64u << 20);
    sending send;
    io.send(send, ends.client, large);
    for (int i = 0; i < 3; ++i)
        REQUIRE(io.poller().turn(time_point{}).has_value());
    io.poller().close(ends.server, io::close_mode::reset);
    REQUIRE(io.until([&] { return send.done(); }));
    CHECK((send.failure == errc::connection_reset || send.failure == errc::broken_pipe ||
           (send.failure == errc::ok && send.transferred > 0 && send.transferred < large.size())));
    // Whatever the first receive reported, the next one fails.
    REQUIRE(io.until([&] {
        sending next;
        io.send(next, ends.client, bytes_of("x"));
        REQUIRE(io.until([&] { return next.done(); }));
        return static_cast<bool>(next.failure);
    }));
}

TEST_CASE("a send gathers its buffers, and the list may end with the call [iocp]")
{
    iocp_fixture io;
    const auto ends = io.connect();
    sending send;
    {
        const std::string_view parts[] = {"one ", "", "two ", "three"};
        std::vector<std::span<const std::byte>> list;
        for (const std::string_view part : parts)
            list.push_back(bytes_of(part));
        io.poller().send(send, ends.client, list);
        std::fill(list.begin(), list.end(), bytes_of("?????"));
    }
    REQUIRE(io.until([&] { return send.done(); }));
    CHECK(send.transferred == 13);
    REQUIRE(arrived(io, ends.server, 13));
    std::byte room[32];
    receiving receive;
    io.poller().receive(receive, ends.server, room);
    REQUIRE(io.until([&] { return receive.done(); }));
    CHECK(text_of({room, receive.transferred}) == "one two three");
}

TEST_CASE("more buffers than one call takes are sent in part [iocp]")
{
    iocp_fixture io;
    const auto ends = io.connect();
    const std::vector<std::span<const std::byte>> list(200, bytes_of("ab"));
    sending send;
    io.poller().send(send, ends.client, list);
    REQUIRE(io.until([&] { return send.done(); }));
    CHECK(send.failure == errc::ok);
    CHECK(send.transferred > 0);
    CHECK(send.transferred < 400);
}
