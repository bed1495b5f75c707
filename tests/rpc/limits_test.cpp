// SPDX-License-Identifier: MPL-2.0

// What limits clients and servers, and what they make of peers that send nonsense.

#include <serverlink/serverlink.hpp>

#include "support/texts.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace slk;
using namespace slk::testing;

TEST_CASE("a client has max_requests under way, and no more")
{
    auto in = new_context();
    auto asks = must(client::create(in, {.max_requests = 2}));
    auto first = must(asks.start("first"));
    auto second = must(asks.start("second"));
    multipart parts = multipart_of({"third"});
    const auto third = asks.start(std::move(parts));
    CHECK((!third && third.error() == errc::would_block));
    CHECK(parts.size() == 1); // still the caller's
    second.cancel();
    CHECK(asks.start(std::move(parts)).has_value());
}

TEST_CASE("a client waits for room at a peer that does not read")
{
    auto in = new_context();
    client_options small;
    small.socket.send_high_water_mark = 1;
    auto asks = must(client::create(in, small));
    auto serves = must(server::create(in, {.receive_high_water_mark = 1}));
    must(asks.connect(must(serves.bind("inproc://full"))));
    std::vector<pending_reply> started;
    for (int number = 0; number < 20; ++number)
        started.push_back(must(asks.start(std::to_string(number))));
    REQUIRE(until([&] {
        (void)asks.wait_any(no_wait);
        return started[1].attempts() == 1;
    }));
    CHECK(started[19].attempts() == 0);
    for (int number = 0; number < 20; ++number) {
        std::optional<received_request> got;
        REQUIRE(until([&] {
            (void)asks.wait_any(no_wait);
            if (auto received = serves.receive(no_wait))
                got = *std::move(received);
            return got.has_value();
        }));
        CHECK(got->parts()[0].text() == std::to_string(number));
        must(got->reply("reply", test_timeout));
        CHECK(started[static_cast<std::size_t>(number)].wait(test_timeout).has_value());
    }
}

TEST_CASE("a client discards and counts replies that are not its own")
{
    auto in = new_context();
    auto asks = must(client::create(in));
    auto other = new_socket<router>(in);
    must(asks.connect(must(other.bind("inproc://nonsense"))));
    auto started = must(asks.start("question"));
    REQUIRE(until([&] {
        (void)asks.wait_any(no_wait);
        return started.attempts() == 1;
    }));
    peer_id peer;
    const text_list got = receive_routed(other, peer);
    REQUIRE(got.size() == 3);
    CHECK(got[0].size() == 8);
    CHECK(got[1].empty());
    std::string next = got[0];
    ++next[0];
    for (const text_list& wrong :
         {text_list{"x"}, text_list{"", "x"}, text_list{got[0]}, text_list{got[0], ""},
          text_list{got[0], "x", "y"}, text_list{next, "", "x"}})
        must(other.send(peer, multipart_of(wrong)));
    REQUIRE(until([&] {
        (void)asks.wait_any(no_wait);
        return asks.counters().unmatched == 6;
    }));
    CHECK_FALSE(started.done());
    must(other.send(peer, multipart_of({got[0], "", "answer", "more"})));
    CHECK((texts_of(must(started.wait(test_timeout))) == text_list{"answer", "more"}));
    must(other.send(peer, multipart_of({got[0], "", "answer again"})));
    REQUIRE(until([&] {
        (void)asks.wait_any(no_wait);
        return asks.counters().unmatched == 7;
    }));
}

TEST_CASE("a server discards and counts messages that are no requests")
{
    auto in = new_context();
    auto serves = must(server::create(in));
    auto other = new_socket<dealer>(in);
    must(other.connect(must(serves.bind("inproc://no-requests"))));
    must(other.send("x"));
    must(other.send(multipart_of({"", "", "y"})));
    must(other.send(multipart_of({"a", "b"})));
    must(other.send(multipart_of({"a", ""})));
    must(other.send(multipart_of({"hop", "hop", "", "z"})));
    auto first = must(serves.receive(test_timeout));
    CHECK((texts_of(first.parts()) == text_list{"", "y"}));
    auto second = must(serves.receive(test_timeout));
    CHECK((texts_of(second.parts()) == text_list{"z"}));
    CHECK(serves.counters().malformed == 3);
    const auto none = first.reply(multipart());
    CHECK((!none && none.error() == errc::invalid_argument));
    must(first.reply(multipart_of({"1"})));
    must(second.reply("2"));
    CHECK(receive_texts(other) == text_list{"", "1"});
    CHECK(receive_texts(other) == text_list{"hop", "hop", "", "2"});
    const auto nothing = serves.receive(1ms);
    CHECK((!nothing && nothing.error() == errc::timed_out));
}

