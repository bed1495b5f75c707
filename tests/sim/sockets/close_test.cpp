// SPDX-License-Identifier: MPL-2.0

// close() and its report of the messages that were on their way.

#include "sim/sockets/simulated_sockets.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

enum class end_call : std::uint8_t { close, disconnect, unbind };

close_report end(end_call how, socket& which, duration timeout)
{
    switch (how) {
    case end_call::close: return which.close(timeout);
    case end_call::disconnect: return must(which.disconnect("tcp://10.0.0.1:5000", timeout));
    case end_call::unbind: return must(which.unbind("tcp://10.0.0.1:5000", timeout));
    }
    return {};
}

} // namespace

TEST_CASE("close() reports which messages of a long send the system has taken")
{
    socket_world in;
    socket_options small_buffers;
    small_buffers.receive_high_water_mark = 1;
    pull server = new_socket<pull>(in.server_context, small_buffers);
    push client = new_socket<push>(in.client_context);
    bind(server);
    connect(client);
    REQUIRE(in.until([&] { return status_of(client).ready; }));
    // More bytes than the buffers of a connection hold, in one system call.
    std::vector<message> batch;
    for (int number = 0; number < 100; ++number)
        batch.push_back(*message::copy_of(patterned_text(3000)));
    REQUIRE(client.send_batch(batch) == 100u);
    const close_report report = client.close(1s);
    CHECK(flushed(report) + report.unsent() == 100);
    CHECK(report.unsent() > 0);
    CHECK(report.unsent() == client.counters().unsent);
    std::uint64_t received = 0;
    while (receive_text(server) == patterned_text(3000))
        ++received;
    // Messages that the system has taken may be lost; the others cannot arrive.
    CHECK(received > 1);
    CHECK(received <= flushed(report));
}

