// SPDX-License-Identifier: MPL-2.0

// REQ and REP over every transport, with and without a loop thread, with either side bound.

#include <serverlink/serverlink.hpp>

#include "support/texts.hpp"

#include <functional>
#include <string>
#include <thread>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

void for_each_question(const std::function<void(context&, const std::string&, bool)>& test)
{
    std::vector<std::string> endpoints{"tcp://127.0.0.1:*", "inproc://questions"};
#ifndef _WIN32
    endpoints.emplace_back("ipc://*");
#endif
    for (const std::string& where : endpoints)
        for (const int threads : {1, 0})
            for (const bool rep_binds : {true, false}) {
                CAPTURE(where);
                CAPTURE(threads);
                CAPTURE(rep_binds);
                auto in = new_context(threads);
                test(in, where, rep_binds);
            }
}

void join_asking(req& ask, rep& reply, const std::string& where, bool rep_binds)
{
    rep_binds ? bind_and_connect(reply, ask, where) : bind_and_connect(ask, reply, where);
}

} // namespace

TEST_CASE("requests and replies of all sizes and parts, over every transport")
{
    for_each_question([](context& in, const std::string& where, bool rep_binds) {
        for (const bool correlate : {false, true}) {
            CAPTURE(correlate);
            auto ask = new_socket<req>(in, {.correlate = correlate});
            auto reply = new_socket<rep>(in);
            join_asking(ask, reply, where, rep_binds);
            for (const std::size_t size : {0U, 1U, 64U, 65U, 255U, 9'000U, 40'000U, 200'000U}) {
                CAPTURE(size);
                const text_list whole{std::string(size, 'a'), "", std::string(size, 'b')};
                must(ask.send(multipart_of(whole), test_timeout));
                CHECK((receive_texts(reply) == whole));
                must(reply.send(std::string(size, 'c'), test_timeout));
                CHECK((receive_text(ask) == std::string(size, 'c')));
            }
            CHECK(ask.counters().discarded == 0);
            CHECK(reply.counters().discarded == 0);
            CHECK(ask.counters().received == 8);
            CHECK(reply.counters().received == 8);
        }
    });
}

TEST_CASE("a request out of turn fails at once, and so does a reply")
{
    for_each_question([](context& in, const std::string& where, bool rep_binds) {
        auto ask = new_socket<req>(in);
        auto reply = new_socket<rep>(in);
        join_asking(ask, reply, where, rep_binds);
        const auto code = [](const auto& made) { return made ? errc::ok : made.error().code; };
        message got;
        // Without a limit: none of these may wait.
        CHECK(code(ask.receive(got)) == errc::invalid_state);
        CHECK(code(reply.send("unasked")) == errc::invalid_state);
        CHECK(until([&] { return ask.events().writable; }));
        CHECK_FALSE(ask.events().readable);
        CHECK_FALSE(reply.events().writable);
        must(ask.send("request"));
        CHECK(code(ask.send("another")) == errc::invalid_state);
        CHECK_FALSE(ask.events().writable);
        CHECK(until([&] { return reply.events().readable; }));
        // The events do not receive it.
        CHECK(code(reply.send("early")) == errc::invalid_state);
        CHECK(receive_text(reply) == "request");
        CHECK(code(reply.receive(got)) == errc::invalid_state);
        CHECK(reply.events().writable);
        CHECK_FALSE(reply.events().readable);
        must(reply.send("reply"));
        CHECK(code(reply.send("another")) == errc::invalid_state);
        CHECK(until([&] { return ask.events().readable; }));
        CHECK(ask.events().readable);
        CHECK(receive_text(ask) == "reply");
        CHECK(code(ask.receive(got)) == errc::invalid_state);
        CHECK(ask.counters().queued_total == 1);
        CHECK(reply.counters().queued_total == 1);
    });
}

TEST_CASE("a message is received part by part before the next call has its turn")
{
    auto in = new_context();
    auto ask = new_socket<req>(in);
    auto reply = new_socket<rep>(in);
    bind_and_connect(reply, ask, "inproc://parts");
    must(ask.send(multipart_of({"a", "b", "c"})));
    for (const char* const each : {"a", "b", "c"}) {
        CHECK_FALSE(reply.send("not yet"));
        CHECK(reply.events().readable);
        CHECK(receive_text(reply) == each);
    }
    must(reply.send(multipart_of({"d", "e"})));
    for (const char* const each : {"d", "e"}) {
        CHECK_FALSE(ask.send("not yet"));
        CHECK(ask.events().readable);
        CHECK(receive_text(ask) == each);
    }
    must(ask.send("next"));
}

TEST_CASE("a REQ asks its peers in turn, and a REP serves its own in turn")
{
    auto in = new_context();
    auto ask = new_socket<req>(in);
    std::vector<rep> services;
    for (int number = 0; number < 3; ++number) {
        services.push_back(new_socket<rep>(in));
        must(services.back().bind("inproc://service-" + std::to_string(number)));
        must(ask.connect("inproc://service-" + std::to_string(number)));
    }
    for (int round = 0; round < 6; ++round) {
        must(ask.send("x"));
        rep& asked = services[static_cast<std::size_t>(round % 3)];
        CHECK(receive_text(asked) == "x");
        must(asked.send(std::to_string(round)));
        CHECK(receive_text(ask) == std::to_string(round));
    }
    auto service = new_socket<rep>(in);
    must(service.bind("inproc://one"));
    std::vector<req> clients;
    for (int number = 0; number < 3; ++number) {
        clients.push_back(new_socket<req>(in));
        must(clients.back().connect("inproc://one"));
        must(clients.back().send(std::to_string(number)));
    }
    for (int number = 0; number < 3; ++number) {
        const std::string got = receive_text(service);
        must(service.send("to " + got));
    }
    for (std::size_t number = 0; number < 3; ++number)
        CHECK(receive_text(clients[number]) == "to " + std::to_string(number));
}

TEST_CASE("a thread with a REP serves many requests of another thread")
{
    for (const int threads : {0, 1, 2}) {
        CAPTURE(threads);
        auto of_service = new_context(threads);
        auto of_client = new_context(threads);
        auto ask = new_socket<req>(of_client);
        auto reply = new_socket<rep>(of_service);
        bind_and_connect(reply, ask);
        std::thread serving([&] {
            for (message got; reply.receive(got, test_timeout) && got.text() != "end";)
                if (!reply.send(std::move(got), test_timeout))
                    return;
            (void)reply.send("ended", test_timeout);
            (void)reply.close(test_timeout);
        });
        int right = 0;
        for (int number = 0; number < 300; ++number) {
            const std::string text = std::to_string(number);
            right += ask.send(text, test_timeout) && receive_text(ask) == text ? 1 : 0;
        }
        CHECK(right == 300);
        must(ask.send("end", test_timeout));
        CHECK(receive_text(ask) == "ended");
        (void)ask.close(duration::zero());
        serving.join();
    }
}
