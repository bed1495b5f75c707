// SPDX-License-Identifier: MPL-2.0

// A proxy of ours between sockets of libzmq.

#include <serverlink/serverlink.hpp>

#include "interop_rig.hpp"

#include <thread>

using namespace slk;
using namespace slk::testing;

namespace {

/// A proxy that runs on a thread of its own.
template <class Front, class Back>
struct running_proxy {
    explicit running_proxy(test_endpoint::transport over) : front_place(over), back_place(over) {}
    ~running_proxy()
    {
        between.stop();
        thread.join();
    }

    test_endpoint front_place;
    test_endpoint back_place;
    context in = new_context();
    Front front = new_socket<Front>(in);
    Back back = new_socket<Back>(in);
    const std::string front_end = must(front.bind(front_place.text()));
    const std::string back_end = must(back.bind(back_place.text()));
    proxy between = must(proxy::create(front, back));
    std::thread thread{[this] { CHECK(between.run()); }};
};

} // namespace

TEST_CASE("requests of libzmq's REQ pass a proxy to libzmq's REP, and the replies come back")
{
    for (const test_endpoint::transport over : all_transports) {
        CAPTURE(static_cast<int>(over));
        running_proxy<router, dealer> middle(over);
        libzmq_context libzmq;
        libzmq_socket first(libzmq, ZMQ_REQ);
        libzmq_socket second(libzmq, ZMQ_REQ);
        libzmq_socket worker(libzmq, ZMQ_REP);
        REQUIRE(worker.connect(middle.back_end));
        for (libzmq_socket* each : {&first, &second})
            REQUIRE(each->connect(middle.front_end));
        for (int round = 0; round < 5; ++round) {
            const std::string number = std::to_string(round);
            REQUIRE(first.send({"first", number}));
            REQUIRE(second.send({"second", number}));
            for (int request = 0; request < 2; ++request) {
                auto asked = worker.receive();
                REQUIRE(asked.has_value());
                asked->push_back("answer");
                REQUIRE(worker.send(*asked));
            }
            CHECK(first.receive() == parts{"first", number, "answer"});
            CHECK(second.receive() == parts{"second", number, "answer"});
        }
        CHECK(until([&] { return middle.between.counters().front.sent == 10; }));
    }
}

TEST_CASE("what libzmq's PUB sends passes a proxy to libzmq's SUB, and subscriptions pass upstream")
{
    for (const test_endpoint::transport over : all_transports) {
        CAPTURE(static_cast<int>(over));
        running_proxy<xsub, xpub> middle(over);
        libzmq_context libzmq;
        libzmq_socket from(libzmq, ZMQ_XPUB);
        libzmq_socket to(libzmq, ZMQ_SUB);
        REQUIRE(from.connect(middle.front_end));
        REQUIRE(to.connect(middle.back_end));
        REQUIRE(to.set(ZMQ_SUBSCRIBE, "a"));
        CHECK(from.receive() == parts{"\1a"});
        REQUIRE(from.send({"b", "no"}));
        REQUIRE(from.send({"a", "yes"}));
        CHECK(to.receive() == parts{"a", "yes"});
        REQUIRE(to.set(ZMQ_UNSUBSCRIBE, "a"));
        CHECK(from.receive() == parts{std::string("\0a", 2)});
    }
}
