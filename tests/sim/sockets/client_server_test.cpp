// SPDX-License-Identifier: MPL-2.0

// Clients whose servers are lost, restarted or silent, with and without repeating.

#include "sim/sockets/simulated_sockets.hpp"

#include <set>

using namespace slk;
using namespace slk::testing;

namespace {

client_options client_at_once()
{
    client_options options;
    options.socket.reconnect = short_delays();
    options.socket.peer_timeout = 1s;
    return options;
}

server bound_server(context& in, const std::string& at = "tcp://10.0.0.1:5000")
{
    auto made = must(server::create(in, {.peer_timeout = 1s}));
    must(made.bind(at));
    return made;
}

std::string outcome_of(const result<multipart>& reply)
{
    return reply ? std::string((*reply)[0].text())
                 : "(" + std::string(name_of(reply.error().code)) + ")";
}

/// Receives one request, which the client sends meanwhile.
received_request next_request(socket_world& in, client& asks, server& serves)
{
    std::optional<received_request> got;
    REQUIRE(in.until([&] {
        (void)asks.wait_any(no_wait);
        if (auto received = serves.receive(no_wait))
            got = *std::move(received);
        return got.has_value();
    }));
    return *std::move(got);
}

} // namespace

TEST_CASE("a request waits for a server that starts later")
{
    socket_world in;
    auto asks = must(client::create(in.client_context, client_at_once()));
    must(asks.connect("tcp://10.0.0.1:5000"));
    auto started = must(asks.start("early"));
    in.net.run_for(5s);
    auto serves = bound_server(in.server_context);
    auto got = next_request(in, asks, serves);
    CHECK(got.parts()[0].text() == "early");
    must(got.reply("reply"));
    CHECK(outcome_of(started.wait(1s)) == "reply");
}

TEST_CASE("a request fails when its server is killed, and is sent again only if it is repeatable")
{
    for (const bool repeatable : {false, true}) {
        CAPTURE(repeatable);
        socket_world in;
        auto asks = must(client::create(in.client_context, client_at_once()));
        must(asks.connect("tcp://10.0.0.1:5000"));
        auto first = bound_server(in.server_context);
        auto started = must(asks.start("question", {.timeout = 60s, .repeatable = repeatable}));
        (void)next_request(in, asks, first);
        (void)first.close(duration::zero());
        if (!repeatable) {
            const auto lost = started.wait(30s);
            CHECK(outcome_of(lost) == "(connection_aborted)");
            CHECK(started.attempts() == 1);
        }
        auto second = bound_server(in.server_context);
        if (repeatable) {
            auto got = next_request(in, asks, second);
            CHECK(got.parts()[0].text() == "question");
            must(got.reply("reply"));
            CHECK(outcome_of(started.wait(1s)) == "reply");
            CHECK(started.attempts() == 2);
            CHECK(asks.counters().repeated == 1);
        } else {
            in.net.run_for(5s);
            CHECK_FALSE(second.receive(no_wait).has_value());
            CHECK(asks.counters().repeated == 0);
        }
        // The client goes on.
        auto next = must(asks.start("next"));
        auto got = next_request(in, asks, second);
        CHECK(got.parts()[0].text() == "next");
        must(got.reply("done"));
        CHECK(outcome_of(next.wait(1s)) == "done");
    }
}

TEST_CASE("a request that is sent again goes to another server")
{
    socket_world in;
    auto asks = must(client::create(in.client_context, client_at_once()));
    auto one = bound_server(in.server_context, "tcp://10.0.0.1:5001");
    auto two = bound_server(in.server_context, "tcp://10.0.0.1:5002");
    must(asks.connect("tcp://10.0.0.1:5001"));
    must(asks.connect("tcp://10.0.0.1:5002"));
    must(asks.wait_ready(10s));
    // The server has it, but says nothing.
    auto started = must(
        asks.start("question",
                   {.timeout = 60s, .repeatable = true, .attempt_timeout = 2s, .max_attempts = 2}));
    in.net.run_for(1s);
    server* first = nullptr;
    server* other = nullptr;
    std::optional<received_request> silent;
    for (server* const each : {&one, &two}) {
        if (auto got = each->receive(no_wait)) {
            silent = *std::move(got);
            first = each;
        } else {
            other = each;
        }
    }
    REQUIRE(first != nullptr);
    REQUIRE(other != nullptr);
    auto again = next_request(in, asks, *other);
    CHECK(again.parts()[0].text() == "question");
    CHECK(started.attempts() == 2);
    // The first reply counts, whose ever it is.
    must(silent->reply("late"));
    must(again.reply("second"));
    (void)first->peers();
    CHECK(outcome_of(started.wait(10s)) == "late");
    REQUIRE(in.until([&] {
        (void)asks.wait_any(no_wait);
        return asks.counters().unmatched == 1;
    }));
}

