// SPDX-License-Identifier: MPL-2.0

// Clients with libzmq's REP and ROUTER as servers, servers with its REQ and DEALER as clients; and
// with processes of pyzmq.

#include "interop_rig.hpp"
#include "support/child_process.hpp"
#include "support/skip.hpp"

#include <csignal>
#include <future>

using namespace slk;
using namespace slk::testing;

namespace {

std::size_t answered_in_parts(client& asks)
{
    std::size_t right = 0;
    for (const parts& whole : sample_messages()) {
        const auto reply = asks.request(to_multipart(whole));
        right += reply && texts_of(*reply) == whole ? 1 : 0;
    }
    return right;
}

} // namespace

TEST_CASE("a client asks a libzmq REP and ROUTER, whichever side is bound")
{
    for (const int type : {ZMQ_REP, ZMQ_ROUTER})
        for (const bool we_bind : {true, false}) {
            CAPTURE(type);
            CAPTURE(we_bind);
            auto in = new_context(we_bind ? 1 : 0);
            auto asks = must(client::create(in));
            libzmq_context libzmq;
            libzmq_socket theirs(libzmq, type);
            if (we_bind)
                REQUIRE(theirs.connect(must(asks.bind(any_tcp))));
            else
                must(asks.connect(theirs.bind(any_tcp)));
            auto echoing = std::async(std::launch::async, [&] {
                for (std::size_t count = 0; count < sample_messages().size(); ++count)
                    if (auto got = theirs.receive(); !got || !theirs.send(*got))
                        return;
            });
            CHECK(answered_in_parts(asks) == sample_messages().size());
            CHECK(asks.counters().unmatched == 0);
            echoing.wait();
        }
}

TEST_CASE("a server replies to a libzmq REQ and DEALER")
{
    for (const int type : {ZMQ_REQ, ZMQ_DEALER}) {
        CAPTURE(type);
        auto in = new_context();
        auto serves = must(server::create(in));
        libzmq_context libzmq;
        libzmq_socket theirs(libzmq, type);
        REQUIRE(theirs.connect(must(serves.bind(any_tcp))));
        for (const parts& whole : sample_messages()) {
            parts sent = whole;
            if (type == ZMQ_DEALER)
                sent.insert(sent.begin(), {"hop", ""});
            REQUIRE(theirs.send(sent));
            auto got = must(serves.receive(test_timeout));
            CHECK(texts_of(got.parts()) == whole);
            CHECK(must(got.reply(std::move(got.parts()))) == send_outcome::queued);
            CHECK(theirs.receive() == sent);
        }
    }
}

TEST_CASE("a client asks processes of pyzmq, which are killed and started again")
{
    if (!have_pyzmq())
        SLK_SKIP("needs pyzmq");
    for (const char* const type : {"REP", "ROUTER"}) {
        CAPTURE(type);
        auto in = new_context();
        client_options options;
        options.socket = reconnect_at_once<dealer_options>();
        auto asks = must(client::create(in, options));
        std::string there;
        {
            child_process first(peer_program("echo.py", {type, "bind", any_tcp}));
            there = first.line().value_or("");
            must(asks.connect(there));
            CHECK(answered_in_parts(asks) == sample_messages().size());
            first.interrupt(SIGSTOP);
            auto started = must(asks.start("lost"));
            REQUIRE(until([&] {
                (void)asks.wait_any(no_wait);
                return started.attempts() == 1;
            }));
            first.interrupt(SIGKILL);
            const auto lost = started.wait(test_timeout);
            REQUIRE_FALSE(lost.has_value());
            CHECK(lost.error() == errc::connection_aborted);
        }
        child_process second(peer_program("echo.py", {type, "bind", there}));
        CHECK(second.line() == there);
        CHECK(answered_in_parts(asks) == sample_messages().size());
    }
}

TEST_CASE("pyzmq's REQ asks a server")
{
    if (!have_pyzmq())
        SLK_SKIP("needs pyzmq");
    auto in = new_context();
    auto serves = must(server::create(in));
    auto asks = must(client::create(in));
    child_process python(peer_program("ask_and_reply.py", {must(serves.bind(any_tcp)), "1"}));
    must(asks.connect(python.line().value_or("")));
    for (const parts& whole : sample_messages()) {
        auto started = must(asks.start(to_multipart(whole)));
        std::optional<received_request> got;
        REQUIRE(until([&] {
            (void)asks.wait_any(no_wait);
            if (auto received = serves.receive(1ms))
                got = *std::move(received);
            return got.has_value();
        }));
        CHECK(texts_of(got->parts()) == whole);
        must(got->reply(std::move(got->parts())));
        parts expected{"replied"};
        expected.insert(expected.end(), whole.begin(), whole.end());
        CHECK(texts_of(must(started.wait(test_timeout))) == expected);
    }
}
