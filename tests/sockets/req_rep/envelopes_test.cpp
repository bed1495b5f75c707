// SPDX-License-Identifier: MPL-2.0

// REQ and REP with peers that write envelopes of their own: brokers, late replies, and nonsense.

#include <serverlink/serverlink.hpp>

#include "support/texts.hpp"

#include <string>
#include <thread>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

/// The message, when it has arrived and everything before it was discarded.
bool has_discarded(socket& which, std::uint64_t count)
{
    return until([&] {
        (void)which.events();
        return which.counters().discarded == count;
    });
}

const std::string envelope_transports[] = {"tcp://127.0.0.1:*", "inproc://envelopes"};

} // namespace

TEST_CASE("a REP behind two ROUTERs returns the whole envelope")
{
    for (const std::string& where : envelope_transports) {
        CAPTURE(where);
        auto in = new_context();
        auto ask = new_socket<req>(in, {.routing_id = "client"});
        auto front = new_socket<router>(in, {.routing_id = "front"});
        auto middle = new_socket<router>(in);
        auto back = new_socket<dealer>(in);
        auto reply = new_socket<rep>(in);
        bind_and_connect(front, ask, where);
        auto towards = new_socket<dealer>(in, {.routing_id = "broker"});
        bind_and_connect(middle, towards, where + (where.back() == '*' ? "" : "-2"));
        bind_and_connect(reply, back, where + (where.back() == '*' ? "" : "-3"));

        must(ask.send(multipart_of({"question", ""})));
        peer_id peer;
        text_list whole = receive_routed(front, peer);
        CHECK(peer.routing_id == "client");
        CHECK(whole == text_list{"", "question", ""});
        whole.insert(whole.begin(), peer.routing_id);
        must(towards.send(multipart_of(whole)));
        whole = receive_routed(middle, peer);
        CHECK(peer.routing_id == "broker");
        whole.insert(whole.begin(), peer.routing_id);
        must(back.send(multipart_of(whole)));

        CHECK(receive_texts(reply) == text_list{"question", ""});
        must(reply.send(multipart_of({"answer", ""})));

        whole = receive_texts(back);
        CHECK(whole == text_list{"broker", "client", "", "answer", ""});
        whole.erase(whole.begin());
        must(middle.send(peer, multipart_of(whole)));
        whole = receive_texts(towards);
        CHECK(whole.front() == "client");
        whole.erase(whole.begin());
        must(front.send({.routing_id = "client"}, multipart_of(whole)));
        CHECK(receive_texts(ask) == text_list{"answer", ""});
    }
}

TEST_CASE("a REP discards and counts what has no envelope or no body, and serves on")
{
    for (const std::string& where : envelope_transports) {
        CAPTURE(where);
        auto in = new_context();
        auto reply = new_socket<rep>(in);
        auto wrong = new_socket<dealer>(in);
        bind_and_connect(reply, wrong, where);
        must(wrong.send("no envelope"));
        must(wrong.send(multipart_of({"still", "no", "envelope"})));
        must(wrong.send(multipart_of({""})));
        must(wrong.send(multipart_of({"hop", ""})));
        CHECK(has_discarded(reply, 4));
        CHECK_FALSE(reply.events().readable);
        CHECK(receive_text(reply, no_wait) == "(would_block)");
        must(wrong.send("nor this"));
        must(wrong.send(multipart_of(text_list(200, "hop"))));
        text_list far(200, "hop");
        far.insert(far.end(), {"", "far"});
        must(wrong.send(multipart_of(far)));
        CHECK(receive_texts(reply) == text_list{"far"});
        CHECK(reply.counters().discarded == 6);
        CHECK(reply.peers().front().received == 1);
        must(reply.send("back"));
        far.back() = "back";
        CHECK(receive_texts(wrong) == far);
    }
}