TEST_CASE("a reply to a peer that is gone, or has no room, is dropped and counted")
{
    auto in = new_context();
    auto serves = must(server::create(in, {.send_high_water_mark = 1}));
    std::vector<received_request> received;
    {
        auto other = new_socket<dealer>(in, {.receive_high_water_mark = 1});
        must(other.connect(must(serves.bind("inproc://dropped"))));
        for (int number = 0; number < 4; ++number) {
            must(other.send(multipart_of({"", "x"}), test_timeout));
            received.push_back(must(serves.receive(test_timeout)));
        }
        CHECK(must(received[0].reply("1")) == send_outcome::queued);
        CHECK(must(received[1].reply("2")) == send_outcome::queued);
        CHECK(must(received[2].reply("3")) == send_outcome::dropped_full);
    }
    REQUIRE(until([&] { return serves.peers().empty(); }));
    CHECK(must(received[3].reply("4")) == send_outcome::dropped_no_route);
    CHECK(serves.counters().dropped == 2);
    CHECK(serves.counters().replies == 2);
}

TEST_CASE("a REP and a REQ are peers of clients and servers, too")
{
    auto in = new_context();
    auto asks = must(client::create(in));
    auto replies = new_socket<rep>(in);
    must(asks.connect(must(replies.bind("inproc://rep"))));
    auto started = must(asks.start("question"));
    REQUIRE(until([&] {
        (void)asks.wait_any(no_wait);
        return replies.events().readable;
    }));
    CHECK(receive_text(replies) == "question");
    must(replies.send("answer"));
    CHECK(must(started.wait(test_timeout))[0].text() == "answer");

    auto serves = must(server::create(in));
    for (const bool correlate : {false, true}) {
        auto requests = new_socket<req>(in, {.correlate = correlate});
        must(requests.connect(must(serves.bind(correlate ? "inproc://a" : "inproc://b"))));
        must(requests.send("question"));
        auto got = must(serves.receive(test_timeout));
        CHECK(got.parts()[0].text() == "question");
        must(got.reply(message_of("answer")));
        CHECK(receive_text(requests) == "answer");
    }
}

TEST_CASE("a client has several servers with the same routing id, which are different peers")
{
    for (const char* at : {any_tcp, "inproc://"}) {
        CAPTURE(at);
        auto in = new_context();
        auto asks = must(client::create(in));
        router_options options;
        options.routing_id = "server";
        std::vector<server> all;
        for (const char* name : {"first", "second"}) {
            auto& made = all.emplace_back(must(server::create(in, options)));
            const std::string where = at == std::string("inproc://") ? at + std::string(name) : at;
            must(asks.connect(must(made.bind(where))));
        }
        const auto ready = [&] {
            const auto peers = asks.peers();
            return std::ranges::count_if(peers, [](const auto& each) { return each.ready; });
        };
        REQUIRE(until([&] { return ready() == 2; }));
        CHECK(asks.peers()[0].routing_id == "server");
        std::vector<pending_reply> started;
        for (int number = 0; number < 10; ++number)
            started.push_back(must(asks.start(std::to_string(number))));
        for (server& each : all) {
            for (int number = 0; number < 5; ++number) {
                auto got = must(each.receive(test_timeout));
                must(got.reply("reply", test_timeout));
            }
        }
        for (pending_reply& each : started)
            CHECK(each.wait(test_timeout).has_value());
        // One of them ends: the other one has all that follows.
        all.pop_back();
        REQUIRE(until([&] { return ready() == 1; }));
        for (int number = 0; number < 4; ++number) {
            auto request = must(asks.start("again"));
            (void)asks.wait_any(no_wait);
            auto got = must(all[0].receive(test_timeout));
            must(got.reply("reply", test_timeout));
            CHECK(request.wait(test_timeout).has_value());
        }
    }
}

TEST_CASE("a request that is sent again counts when it is sent")
{
    auto in = new_context();
    auto asks = must(client::create(in));
    {
        auto serves = must(server::create(in));
        must(asks.connect(must(serves.bind("inproc://repeats"))));
        auto started = must(asks.start("request", {.timeout = 50ms, .repeatable = true}));
        auto got = must(serves.receive(test_timeout));
        serves.close(0s);
        CHECK_FALSE(started.wait(test_timeout).has_value());
        CHECK(started.attempts() == 1);
    }
    CHECK(asks.counters().repeated == 0);
}
