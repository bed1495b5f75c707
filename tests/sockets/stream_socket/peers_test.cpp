// SPDX-License-Identifier: MPL-2.0
#include "sockets/stream_socket/stream_rig.hpp"

#include <doctest/doctest.h>

using namespace slk;
using namespace slk::testing;

TEST_CASE("a STREAM reports a peer, its bytes and its end, and adds nothing to what it sends")
{
    for (const std::string& where : stream_endpoints()) {
        CAPTURE(where);
        context in = new_context();
        auto server = new_socket<stream_socket>(in);
        const std::string bound = must(server.bind(where));
        loop on = new_peer_loop();
        stream_peer client(on, bound);
        const peer_id id = new_peer(server);
        CHECK(id.routing_id.size() == 5);
        CHECK(id.routing_id.front() == '\0');
        CHECK(id.generation == 1);
        REQUIRE(client.send("hello"));
        CHECK(read(server, id, 5) == "hello");
        must(server.send(id, "wor"));
        must(server.send(id, message_of("ld")));
        REQUIRE(client.run_until([&] { return client.received().size() >= 5; }));
        CHECK(client.received() == "world");
        client.close();
        const arrived end = next(server);
        CHECK(end.what == router_event::disconnected);
        CHECK(end.bytes.empty());
        CHECK(end.from == id);
        CHECK(is_quiet(server));
        CHECK(server.send(id, "late").error() == errc::no_route);
    }
}

TEST_CASE("a STREAM's peer that comes and goes unseen leaves its bytes between two notices")
{
    context in = new_context();
    auto server = new_socket<stream_socket>(in);
    const std::string bound = must(server.bind(any_tcp));
    loop on = new_peer_loop();
    stream_peer client(on, bound);
    REQUIRE(client.send("x"));
    client.close();
    CHECK(eventually(on, [&] { return server.counters().disconnected == 1; }));
    const peer_id id = new_peer(server);
    CHECK(read(server, id, 1) == "x");
    CHECK(next(server).what == router_event::disconnected);
    CHECK(is_quiet(server));
    CHECK(server.peers().empty());
}

TEST_CASE("a STREAM carries bytes of any size in both directions")
{
    const std::string much = patterned_text(1'500'000);
    for (const std::string& where : stream_endpoints()) {
        CAPTURE(where);
        context in = new_context();
        auto server = new_socket<stream_socket>(in);
        const std::string bound = must(server.bind(where));
        loop on = new_peer_loop();
        stream_peer client(on, bound);
        const peer_id id = new_peer(server);
        // Messages that are framed in different ways in this process.
        std::size_t from = 0;
        for (const std::size_t size : {1U, 255U, 256U, 9000U, 40'000U, 200'000U, 3U})
            must(server.send(
                id, std::string_view(much).substr(std::exchange(from, from + size), size)));
        const std::string rest = much.substr(from);
        must(server.send(id, must(message::adopt(bytes_of(rest), nullptr))));
        REQUIRE(client.run_until([&] { return client.received().size() >= much.size(); }));
        CHECK(client.received() == much);
        const auto sending = client.begin_send(much);
        CHECK(read_while(on, server, much.size()) == much);
    }
}

TEST_CASE("a STREAM tells its peers apart")
{
    context in = new_context();
    auto server = new_socket<stream_socket>(in);
    const std::string bound = must(server.bind(any_tcp));
    loop on = new_peer_loop();
    stream_peer one(on, bound);
    const peer_id first = new_peer(server);
    stream_peer other(on, bound);
    const peer_id second = new_peer(server);
    CHECK(first.routing_id != second.routing_id);
    must(server.send(second, "to the second"));
    must(server.send(first, "to the first"));
    REQUIRE(one.run_until([&] { return one.received().size() + other.received().size() == 25; }));
    CHECK(one.received() == "to the first");
    CHECK(other.received() == "to the second");
    REQUIRE(other.send("b"));
    CHECK(read(server, second, 1) == "b");
    REQUIRE(one.send("a"));
    CHECK(read(server, first, 1) == "a");
    CHECK(ready_peers(server) == 2);
}

TEST_CASE("without stream_notices a STREAM receives bytes only")
{
    stream_options options;
    options.stream_notices = false;
    context in = new_context();
    auto server = new_socket<stream_socket>(in, options);
    const std::string bound = must(server.bind(any_tcp));
    loop on = new_peer_loop();
    stream_peer client(on, bound);
    REQUIRE(client.send("x"));
    const arrived one = next(server);
    CHECK(one.what == router_event::message);
    CHECK(one.bytes == "x");
    must(server.send(one.from, "y"));
    REQUIRE(client.run_until([&] { return client.received() == "y"; }));
    client.close();
    CHECK(eventually(on, [&] { return server.counters().disconnected == 1; }));
    CHECK(is_quiet(server));
    CHECK(server.send(one.from, "late").error() == errc::no_route);
}

TEST_CASE("a STREAM knows a peer by its routing id and its generation")
{
    context in = new_context();
    auto server = new_socket<stream_socket>(in);
    const std::string bound = must(server.bind(any_tcp));
    CHECK(server.send({"nobody"}, "x").error() == errc::no_route);
    CHECK(server.close_peer({"nobody"}).error() == errc::no_route);
    CHECK(server.has_room({"nobody"}).error() == errc::no_route);
    loop on = new_peer_loop();
    stream_peer client(on, bound);
    peer_id id = new_peer(server);
    CHECK(must(server.has_room(id)));
    id.generation += 1;
    CHECK(server.send(id, "x").error() == errc::peer_replaced);
    CHECK(server.send(id, "").error() == errc::peer_replaced);
    CHECK(server.has_room(id).error() == errc::peer_replaced);
    id.generation = 0;
    must(server.send(id, "x"));
    REQUIRE(client.run_until([&] { return client.received() == "x"; }));
}

TEST_CASE("the calls of a STREAM that was moved from are errors")
{
    context in = new_context();
    auto server = new_socket<stream_socket>(in);
    const auto other = std::move(server);
    peer_id id;
    message bytes;
    CHECK(server.send(id, "x").error() == errc::invalid_state);
    CHECK(server.send(id, "").error() == errc::invalid_state);
    CHECK(server.send(id, message()).error() == errc::invalid_state);
    CHECK(server.receive(id, bytes).error() == errc::invalid_state);
    CHECK(server.close_peer(id).error() == errc::invalid_state);
    CHECK(server.has_room(id).error() == errc::invalid_state);
}

TEST_CASE("a deadline of a message does not take it out of a STREAM")
{
    context in = new_context();
    auto server = new_socket<stream_socket>(in);
    const std::string bound = must(server.bind(any_tcp));
    loop on = new_peer_loop();
    stream_peer client(on, bound);
    const peer_id id = new_peer(server);
    // The system does not take all of it before the client reads.
    const std::string much = patterned_text(8'000'000);
    must(server.send(id, much));
    message late = message_of("late");
    late.expire_after(1ms);
    must(server.send(id, std::move(late)));
    CHECK_FALSE(until([&] { return server.counters().unsent > 0; }, 5ms));
    REQUIRE(client.run_until([&] { return client.received().size() >= much.size() + 4; }));
    CHECK(client.received().substr(much.size()) == "late");
}