TEST_CASE("a REQ discards and counts what is no reply, and waits on")
{
    for (const std::string& where : envelope_transports) {
        CAPTURE(where);
        auto in = new_context();
        auto ask = new_socket<req>(in, {.correlate = true});
        auto other = new_socket<router>(in);
        bind_and_connect(other, ask, where);
        must(ask.send("question"));
        peer_id peer;
        const text_list got = receive_routed(other, peer);
        REQUIRE(got.size() == 3);
        CHECK(got[0].size() == 4);
        for (const text_list& wrong :
             {text_list{"answer"}, text_list{"", "answer"}, text_list{got[0]},
              text_list{got[0], ""}, text_list{got[0], "x", "answer"},
              text_list{"xxxx", "", "answer"}, text_list{got[0] + "x", "", "a"}})
            must(other.send(peer, multipart_of(wrong)));
        CHECK(has_discarded(ask, 7));
        CHECK_FALSE(ask.events().readable);
        message part;
        const auto waited = ask.receive(part, 1ms);
        CHECK((!waited && waited.error() == errc::timed_out));
        must(other.send(peer, multipart_of({got[0], "", "answer"})));
        CHECK(receive_text(ask) == "answer");
    }
}

TEST_CASE("what had arrived before a request is no reply to it")
{
    for (const std::string& where : envelope_transports) {
        CAPTURE(where);
        auto in = new_context();
        auto ask = new_socket<req>(in);
        auto one = new_socket<router>(in);
        auto two = new_socket<router>(in);
        bind_and_connect(one, ask, where);
        bind_and_connect(two, ask, where + (where.back() == '*' ? "" : "-2"));
        must(ask.wait_ready(test_timeout));
        must(ask.send("first"));
        peer_id peer;
        CHECK(receive_routed(one, peer) == text_list{"", "first"});
        for (const char* const each : {"reply", "again", "and again"})
            must(one.send(peer, multipart_of({"", each})));
        CHECK(receive_text(ask) == "reply");
        // It has to have arrived.
        if (where.starts_with("tcp")) {
            REQUIRE(until([&] { return one.peers().front().queued == 0; }));
            std::this_thread::sleep_for(20ms);
        }
        must(ask.send("second"));
        CHECK(receive_routed(two, peer) == text_list{"", "second"});
        must(two.send(peer, multipart_of({"", "reply to the second"})));
        CHECK(receive_text(ask) == "reply to the second");
        // The first peer's would be taken for the reply to the third one.
        must(ask.send("third"));
        CHECK(receive_routed(one, peer) == text_list{"", "third"});
        must(one.send(peer, multipart_of({"", "reply to the third"})));
        CHECK(receive_text(ask) == "reply to the third");
        CHECK(ask.counters().discarded == 2);
    }
}

TEST_CASE("a relaxed REQ asks again, and without correlation takes the late reply for the new one")
{
    for (const std::string& where : envelope_transports)
        for (const bool correlate : {false, true}) {
            CAPTURE(where);
            CAPTURE(correlate);
            auto in = new_context();
            auto ask = new_socket<req>(in, {.relaxed = true, .correlate = correlate});
            auto other = new_socket<router>(in);
            bind_and_connect(other, ask, where);
            must(ask.send("first"));
            must(ask.send("second"));
            peer_id peer;
            text_list first = receive_routed(other, peer);
            text_list second = receive_routed(other, peer);
            first.back() += "!";
            second.back() += "!";
            must(other.send(peer, multipart_of(first)));
            must(other.send(peer, multipart_of(second)));
            CHECK(receive_text(ask) == (correlate ? "second!" : "first!"));
            // Without a number the reply to the second may still come for the third.
            if (!correlate)
                continue;
            // A reply that is being received is given up, too.
            must(ask.send("third"));
            text_list third = receive_routed(other, peer);
            third.emplace_back("more");
            must(other.send(peer, multipart_of(third)));
            CHECK(receive_text(ask) == "third");
            must(ask.send("fourth"));
            must(other.send(peer, multipart_of(receive_routed(other, peer))));
            CHECK(receive_texts(ask) == text_list{"fourth"});
        }
}

