// SPDX-License-Identifier: MPL-2.0

// Clients and servers over every transport, and what comes of their requests.

#include <serverlink/serverlink.hpp>

#include "support/texts.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <thread>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

void for_each_service(const std::function<void(context&, const std::string&)>& test)
{
    std::vector<std::string> endpoints{"tcp://127.0.0.1:*", "inproc://service"};
#ifndef _WIN32
    endpoints.emplace_back("ipc://*");
#endif
    for (const std::string& where : endpoints)
        for (const int threads : {1, 0}) {
            CAPTURE(where);
            CAPTURE(threads);
            auto in = new_context(threads);
            test(in, where);
        }
}

std::string text_of(const result<multipart>& reply)
{
    if (!reply)
        return "(" + std::string(name_of(reply.error().code)) + ")";
    return std::string((*reply)[0].text());
}

/// Receives a request of one part, and returns its text.
std::string serve(server& by, std::vector<received_request>& into)
{
    auto got = by.receive(test_timeout);
    REQUIRE(got.has_value());
    into.push_back(*std::move(got));
    return std::string(into.back().parts()[0].text());
}

} // namespace

TEST_CASE("requests of all sizes have their replies, over every transport")
{
    for_each_service([](context& in, const std::string& where) {
        auto serves = must(server::create(in));
        auto asks = must(client::create(in));
        must(asks.connect(must(serves.bind(where))));
        for (const std::size_t size : {0U, 1U, 64U, 65U, 9'000U, 200'000U}) {
            CAPTURE(size);
            const text_list whole{std::string(size, 'a'), "", std::string(size, 'b')};
            auto started = must(asks.start(multipart_of(whole)));
            // Both are used by this thread.
            REQUIRE(until([&] {
                const auto early = started.wait(no_wait);
                CHECK((!early && early.error() == errc::in_progress));
                auto got = serves.receive(no_wait);
                if (!got)
                    return false;
                CHECK((texts_of(got->parts()) == whole));
                CHECK(must(got->reply(multipart_of({"reply", std::string(size, 'c')}))) ==
                      send_outcome::queued);
                const auto again = got->reply("again");
                CHECK((!again && again.error() == errc::invalid_state));
                return true;
            }));
            CHECK((texts_of(must(started.wait(test_timeout))) ==
                   text_list{"reply", std::string(size, 'c')}));
            CHECK(started.done());
            CHECK(started.attempts() == 1);
            const auto twice = started.wait();
            CHECK((!twice && twice.error() == errc::invalid_state));
        }
        CHECK(asks.counters().replies == 6);
        CHECK(asks.counters().unmatched == 0);
        CHECK(serves.counters().requests == 6);
        CHECK(serves.counters().replies == 6);
        CHECK(asks.outstanding() == 0);
    });
}

TEST_CASE("a thousand requests are under way at a time, and are replied to in another order")
{
    for_each_service([](context& in, const std::string& where) {
        auto serves = must(server::create(in, {.receive_high_water_mark = 0}));
        client_options wide;
        wide.socket.send_high_water_mark = 0;
        auto asks = must(client::create(in, wide));
        must(asks.connect(must(serves.bind(where))));
        std::vector<pending_reply> started;
        std::vector<received_request> received;
        for (int number = 0; number < 1000; ++number)
            started.push_back(must(asks.start(std::to_string(number), {.timeout = 60s})));
        CHECK(asks.outstanding() == 1000);
        REQUIRE(until([&] {
            (void)asks.wait_any(no_wait);
            while (auto got = serves.receive(no_wait))
                received.push_back(*std::move(got));
            return received.size() == 1000;
        }));
        std::ranges::reverse(received);
        for (std::size_t index = 0; index < received.size(); ++index) {
            const std::string text(received[index].parts()[0].text());
            CHECK(must(received[index].reply("to " + text, test_timeout)) == send_outcome::queued);
            if (index % 100 == 0)
                (void)asks.wait_any(no_wait);
        }
        (void)serves.peers();
        for (std::size_t number = 0; number < started.size(); ++number)
            REQUIRE(text_of(started[number].wait(test_timeout)) == "to " + std::to_string(number));
        CHECK(asks.counters().unmatched == 0);
    });
}

TEST_CASE("a request with a reply from another thread waits for it")
{
    auto in = new_context();
    auto of_service = new_context();
    auto serves = must(server::create(of_service));
    auto asks = must(client::create(in));
    must(asks.connect(must(serves.bind(any_tcp))));
    std::thread serving([&] {
        for (auto got = serves.receive(test_timeout); got; got = serves.receive(test_timeout)) {
            const bool last = got->parts()[0].text() == "end";
            (void)got->reply(std::move(got->parts()));
            if (last)
                break;
        }
        (void)serves.close(test_timeout);
    });
    int right = 0;
    for (int number = 0; number < 300; ++number)
        right += text_of(asks.request(std::to_string(number))) == std::to_string(number) ? 1 : 0;
    CHECK(right == 300);
    CHECK(text_of(asks.request("end")) == "end");
    serving.join();
}

