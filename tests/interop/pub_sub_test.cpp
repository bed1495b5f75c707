// SPDX-License-Identifier: MPL-2.0

// PUB and SUB with libzmq's SUB, PUB, XSUB and XPUB, over every transport, with either side bound;
// and with processes of pyzmq.

#include "interop_rig.hpp"
#include "support/child_process.hpp"
#include "support/skip.hpp"

#include <csignal>
#include <thread>

using namespace slk;
using namespace slk::testing;

namespace {

void for_each_way(const std::function<void(test_endpoint&, bool, int)>& test)
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

void join(auto& ours, libzmq_socket& theirs, const test_endpoint& place, bool we_bind)
{
    if (we_bind) {
        CHECK(theirs.connect(must(ours.bind(place.text()))));
    } else {
        const std::string there = theirs.bind(place.text());
        CHECK(there != "");
        must(ours.connect(there));
    }
}

/// What comes while our socket, which may have no thread, is called now and then.
parts receive_beside(socket& ours, libzmq_socket& theirs)
{
    std::optional<parts> got;
    (void)until([&] {
        (void)ours.events();
        got = theirs.receive(1ms);
        return got.has_value();
    });
    return got.value_or(parts{});
}

/// A socket of libzmq that is bound learns of a peer, and tells it its topics, in its next call.
bool has_topics(pub& which, libzmq_socket& theirs, std::uint32_t count)
{
    return until([&] {
        int events = 0;
        std::size_t size = sizeof events;
        CHECK(zmq_getsockopt(theirs.get(), ZMQ_EVENTS, &events, &size) == 0);
        const auto all = which.peers();
        return all.size() == 1 && all.front().subscriptions == count;
    });
}

} // namespace

TEST_CASE("a PUB publishes to a libzmq SUB and XSUB")
{
    for (const int type : {ZMQ_SUB, ZMQ_XSUB})
        for_each_way([&](test_endpoint& place, bool we_bind, int threads) {
            CAPTURE(type);
            auto in = new_context(threads);
            auto ours = new_socket<pub>(in);
            libzmq_context libzmq;
            libzmq_socket theirs(libzmq, type);
            const auto change = [&](bool subscribe, const std::string& topic) {
                if (type == ZMQ_SUB)
                    REQUIRE(theirs.set(subscribe ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE, topic));
                else
                    REQUIRE(theirs.send({std::string(1, subscribe ? '\1' : '\0') + topic}));
            };
            change(true, "before");
            join(ours, theirs, place, we_bind);
            CHECK(has_topics(ours, theirs, 1));
            change(true, "after");
            change(true, "after");
            CHECK(has_topics(ours, theirs, 2));
            change(false, "before");
            CHECK(has_topics(ours, theirs, 1));
            CHECK(must(ours.send("before")) == send_outcome::dropped_no_route);
            for (const parts& sample : sample_messages()) {
                parts whole{"after"};
                whole.insert(whole.end(), sample.begin(), sample.end());
                REQUIRE(send_to(ours, whole));
                CHECK(receive_beside(ours, theirs) == whole);
            }
            change(false, "after");
            CHECK(has_topics(ours, theirs, 1));
            change(false, "after");
            CHECK(has_topics(ours, theirs, 0));
        });
}

TEST_CASE("a SUB receives from a libzmq PUB")
{
    for_each_way([](test_endpoint& place, bool we_bind, int threads) {
        auto in = new_context(threads);
        auto ours = new_socket<sub>(in);
        must(ours.subscribe("before"));
        libzmq_context libzmq;
        libzmq_socket theirs(libzmq, ZMQ_PUB);
        join(ours, theirs, place, we_bind);
        must(ours.subscribe("after"));
        must(ours.subscribe("end"));
        must(ours.unsubscribe("before"));
        // It does not tell when it knows.
        REQUIRE(until([&] {
            REQUIRE(theirs.send({"end"}));
            return !receive_from(ours, 10ms).empty();
        }));
        for (const parts& sample : sample_messages()) {
            parts whole{"after"};
            whole.insert(whole.end(), sample.begin(), sample.end());
            REQUIRE(theirs.send({"before"}));
            REQUIRE(theirs.send(whole));
            parts got = receive_from(ours);
            while (got == parts{"end"})
                got = receive_from(ours);
            CHECK(got == whole);
        }
        CHECK(ours.counters().discarded == 0);
    });
}

