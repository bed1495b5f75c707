// SPDX-License-Identifier: MPL-2.0

// A peer that does not read: slow is not dead.

#include "sim/sockets/simulated_sockets.hpp"
#include "support/sanitized.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

socket_options patient_for(duration time)
{
    socket_options options;
    options.peer_timeout = time;
    options.receive_high_water_mark = 1;
    return options;
}

/// The peer that the socket has.
peer_status only_peer(socket& which)
{
    const auto all = which.peers();
    REQUIRE(all.size() == 1);
    return all.front();
}

/// A PUSH whose peer does not receive what it was sent.
struct stalled_world : socket_world {
    stalled_world(duration reader_timeout, socket_options options, int messages = 100)
        : reader(new_socket<pull>(server_context, patient_for(reader_timeout))),
          sender(new_socket<push>(client_context, std::move(options)))
    {
        bind(reader);
        connect(sender);
        REQUIRE(until([&] { return status_of(sender).ready; }));
        for (int number = 0; number < messages; ++number)
            REQUIRE(sender.send(patterned_text(5000)).has_value());
    }

    [[nodiscard]] int receive_all()
    {
        int received = 0;
        while (receive_text(reader) == patterned_text(5000))
            ++received;
        return received;
    }

    pull reader;
    push sender;
};

} // namespace

TEST_CASE("a peer that does not read stays connected, whatever the two timeouts are")
{
    for (const duration reader : {0ms, 300ms, 3000ms, 30000ms})
        for (const duration sender : {0ms, 300ms, 3000ms, 30000ms})
            for (const int messages : {3, 100}) {
                CAPTURE(reader.count());
                CAPTURE(sender.count());
                CAPTURE(messages);
                stalled_world in(reader, patient_for(sender), messages);
                in.net.run_for(slow_build ? 1min : 5min);
                CHECK(status_of(in.sender).ready);
                CHECK(in.receive_all() == messages);
                CHECK(status_of(in.sender).link.generation == 1);
                CHECK(only_peer(in.reader).connections == 1);
            }
}

TEST_CASE("a peer that sends by itself and does not read stays connected")
{
    socket_world in;
    auto busy = new_socket<dealer>(in.server_context, dealer_options{patient_for(300ms)});
    auto other = new_socket<dealer>(in.client_context, dealer_options{patient_for(300ms)});
    bind(busy);
    connect(other);
    REQUIRE(in.until([&] { return status_of(other).ready; }));
    // More of them come back than were sent: they are no answers.
    for (int number = 0; number < 4; ++number)
        must(other.send(patterned_text(5000)));
    in.net.run_for(10ms);
    for (int number = 0; number < 10; ++number)
        must(busy.send("by itself"));
    int received = 0;
    for (int number = 0; number < 100; ++number) {
        in.net.run_for(100ms);
        while (receive_text(other) == "by itself")
            ++received;
    }
    CHECK(received == 10);
    CHECK(status_of(other).link.generation == 1);
    CHECK(only_peer(busy).connections == 1);
    for (int number = 0; number < 4; ++number)
        CHECK(receive_text(busy) == patterned_text(5000));
}

TEST_CASE("a peer that neither reads nor speaks is stalled until it reads again")
{
    stalled_world in(0s, patient_for(3s));
    CHECK_FALSE(only_peer(in.sender).stalled);
    CHECK(in.until([&] { return only_peer(in.sender).stalled; }, 10s));
    CHECK(only_peer(in.sender).ready);
    in.net.run_for(1min);
    CHECK(in.sender.counters().stalls == 1);
    CHECK(only_peer(in.sender).stalled);
    CHECK(in.receive_all() == 100);
    CHECK(in.until([&] { return !only_peer(in.sender).stalled; }, 3s));
    CHECK(in.sender.counters().stalls == 1);
}

TEST_CASE("a peer that reads slowly, or has nothing to read, is not stalled")
{
    int messages = 100;
    SUBCASE("slowly") {}
    SUBCASE("nothing")
    {
        messages = 0;
    }
    stalled_world in(0s, patient_for(3s), messages);
    for (int number = 0; number < 100; ++number) {
        in.net.run_for(100ms);
        message next;
        CHECK(in.reader.receive(next, no_wait).has_value() == (number < messages));
    }
    CHECK(only_peer(in.sender).connections == 1);
    CHECK(in.sender.counters().stalls == 0);
}

TEST_CASE("a stalled peer is given up after stalled_timeout, and only then")
{
    socket_options options = patient_for(300ms);
    options.stalled_timeout = 10s;
    stalled_world in(0s, options);
    const duration stalled = in.time_until([&] { return only_peer(in.sender).stalled; });
    CHECK(stalled < 2s);
    const duration given_up = in.time_until([&] { return !status_of(in.sender).ready; });
    CHECK(given_up >= 9'990ms);
    CHECK(given_up <= 10'010ms);
    CHECK(only_peer(in.sender).last_reason == errc::timed_out);
    CHECK_FALSE(only_peer(in.sender).stalled);
}

TEST_CASE("a peer that is stalled, and whose host becomes unreachable, is found dead in time")
{
    stalled_world in(0s, patient_for(3s));
    REQUIRE(in.until([&] { return only_peer(in.sender).stalled; }, 10s));
    in.net.partition(in.server, in.client);
    in.net.partition(in.client, in.server);
    // On a real system it is the next question for room that remains without an answer.
    in.net.run_for(3s);
    CHECK_FALSE(status_of(in.sender).ready);
}

TEST_CASE("a peer that has read everything, and does not answer any more, is found dead in time")
{
    stalled_world in(3s, patient_for(3s), 0);
    REQUIRE(in.sender.send("x").has_value());
    CHECK(receive_text(in.reader) == "x");
    in.net.run_for(1500ms); // a PING is answered
    in.net.suspend(in.server, 1h);
    const duration taken = in.time_until([&] { return !status_of(in.sender).ready; }, 10s);
    CHECK(taken <= 3s);
}

TEST_CASE("stalled_timeout is not negative")
{
    socket_options options;
    options.stalled_timeout = -1ns;
    const auto valid = options.validate();
    REQUIRE_FALSE(valid);
    CHECK(std::string_view(valid.error().detail).starts_with("stalled_timeout"));
}

TEST_CASE("a socket that sends and never receives goes on to the next connection of its peer")
{
    socket_world in;
    dealer_options options;
    options.receive_high_water_mark = 1;
    auto sender = new_socket<dealer>(in.client_context, options);
    connect(sender);
    {
        auto first = new_socket<dealer>(in.server_context);
        bind(first);
        REQUIRE(in.until([&] { return status_of(sender).ready; }));
        for (int number = 0; number < 5; ++number)
            must(first.send(patterned_text(1000)));
        in.net.run_for(1s);
        first.close(1s);
    }
    auto second = new_socket<dealer>(in.server_context);
    bind(second);
    in.net.run_for(1s);
    must(sender.send("for the second"));
    CHECK(receive_text(second, 1min) == "for the second");
}