TEST_CASE("a request ends when its time is over, and says if it was sent")
{
    auto in = new_context();
    auto asks = must(client::create(in));
    must(asks.connect("tcp://127.0.0.1:1")); // nobody
    auto unsent = asks.request("a", {.timeout = 10ms});
    REQUIRE_FALSE(unsent.has_value());
    CHECK(unsent.error() == errc::timed_out);
    CHECK(unsent.error().phase == phase::connect);

    auto serves = must(server::create(in));
    must(asks.connect(must(serves.bind("inproc://silent"))));
    auto sent = asks.request("b", {.timeout = 200ms});
    REQUIRE_FALSE(sent.has_value());
    CHECK(sent.error() == errc::timed_out);
    CHECK(sent.error().phase == phase::transfer);
    // A reply that comes too late is for no request.
    std::vector<received_request> received;
    CHECK(serve(serves, received) == "b");
    must(received[0].reply("late"));
    REQUIRE(until([&] {
        (void)asks.wait_any(no_wait);
        return asks.counters().unmatched == 1;
    }));
    CHECK(text_of(asks.request("c", {.timeout = duration::zero()})) == "(timed_out)");
}

TEST_CASE("a request is cancelled by its caller, a stop token, its value's end and the client's")
{
    auto in = new_context();
    auto serves = must(server::create(in));
    auto asks = must(client::create(in));
    must(asks.connect(must(serves.bind("inproc://cancelled"))));
    auto first = must(asks.start("first"));
    first.cancel();
    CHECK(first.done());
    CHECK(text_of(first.wait()) == "(cancelled)");

    std::stop_source source;
    auto second = must(asks.start("second"));
    std::thread stopping([&] { source.request_stop(); });
    CHECK(text_of(second.wait(source.get_token())) == "(cancelled)");
    stopping.join();
    CHECK(text_of(asks.request("third", {}, source.get_token())) == "(cancelled)");
    CHECK(asks.outstanding() == 0);
    {
        auto fourth = must(asks.start("fourth"));
        CHECK(asks.outstanding() == 1);
    }
    CHECK(asks.outstanding() == 0);

    auto fifth = must(asks.start("fifth"));
    auto sixth = must(asks.start("sixth"));
    CHECK(must(asks.wait_any(no_wait)) >= 4);
    {
        client ends = std::move(asks);
    }
    CHECK(fifth.done());
    CHECK(text_of(fifth.wait()) == "(cancelled)");
    CHECK(text_of(sixth.wait()) == "(cancelled)");

    auto other = must(client::create(in));
    auto seventh = must(other.start("seventh"));
    in.shutdown();
    CHECK(text_of(seventh.wait()) == "(cancelled)");
    CHECK(text_of(other.request("eighth")) == "(cancelled)");
}

TEST_CASE("wait_any reports how many requests have ended")
{
    auto in = new_context();
    auto serves = must(server::create(in));
    auto asks = must(client::create(in));
    must(asks.connect(must(serves.bind("inproc://any"))));
    const auto nothing = asks.wait_any(1ms);
    CHECK((!nothing && nothing.error() == errc::timed_out));
    auto first = must(asks.start("first"));
    auto second = must(asks.start("second"));
    std::vector<received_request> received;
    REQUIRE(until([&] {
        (void)asks.wait_any(no_wait);
        if (auto got = serves.receive(no_wait))
            received.push_back(*std::move(got));
        return received.size() == 2;
    }));
    const auto none = asks.wait_any(no_wait);
    CHECK((!none && none.error() == errc::would_block));
    must(received[1].reply("reply"));
    CHECK(must(asks.wait_any(test_timeout)) == 1);
    CHECK_FALSE(first.done());
    CHECK(second.done());
    CHECK(text_of(second.wait(no_wait)) == "reply");
}

TEST_CASE("requests go to the peers in turn")
{
    auto in = new_context();
    auto asks = must(client::create(in));
    std::vector<server> services;
    for (int number = 0; number < 3; ++number) {
        services.push_back(must(server::create(in)));
        must(asks.connect(must(services.back().bind("inproc://turn-" + std::to_string(number)))));
    }
    std::vector<pending_reply> started;
    for (int number = 0; number < 9; ++number)
        started.push_back(must(asks.start("x")));
    REQUIRE(until([&] {
        (void)asks.wait_any(no_wait);
        return std::ranges::all_of(started, [](const auto& each) { return each.attempts() == 1; });
    }));
    for (server& each : services) {
        for (int number = 0; number < 3; ++number)
            CHECK(each.receive(test_timeout).has_value());
        CHECK_FALSE(each.receive(no_wait).has_value());
    }
}

TEST_CASE("options of requests are checked")
{
    auto in = new_context();
    auto asks = must(client::create(in));
    const auto refusal = [&](const request_options& options) {
        const auto made = asks.start("x", options);
        REQUIRE_FALSE(made.has_value());
        CHECK(made.error() == errc::invalid_argument);
        return std::string(made.error().detail);
    };
    CHECK(refusal({.timeout = -1s}) == "timeout");
    CHECK(refusal({.repeatable = true, .attempt_timeout = -1s}) == "attempt_timeout");
    CHECK(refusal({.attempt_timeout = 1s}) == "attempt_timeout");
    CHECK(refusal({.repeatable = true, .max_attempts = 0}) == "max_attempts");
    multipart none;
    const auto empty = asks.start(std::move(none));
    CHECK((!empty && empty.error() == errc::invalid_argument));
    const auto no_requests = client::create(in, {.max_requests = 0});
    CHECK((!no_requests && no_requests.error() == errc::invalid_argument));
    (void)asks.close();
    const auto closed = asks.start("x");
    CHECK((!closed && closed.error() == errc::invalid_state));
}
