// SPDX-License-Identifier: MPL-2.0
#include <serverlink/proxy.hpp>

#include "sockets/stream_socket/stream_rig.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>

using namespace slk;
using namespace slk::testing;

TEST_CASE("a message of a STREAM has no more than max_chunk_size bytes")
{
    for (const std::uint32_t max : {1U, 100U, 1000U}) {
        CAPTURE(max);
        stream_options options;
        options.max_chunk_size = max;
        context in = new_context();
        auto server = new_socket<stream_socket>(in, options);
        const std::string bound = must(server.bind(any_tcp));
        loop on = new_peer_loop();
        stream_peer client(on, bound);
        const peer_id id = new_peer(server);
        const std::string sent = patterned_text(3000);
        REQUIRE(client.send(sent));
        std::string got;
        std::size_t largest = 0;
        while (got.size() < sent.size()) {
            const arrived one = next(server);
            largest = std::max(largest, one.bytes.size());
            got += one.bytes;
        }
        CHECK(got == sent);
        CHECK(largest <= max);
        CHECK(largest > max / 2);
    }
}

TEST_CASE("a STREAM does not read a peer whose messages are not received")
{
    stream_options options;
    options.receive_high_water_mark = 4;
    options.max_chunk_size = 30'000;
    options.tuning.receive_buffer = 65536;
    context in = new_context();
    auto server = new_socket<stream_socket>(in, options);
    const std::string bound = must(server.bind(any_tcp));
    loop on = new_peer_loop();
    stream_peer client(on, bound);
    const peer_id id = new_peer(server);
    const std::string much = patterned_text(9'000'000);
    const auto sending = client.begin_send(much);
    CHECK_FALSE(client.run_until([&] { return sending->done; }, 30ms));
    CHECK(read_while(on, server, much.size()) == much);
    CHECK(client.run_until([&] { return sending->done; }));
    CHECK_FALSE(sending->failure);
}

TEST_CASE("a STREAM waits for room in the queue of a peer that does not read")
{
    stream_options options;
    options.send_high_water_mark = 2;
    context in = new_context();
    auto server = new_socket<stream_socket>(in, options);
    const std::string bound = must(server.bind(any_tcp));
    loop on = new_peer_loop();
    stream_peer client(on, bound);
    const peer_id id = new_peer(server);
    const std::string much = patterned_text(4'000'000);
    int queued = 0;
    result<send_outcome> sent = send_outcome::queued;
    while (queued < 20 && sent) {
        sent = server.send(id, much, timeout{20ms});
        queued += sent ? 1 : 0;
    }
    REQUIRE_FALSE(sent);
    CHECK(sent.error() == errc::timed_out);
    CHECK_FALSE(must(server.has_room(id)));
    const std::size_t all = much.size() * static_cast<std::size_t>(queued);
    REQUIRE(client.run_until([&] { return client.received().size() >= all; }));
    CHECK(client.received().substr(all - much.size()) == much);
    must(server.send(id, "more", test_timeout));
}

TEST_CASE("a STREAM refuses more than max_peers")
{
    stream_options options;
    options.max_peers = 1;
    context in = new_context();
    auto server = new_socket<stream_socket>(in, options);
    const std::string bound = must(server.bind(any_tcp));
    loop on = new_peer_loop();
    stream_peer client(on, bound);
    const peer_id id = new_peer(server);
    stream_peer second(on, bound);
    CHECK(second.is_closed());
    CHECK(second.received().empty());
    second.close();
    CHECK(is_quiet(server));
    CHECK(server.counters().rejected >= 1);
    client.close();
    CHECK(next(server).what == router_event::disconnected);
    // The place is free when the end was received, and the loop is done with the connection.
    std::optional<stream_peer> third;
    REQUIRE(eventually(on, [&] {
        if (!third || third->is_closed(0ms)) {
            third.reset();
            third.emplace(on, bound);
        }
        return server.events().readable;
    }));
    REQUIRE(third->send("x"));
    CHECK(read(server, new_peer(server), 1) == "x");
}

TEST_CASE("options about ZMTP are not for a STREAM, and its own are for no other socket")
{
    context in = new_context();
    const auto refuses = [&](auto change) {
        stream_options options;
        change(options);
        const auto made = stream_socket::create(in, options);
        return !made && made.error() == errc::invalid_argument;
    };
    CHECK(refuses([](auto& of) { of.security.mechanism = security_mechanism::plain_server; }));
    CHECK(refuses([](auto& of) {
        of.security.authenticator = [](const auto&) { return authentication_answer::refused; };
    }));
    CHECK(refuses([](auto& of) { of.routing_id = "me"; }));
    CHECK(refuses([](auto& of) { of.properties = {{"X-A", "b"}}; }));
    CHECK(refuses([](auto& of) { of.accept_zmtp_2_0 = true; }));
    CHECK(refuses([](auto& of) { of.on_reconnect = queue_policy::drop_all; }));
    CHECK(refuses([](auto& of) { of.stalled_timeout = 1s; }));
    CHECK(refuses([](auto& of) { of.handshake_timeout = 1s; }));
    CHECK(refuses([](auto& of) { of.max_message_size = 1; }));
    CHECK(refuses([](auto& of) { of.max_message_parts = 1; }));
    CHECK(refuses([](auto& of) { of.max_part_size = 1; }));
    CHECK(refuses([](auto& of) { of.max_handshake_size = 64; }));
    CHECK(refuses([](auto& of) { of.max_metadata_size = 64; }));
    CHECK(refuses([](auto& of) { of.conflate = true; }));
    CHECK(refuses([](auto& of) { of.handover = true; }));
    CHECK(refuses([](auto& of) { of.probe_router = true; }));
    CHECK(refuses([](auto& of) { of.max_chunk_size = 0; }));
    CHECK(refuses([](auto& of) { of.max_chunk_size = 65537; }));
    router_options options;
    options.stream_notices = false;
    CHECK(router::create(in, options).error() == errc::invalid_argument);
    options = {};
    options.max_chunk_size = 5;
    CHECK(router::create(in, options).error() == errc::invalid_argument);
    auto server = new_socket<stream_socket>(in);
    auto other = new_socket<router>(in);
    CHECK(proxy::create(server, other).error() == errc::invalid_argument);
    CHECK(proxy::create(other, server).error() == errc::invalid_argument);
    CHECK(server.bind("inproc://here").error() == errc::not_supported);
    CHECK(server.connect("inproc://here").error() == errc::not_supported);
}