TEST_CASE("a libzmq XPUB sees what a SUB subscribes to")
{
    for_each_way([](test_endpoint& place, bool we_bind, int threads) {
        auto in = new_context(threads);
        auto ours = new_socket<sub>(in);
        const std::string longest(sub::max_topic_size, 't');
        must(ours.subscribe("b"));
        must(ours.subscribe("a"));
        must(ours.subscribe("b"));
        libzmq_context libzmq;
        libzmq_socket theirs(libzmq, ZMQ_XPUB);
        REQUIRE(theirs.set(ZMQ_XPUB_VERBOSER, 1));
        join(ours, theirs, place, we_bind);
        const auto next = [&] { return receive_beside(ours, theirs); };
        CHECK(next() == parts{"\1a"});
        CHECK(next() == parts{"\1b"});
        for (const std::size_t size : {0U, 244U, 245U, 246U, 249U, 254U, 255U, 256U, 60'000U}) {
            CAPTURE(size);
            must(ours.subscribe(std::string(size, 't')));
            CHECK(next() == parts{'\1' + std::string(size, 't')});
            must(ours.unsubscribe(std::string(size, 't')));
            CHECK(next() == parts{std::string(1, '\0') + std::string(size, 't')});
        }
        must(ours.unsubscribe("b"));
        must(ours.unsubscribe("none"));
        must(ours.unsubscribe("b"));
        CHECK(next() == parts{std::string("\0b", 2)});
        must(ours.subscribe(longest));
        CHECK(next() == parts{'\1' + longest});
    });
}

TEST_CASE("a libzmq SUB subscribes again when our PUB comes back, and ours when libzmq's does")
{
    auto in = new_context();
    libzmq_context libzmq;
    const test_endpoint place(test_endpoint::transport::tcp);
    {
        libzmq_socket theirs(libzmq, ZMQ_SUB);
        REQUIRE(theirs.set(ZMQ_RECONNECT_IVL, 10));
        REQUIRE(theirs.set(ZMQ_SUBSCRIBE, "x"));
        std::string where = place.text();
        for (int round = 0; round < 3; ++round) {
            auto ours = new_socket<pub>(in);
            where = must(ours.bind(where));
            if (round == 0)
                REQUIRE(theirs.connect(where));
            CHECK(has_topics(ours, theirs, 1));
            must(ours.send("x" + std::to_string(round)));
            CHECK(theirs.receive() == parts{"x" + std::to_string(round)});
        }
    }
    auto ours = new_socket<sub>(in, reconnect_at_once());
    must(ours.subscribe("x"));
    std::string where = place.text();
    for (int round = 0; round < 3; ++round) {
        libzmq_socket theirs(libzmq, ZMQ_PUB);
        where = theirs.bind(where);
        REQUIRE(where != "");
        if (round == 0)
            must(ours.connect(where));
        const std::string text = "x" + std::to_string(round);
        CHECK(until([&] {
            REQUIRE(theirs.send({text}));
            return receive_from(ours, 10ms) == parts{text};
        }));
    }
}

TEST_CASE("PUB and SUB talk to processes of pyzmq, which are killed at any time")
{
    if (!have_pyzmq())
        SLK_SKIP("needs pyzmq");
    auto in = new_context();
    auto from = new_socket<pub>(in);
    const std::string where = must(from.bind("tcp://127.0.0.1:*"));
    auto to = new_socket<sub>(in, reconnect_at_once());
    must(to.subscribe("echo"));
    for (int round = 0; round < 3; ++round) {
        CAPTURE(round);
        // Publishes again, with "echo" before it, what it has subscribed to.
        child_process peer(peer_program("republish.py", {where, "news"}));
        const std::string there = peer.line().value_or("");
        must(to.connect(there));
        must(from.wait_subscribers("news", 1, test_timeout));
        CHECK(until([&] {
            must(from.send("other"));
            must(from.send("news"));
            return receive_from(to, 10ms) == parts{"echo", "news"};
        }));
        peer.interrupt(SIGKILL);
        CHECK(until([&] { return must(from.send("news")) == send_outcome::dropped_no_route; }));
        must(to.disconnect(there));
    }
}