TEST_CASE("a request is not sent more often than max_attempts says")
{
    socket_world in;
    auto asks = must(client::create(in.client_context, client_at_once()));
    must(asks.connect("tcp://10.0.0.1:5000"));
    auto serves = bound_server(in.server_context);
    auto started = must(
        asks.start("question",
                   {.timeout = 20s, .repeatable = true, .attempt_timeout = 1s, .max_attempts = 3}));
    const auto waited = started.wait();
    REQUIRE_FALSE(waited.has_value());
    CHECK(waited.error() == errc::timed_out);
    CHECK(waited.error().phase == phase::transfer);
    CHECK(started.attempts() == 3);
    int received = 0;
    while (serves.receive(no_wait))
        ++received;
    CHECK(received == 3);
}

TEST_CASE("a reply that arrived before the connection was lost is taken")
{
    socket_world in;
    auto asks = must(client::create(in.client_context, client_at_once()));
    must(asks.connect("tcp://10.0.0.1:5000"));
    auto serves = bound_server(in.server_context);
    auto first = must(asks.start("first"));
    auto second = must(asks.start("second"));
    auto got = next_request(in, asks, serves);
    CHECK(got.parts()[0].text() == "first");
    must(got.reply("reply"));
    (void)serves.close(5s);
    // Nobody uses the client while the reply arrives and the connection ends.
    in.net.run_for(5s);
    CHECK(outcome_of(first.wait(1s)) == "reply");
    CHECK(outcome_of(second.wait(1s)) == "(connection_aborted)");
}

TEST_CASE("every request ends in time, whatever the network does")
{
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        CAPTURE(seed);
        socket_world in({.seed = seed});
        auto asks = must(client::create(in.client_context, client_at_once()));
        must(asks.connect("tcp://10.0.0.1:5000"));
        std::optional<server> serves(bound_server(in.server_context));
        std::vector<pending_reply> started;
        for (int number = 0; number < 200; ++number) {
            started.push_back(must(
                asks.start(std::to_string(number),
                           {.timeout = 30s, .repeatable = number % 2 == 0, .max_attempts = 100})));
            if (number % 50 == 20)
                in.net.partition(in.client, in.server);
            if (number % 50 == 40)
                in.net.heal();
            if (number % 70 == 69) {
                serves.reset();
                serves.emplace(bound_server(in.server_context));
            }
            in.net.run_for(50ms);
            (void)asks.wait_any(no_wait);
            if (number % 3 == 0)
                while (auto got = serves->receive(no_wait))
                    (void)got->reply(std::move(got->parts()));
        }
        in.net.heal();
        REQUIRE(in.net.run_until(
            [&] {
                (void)asks.wait_any(no_wait);
                while (auto got = serves->receive(no_wait))
                    (void)got->reply(std::move(got->parts()));
                return asks.outstanding() == 0;
            },
            60s));
        for (std::size_t number = 0; number < started.size(); ++number) {
            CAPTURE(number);
            const std::string outcome = outcome_of(started[number].wait(no_wait));
            const bool is_right = outcome == std::to_string(number);
            const bool may_fail = number % 2 == 1 && outcome == "(connection_aborted)";
            CHECK((is_right || may_fail));
        }
    }
}

TEST_CASE("a request that has failed with its connection is not sent on the next one")
{
    for (const bool server_connects : {false, true}) {
        CAPTURE(server_connects);
        socket_world in;
        client_options options = client_at_once();
        auto asks = must(client::create(in.client_context, options));
        auto serves = must(
            server::create(in.server_context, {.peer_timeout = 1s, .reconnect = short_delays()}));
        if (server_connects) {
            must(asks.bind("tcp://10.0.0.2:5000"));
            must(serves.connect("tcp://10.0.0.2:5000"));
        } else {
            must(serves.bind("tcp://10.0.0.1:5000"));
            must(asks.connect("tcp://10.0.0.1:5000"));
        }
        auto first = must(asks.start("first"));
        must(next_request(in, asks, serves).reply("reply"));
        REQUIRE(in.until([&] { return outcome_of(first.wait(no_wait)) == "reply"; }));

        in.net.partition(in.client, in.server);
        in.net.partition(in.server, in.client);
        std::vector<pending_reply> lost;
        for (int number = 0; number < 50; ++number)
            lost.push_back(must(asks.start(std::string(20'000, 'l'))));
        REQUIRE(in.until([&] {
            (void)asks.wait_any(no_wait);
            (void)serves.receive(no_wait);
            return asks.outstanding() == 0;
        }));
        for (pending_reply& each : lost)
            CHECK(outcome_of(each.wait(no_wait)) == "(connection_aborted)");
        in.net.heal();
        auto last = must(asks.start("last"));
        CHECK(next_request(in, asks, serves).parts()[0].text() == "last");
    }
}
