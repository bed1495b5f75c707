// SPDX-License-Identifier: MPL-2.0

// REQ and REP with libzmq's REP, REQ, ROUTER and DEALER, over every transport, with either side
// bound; and with processes of pyzmq.

#include "interop_rig.hpp"
#include "support/child_process.hpp"
#include "support/skip.hpp"

#include <future>

using namespace slk;
using namespace slk::testing;

namespace {

void for_each_asking(const std::function<void(test_endpoint&, bool, int)>& test)
{
    for (const test_endpoint::transport over : all_transports)
        for (const bool we_bind : {true, false})
            for (const int threads : {1, 0}) {
                CAPTURE(static_cast<int>(over));
                CAPTURE(we_bind);
                CAPTURE(threads);
                test_endpoint place(over);
                test(place, we_bind, threads);
            }
}

void join_asking(auto& ours, libzmq_socket& theirs, const test_endpoint& place, bool we_bind)
{
    if (we_bind) {
        CHECK(theirs.connect(must(ours.bind(place.text()))));
    } else {
        const std::string there = theirs.bind(place.text());
        CHECK(there != "");
        must(ours.connect(there));
    }
}

/// Sends back what it receives.
void reply_with_echo(libzmq_socket& theirs, std::size_t count)
{
    for (; count > 0; --count) {
        auto got = theirs.receive();
        if (!got || !theirs.send(*got))
            return;
    }
}

} // namespace

TEST_CASE("a REQ asks a libzmq REP and ROUTER")
{
    for (const int type : {ZMQ_REP, ZMQ_ROUTER})
        for_each_asking([&](test_endpoint& place, bool we_bind, int threads) {
            CAPTURE(type);
            const bool correlate = threads == 0;
            auto in = new_context(threads);
            auto ours = new_socket<req>(in, {.correlate = correlate});
            libzmq_context libzmq;
            libzmq_socket theirs(libzmq, type);
            join_asking(ours, theirs, place, we_bind);
            auto echoing = std::async(std::launch::async,
                                      [&] { reply_with_echo(theirs, sample_messages().size()); });
            for (const parts& whole : sample_messages()) {
                CHECK(send_to(ours, whole));
                CHECK(receive_from(ours) == whole);
            }
            echoing.wait();
        });
}

TEST_CASE("a REP replies to a libzmq REQ")
{
    for_each_asking([&](test_endpoint& place, bool we_bind, int threads) {
        const int correlate = threads == 0 ? 1 : 0;
        auto in = new_context(threads);
        auto ours = new_socket<rep>(in);
        libzmq_context libzmq;
        libzmq_socket theirs(libzmq, ZMQ_REQ);
        REQUIRE(theirs.set(ZMQ_REQ_CORRELATE, correlate));
        join_asking(ours, theirs, place, we_bind);
        auto asking = std::async(std::launch::async, [&] {
            std::size_t right = 0;
            for (const parts& whole : sample_messages()) {
                if (!theirs.send(whole))
                    break;
                right += theirs.receive() == whole ? 1 : 0;
            }
            return right;
        });
        for (std::size_t count = 0; count < sample_messages().size(); ++count) {
            const parts got = receive_from(ours);
            CHECK(!got.empty());
            CHECK(send_to(ours, got));
        }
            // A context without a thread sends in its calls.
        REQUIRE(until([&] {
            (void)ours.events();
            return asking.wait_for(0s) == std::future_status::ready;
        }));
        CHECK(asking.get() == sample_messages().size());
    });
}

TEST_CASE("a REP replies to a libzmq DEALER that writes its own envelopes")
{
    for_each_asking([](test_endpoint& place, bool we_bind, int threads) {
        auto in = new_context(threads);
        auto ours = new_socket<rep>(in);
        libzmq_context libzmq;
        libzmq_socket theirs(libzmq, ZMQ_DEALER);
        join_asking(ours, theirs, place, we_bind);
        // A context without a thread connects in its calls.
        REQUIRE(until([&] {
            (void)ours.events();
            return theirs.send({"no envelope"}, 1ms);
        }));
        REQUIRE(theirs.send({"A", "BB", "", "q"}));
        CHECK(receive_from(ours) == parts{"q"});
        CHECK(ours.counters().discarded == 1);
        CHECK(send_to(ours, {"r1", "r2"}));
        std::optional<parts> got;
        REQUIRE(until([&] {
            (void)ours.events();
            got = theirs.receive(1ms);
            return got.has_value();
        }));
        CHECK(*got == parts{"A", "BB", "", "r1", "r2"});
    });
}

TEST_CASE("a relaxed REQ asks a libzmq REP that has come back")
{
    auto in = new_context();
    auto ours = new_socket<req>(in, reconnect_at_once<req_options>({.relaxed = true}));
    libzmq_context libzmq;
    std::string there;
    {
        libzmq_socket theirs(libzmq, ZMQ_REP);
        there = theirs.bind(any_tcp);
        must(ours.connect(there));
        CHECK(send_to(ours, {"lost"}));
        CHECK(theirs.receive() == parts{"lost"});
    }
    libzmq_socket theirs(libzmq, ZMQ_REP);
    REQUIRE(theirs.bind(there) == there);
    must(ours.wait_ready(test_timeout));
    REQUIRE(until([&] {
        CHECK(send_to(ours, {"again"}));
        return theirs.receive(100ms) == parts{"again"};
    }));
    REQUIRE(theirs.send({"reply"}));
    CHECK(receive_from(ours) == parts{"reply"});
}

TEST_CASE("pyzmq's REP replies to a REQ, and its REQ asks a REP")
{
    if (!have_pyzmq())
        SLK_SKIP("needs pyzmq");
    for (const bool correlate : {false, true}) {
        CAPTURE(correlate);
        auto in = new_context();
        auto reply = new_socket<rep>(in);
        const std::string here = must(reply.bind(any_tcp));
        child_process python(peer_program("ask_and_reply.py", {here, correlate ? "1" : "0"}));
        const std::string there = python.line().value_or("");
        auto ask = new_socket<req>(in, {.correlate = correlate});
        must(ask.connect(there));
        // It asks us in the middle of each reply, and returns what we say.
        for (const parts& whole : sample_messages()) {
            CHECK(send_to(ask, whole));
            CHECK(receive_from(reply) == whole);
            CHECK(send_to(reply, whole));
            parts expected{"replied"};
            expected.insert(expected.end(), whole.begin(), whole.end());
            CHECK(receive_from(ask) == expected);
        }
    }
}
