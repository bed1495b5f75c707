// SPDX-License-Identifier: MPL-2.0

// REQ and REP whose connections are lost.

#include "sim/sockets/simulated_sockets.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

req_options asking_at_once(req_options options = {})
{
    options.reconnect = short_delays();
    options.peer_timeout = 1s;
    return options;
}

} // namespace

TEST_CASE("a request that waits for a connection is sent when there is one")
{
    socket_world in;
    auto ask = new_socket<req>(in.client_context, asking_at_once());
    connect(ask);
    must(ask.send("early"));
    in.net.run_for(5s);
    auto reply = new_socket<rep>(in.server_context);
    bind(reply);
    CHECK(receive_text(reply) == "early");
    must(reply.send("reply"));
    CHECK(receive_text(ask) == "reply");
}

TEST_CASE("a REQ whose peer is restarted gets no reply, and a relaxed one asks again")
{
    for (const bool relaxed : {false, true}) {
        CAPTURE(relaxed);
        socket_world in;
        auto ask = new_socket<req>(in.client_context, asking_at_once({.relaxed = relaxed}));
        connect(ask);
        {
            auto reply = new_socket<rep>(in.server_context);
            bind(reply);
            must(ask.send("question"));
            CHECK(receive_text(reply) == "question");
        }
        auto reply = new_socket<rep>(in.server_context);
        bind(reply);
        must(ask.wait_ready(10s));
        message got;
        // The request is lost with the connection, and is not sent twice.
        const auto waited = ask.receive(got, 60s);
        CHECK((!waited && waited.error() == errc::timed_out));
        CHECK(receive_text(reply, no_wait) == "(would_block)");
        const auto again = ask.send("again", 1s);
        if (relaxed) {
            CHECK(receive_text(reply) == "again");
            must(reply.send("reply"));
            CHECK(receive_text(ask) == "reply");
        } else {
            CHECK((!again && again.error() == errc::invalid_state));
        }
    }
}

TEST_CASE("a reply that waits for the connection of a REP's own endpoint is sent on the next one")
{
    socket_world in;
    // The REP connects, as workers do.
    auto ask = new_socket<req>(in.server_context, {.peer_timeout = 1s});
    auto reply = new_socket<rep>(in.client_context, asking_at_once());
    bind(ask);
    connect(reply);
    must(ask.send("question"));
    CHECK(receive_text(reply) == "question");
    in.net.partition(in.client, in.server);
    in.run_with_calls(reply, 10s);
    in.run_with_calls(ask, 10s);
    CHECK(must(reply.send("late")) == send_outcome::queued);
    in.net.heal();
    // The peer of the request is gone, so that the reply of any peer is taken.
    CHECK(receive_text(ask, 60s) == "late");
}

TEST_CASE("an immediate REP drops the reply when its connection is lost")
{
    socket_world in;
    auto ask = new_socket<req>(in.server_context, {.peer_timeout = 1s});
    auto reply = new_socket<rep>(in.client_context, asking_at_once({.immediate = true}));
    bind(ask);
    connect(reply);
    must(ask.send("question"));
    CHECK(receive_text(reply) == "question");
    in.net.partition(in.client, in.server);
    in.run_with_calls(reply, 10s);
    CHECK(must(reply.send("late")) == send_outcome::dropped_no_route);
    CHECK(reply.counters().dropped_no_route == 1);
}

TEST_CASE("a REQ asks the peer that is there while another one is not")
{
    socket_world in;
    auto ask = new_socket<req>(in.client_context, asking_at_once({.immediate = true}));
    auto reply = new_socket<rep>(in.server_context);
    bind(reply);
    connect(ask, "tcp://10.0.0.1:5001"); // nobody
    connect(ask);
    for (int count = 0; count < 10; ++count) {
        must(ask.send("question", 10s));
        CHECK(receive_text(reply, 10s) == "question");
        must(reply.send("reply"));
        CHECK(receive_text(ask, 10s) == "reply");
    }
}

TEST_CASE("requests and replies survive faults of the network, one after the other")
{
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        CAPTURE(seed);
        socket_world in({.seed = seed});
        auto ask = new_socket<req>(in.client_context,
                                   asking_at_once({.relaxed = true, .correlate = true}));
        auto reply = new_socket<rep>(in.server_context, {.peer_timeout = 1s});
        bind(reply);
        connect(ask);
        std::uint64_t wrong = 0;
        for (int number = 0; number < 30; ++number) {
            const std::string text = std::to_string(number);
            bool lost = number % 7 == 3;
            bool answered = false;
            for (int tries = 0; tries < 20 && !answered; ++tries) {
                if (lost)
                    in.net.partition(in.client, in.server);
                (void)ask.send(text, 1s);
                if (std::exchange(lost, false)) {
                    in.net.run_for(3s);
                    in.net.heal();
                }
                // Replies that are too late have another number.
                message request;
                while (reply.receive(request, 1s))
                    (void)reply.send(std::move(request), no_wait);
                message got;
                answered = ask.receive(got, 1s).has_value();
                wrong += answered && got.text() != text ? 1 : 0;
            }
            REQUIRE(answered);
        }
        CHECK(wrong == 0);
    }
}