TEST_CASE("the options of a REQ may change between two requests")
{
    auto in = new_context();
    auto ask = new_socket<req>(in);
    auto other = new_socket<router>(in);
    bind_and_connect(other, ask, "inproc://options");
    must(ask.send("first"));
    CHECK_FALSE(ask.send("second"));
    socket_options options = ask.options();
    options.relaxed = options.correlate = true;
    must(ask.set_options(options));
    must(ask.send("second"));
    peer_id peer;
    CHECK(receive_routed(other, peer).size() == 2);
    CHECK(receive_routed(other, peer).size() == 3);
}

TEST_CASE("options of a REQ are not for other types")
{
    auto in = new_context();
    const auto refusal = [](const auto& made) {
        REQUIRE_FALSE(made.has_value());
        CHECK(made.error() == errc::invalid_argument);
        return std::string(made.error().detail);
    };
    CHECK(refusal(dealer::create(in, {.relaxed = true})) == "relaxed is for a REQ");
    CHECK(refusal(rep::create(in, {.relaxed = true})) == "relaxed is for a REQ");
    CHECK(refusal(router::create(in, {.correlate = true})) == "correlate is for a REQ");
    CHECK(refusal(rep::create(in, {.correlate = true})) == "correlate is for a REQ");
    CHECK(refusal(rep::create(in, {.probe_router = true})).starts_with("probe_router"));
    CHECK(refusal(req::create(in, {.conflate = true})).starts_with("conflate"));
    CHECK(refusal(rep::create(in, {.conflate = true})).starts_with("conflate"));
}

TEST_CASE("a REQ with probe_router is known to a ROUTER before it asks")
{
    auto in = new_context();
    auto ask = new_socket<req>(in, {.routing_id = "early", .probe_router = true});
    auto other = new_socket<router>(in);
    bind_and_connect(other, ask);
    peer_id peer;
    CHECK(receive_routed(other, peer) == text_list{""});
    CHECK(peer.routing_id == "early");
}

TEST_CASE("a reply to a REQ that is gone, or does not read, is dropped and counted")
{
    for (const std::string& where : envelope_transports) {
        CAPTURE(where);
        auto in = new_context();
        auto reply = new_socket<rep>(in, {.send_high_water_mark = 2});
        auto ask = new_socket<req>(in);
        bind_and_connect(reply, ask, where);
        must(ask.send("question"));
        CHECK(receive_text(reply) == "question");
        (void)ask.close(duration::zero());
        REQUIRE(until([&] { return reply.peers().empty(); }));
        CHECK(must(reply.send("answer")) == send_outcome::dropped_no_route);
        CHECK(reply.counters().dropped_no_route == 1);

        // The next one asks and asks, and reads nothing.
        auto asks = new_socket<dealer>(in, {.receive_high_water_mark = 2});
        must(asks.connect(reply.last_endpoint()));
        const std::string body(200'000, 'b');
        std::uint64_t dropped = 0;
        for (int count = 0; count < 200 && dropped == 0; ++count) {
            must(asks.send(multipart_of({"", "more"}), test_timeout));
            CHECK(receive_text(reply) == "more");
            dropped += must(reply.send(body)) == send_outcome::dropped_full ? 1 : 0;
        }
        CHECK(dropped == 1);
        CHECK(reply.counters().dropped_full == 1);
        CHECK(receive_texts(asks).size() == 2);
        // It goes on.
        REQUIRE(until([&] {
            (void)asks.send(multipart_of({"", "more"}), test_timeout);
            CHECK(receive_text(reply) == "more");
            (void)receive_texts(asks);
            return must(reply.send("small")) == send_outcome::queued;
        }));
    }
}

TEST_CASE("a request of a peer that has gone is received, and its reply is dropped")
{
    auto in = new_context();
    auto reply = new_socket<rep>(in);
    auto ask = new_socket<req>(in);
    bind_and_connect(reply, ask);
    must(ask.send("last words"));
    REQUIRE(until([&] { return reply.events().readable; }));
    (void)ask.close(duration::zero());
    REQUIRE(until([&] { return ready_peers(reply) == 0; }));
    CHECK(receive_text(reply) == "last words");
    CHECK(must(reply.send("too late")) == send_outcome::dropped_no_route);
    CHECK(receive_text(reply, no_wait) == "(would_block)");
}