TEST_CASE("close() waits for an absent peer, but not longer than its timeout")
{
    socket_world in;
    push client = new_socket<push>(in.client_context);
    connect(client);
    REQUIRE(client.send("one").has_value());
    SUBCASE("that does not bind")
    {
        const time_point began = in.net.now();
        const close_report report = client.close(2s);
        const duration taken = in.net.now() - began;
        CHECK(taken >= 2s);
        CHECK(taken < 2'010ms);
        CHECK(report.unsent() == 1);
        CHECK(flushed(report) == 0);
        CHECK(client.counters().unsent == 1);
    }
    SUBCASE("that binds meanwhile")
    {
        std::optional<pull> server;
        in.net.at(in.net.now() + 500ms, [&] {
            server.emplace(new_socket<pull>(in.server_context));
            bind(*server);
        });
        const time_point began = in.net.now();
        const close_report report = client.close(10s);
        CHECK(in.net.now() - began < 3s);
        CHECK(report.unsent() == 0);
        CHECK(flushed(report) == 1);
        CHECK(receive_text(*server) == "one");
    }
    SUBCASE("without time to wait")
    {
        const time_point began = in.net.now();
        CHECK(client.close(0ms).unsent() == 1);
        CHECK(in.net.now() - began < 1ms);
    }
    CHECK(client.send("two").error() == errc::invalid_state);
}

TEST_CASE("close() waits for a send of a connection that has ended, and counts what it has sent")
{
    socket_world in;
    push server = new_socket<push>(in.server_context);
    pull client = new_socket<pull>(in.client_context);
    bind(server);
    connect(client);
    in.run_with_calls(server, 10ms);
    // The completion of the send comes after the message, and after the end of the connection.
    in.net.set_faults(fault_rates{.max_delay = 500ms});
    in.net.inject(fault::late_completion);
    REQUIRE(server.send("one").has_value());
    CHECK(receive_text(client) == "one");
    CHECK(in.net.injected(fault::late_completion) == 1);
    client.close(0ms);
    in.net.run_for(1ms);
    CHECK(server.close(0ms).unsent() == 0);
    CHECK(server.counters().unsent == 0);
}

TEST_CASE("the destructor of a socket waits as long as linger allows")
{
    socket_world in;
    socket_options options;
    options.linger = 3s;
    const time_point began = in.net.now();
    {
        push client = new_socket<push>(in.client_context, options);
        connect(client);
        REQUIRE(client.send("one").has_value());
    }
    CHECK(in.net.now() - began >= 3s);
    CHECK(in.net.now() - began < 3'010ms);
}

TEST_CASE("messages that were not received before close() count as discarded")
{
    socket_world in;
    pull server = new_socket<pull>(in.server_context);
    push client = new_socket<push>(in.client_context);
    bind(server);
    connect(client);
    for (int number = 0; number < 5; ++number)
        REQUIRE(client.send("hello").has_value());
    in.net.run_for(1s);
    CHECK(receive_text(server) == "hello");
    CHECK(server.counters().discarded == 0);
    server.close(0ms);
    CHECK(server.counters().received == 1);
    CHECK(server.counters().discarded == 4);
}

TEST_CASE("unsent messages of a peer that has gone count once, although its own are still unread")
{
    socket_world in;
    dealer_options small_buffers;
    small_buffers.receive_high_water_mark = 1;
    dealer_options abandoning;
    abandoning.requeue = false;
    dealer server = new_socket<dealer>(in.server_context, abandoning);
    dealer client = new_socket<dealer>(in.client_context, small_buffers);
    bind(server);
    connect(client);
    REQUIRE(client.send("unread").has_value());
    REQUIRE(in.until([&] { return server.events().readable; }));
    for (int number = 0; number < 100; ++number)
        REQUIRE(server.send(patterned_text(3000)).has_value());
    client.close(0ms);
    in.run_with_calls(server, 1s);
    const std::uint64_t unsent = server.counters().unsent;
    CHECK(unsent > 0);
    must(server.unbind("tcp://10.0.0.1:5000"));
    CHECK(server.counters().unsent == unsent);
    CHECK(receive_text(server) == "unread");
    server.close(0ms);
    CHECK(server.counters().unsent == unsent);
}

TEST_CASE("a message sent over inproc does not count as unsent while its peer can receive it")
{
    socket_world in;
    pull server = new_socket<pull>(in.client_context);
    push client = new_socket<push>(in.client_context);
    bind(server, "inproc://here");
    connect(client, "inproc://here");
    REQUIRE(client.send("hello").has_value());
    SUBCASE("the peer stays")
    {
        const close_report report = client.close(1s);
        CHECK(flushed(report) == 1);
        CHECK(report.unsent() == 0);
        CHECK(client.counters().unsent == 0);
        CHECK(receive_text(server) == "hello");
    }
    SUBCASE("the peer has closed")
    {
        server.close(0ms);
        CHECK(server.counters().discarded == 1);
        CHECK(client.close(1s).unsent() == 0);
    }
    CHECK(client.counters().queued_total == 1);
}

TEST_CASE("a peer that cannot be reached does not use up the time in which another one reads")
{
    socket_world in;
    pull server = new_socket<pull>(in.server_context);
    bind(server);
    push client = new_socket<push>(in.client_context);
    connect(client);
    connect(client, "tcp://10.0.0.1:6000"); // nobody is there
    REQUIRE(in.until([&] { return status_of(client).ready; }));
    for (int number = 0; number < 10; ++number)
        REQUIRE(client.send("x", no_wait));
    const time_point began = in.net.now();
    const close_report report = client.close(500ms);
    CHECK(in.net.now() - began < 700ms);
    CHECK(flushed(report) == 5);
    CHECK(report.unsent() == 5);
    CHECK(report.unconfirmed() == 0);
}

TEST_CASE("the end of an endpoint takes no longer than its timeout if the peer does not read")
{
    for (const end_call how : {end_call::close, end_call::disconnect, end_call::unbind})
        for (const duration timeout :
             {duration(0ms), duration(1ms), duration(300ms), duration(1500ms), duration(10s)})
            for (const std::size_t messages : {std::size_t{5}, std::size_t{100}}) {
                CAPTURE(static_cast<int>(how));
                CAPTURE(timeout.count());
                CAPTURE(messages);
                socket_world in;
                socket_options small;
                small.receive_high_water_mark = 1;
                small.requeue = false;
                const bool binds = how == end_call::unbind;
                pull reader =
                    new_socket<pull>(binds ? in.client_context : in.server_context, small);
                push sender =
                    new_socket<push>(binds ? in.server_context : in.client_context, small);
                bind(binds ? static_cast<socket&>(sender) : reader);
                connect(binds ? static_cast<socket&>(reader) : sender);
                in.run_with_calls(sender, 1s);
                // 100 of them are more than the buffers of a connection hold.
                for (std::size_t number = 0; number < messages; ++number)
                    REQUIRE(sender.send(patterned_text(3000), no_wait));
                in.net.run_for(1ms);
                const time_point began = in.net.now();
                const close_report report = end(how, sender, timeout);
                CHECK(in.net.now() - began <= timeout + 5ms);
                CHECK(in.net.now() - began >= timeout - 1ms);
                CHECK(flushed(report) + report.unsent() == messages);
                CHECK((report.unsent() > 0) == (messages == 100));
                CHECK(report.unconfirmed() == flushed(report));
            }
}

TEST_CASE("a peer that does not read does not use up the time in which another one reads")
{
    socket_world in;
    push server = new_socket<push>(in.server_context);
    bind(server);
    socket_options small;
    small.receive_high_water_mark = 1;
    pull slow = new_socket<pull>(in.client_context, small);
    connect(slow);
    in.run_with_calls(server, 1s);
    pull good = new_socket<pull>(in.client_context);
    connect(good);
    in.run_with_calls(server, 1s);
    for (int number = 0; number < 200; ++number)
        REQUIRE(server.send(patterned_text(3000), no_wait));
    const time_point began = in.net.now();
    const close_report report = server.close(500ms);
    CHECK(in.net.now() - began >= 499ms);
    CHECK(in.net.now() - began <= 505ms);
    REQUIRE(report.peers.size() == 2);
    CHECK(report.peers[0].unsent > 0);
    CHECK(report.peers[0].unconfirmed > 0);
    CHECK(report.peers[1].flushed == 100);
    CHECK(report.peers[1].unconfirmed == 0);
}

TEST_CASE("close() sends what is queued although the context was shut down")
{
    socket_world in;
    pull server = new_socket<pull>(in.server_context);
    bind(server);
    push client = new_socket<push>(in.client_context);
    connect(client);
    REQUIRE(client.send("one", no_wait));
    in.client_context.shutdown();
    const close_report report = client.close(5s);
    CHECK(flushed(report) == 1);
    CHECK(report.unconfirmed() == 0);
    CHECK(receive_text(server) == "one");
}
