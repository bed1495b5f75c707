// SPDX-License-Identifier: MPL-2.0

// XPUB and XSUB with libzmq's SUB, XSUB, PUB and XPUB, over every transport.

#include "interop_rig.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

void for_each_place(const std::function<void(context&, test_endpoint&)>& test)
{
    for (const test_endpoint::transport over : all_transports)
        for (const int threads : {1, 0}) {
            CAPTURE(static_cast<int>(over));
            CAPTURE(threads);
            test_endpoint place(over);
            auto in = new_context(threads);
            test(in, place);
        }
}

/// What comes while our socket, which may have no thread, is called now and then.
parts receive_meanwhile(socket& ours, libzmq_socket& theirs)
{
    std::optional<parts> got;
    (void)until([&] {
        (void)ours.events();
        got = theirs.receive(1ms);
        return got.has_value();
    });
    return got.value_or(parts{});
}

/// libzmq's sockets act in their calls only.
void call(libzmq_socket& theirs)
{
    int events = 0;
    std::size_t size = sizeof events;
    CHECK(zmq_getsockopt(theirs.get(), ZMQ_EVENTS, &events, &size) == 0);
}

} // namespace

TEST_CASE("an XPUB reports what a libzmq XSUB and SUB subscribe to, and receives its messages")
{
    for_each_place([](context& in, test_endpoint& place) {
        auto ours = new_socket<xpub>(in);
        libzmq_context libzmq;
        libzmq_socket theirs(libzmq, ZMQ_XSUB), other(libzmq, ZMQ_SUB);
        const std::string where = must(ours.bind(place.text()));
        REQUIRE(theirs.send({"\1a"}));
        REQUIRE(theirs.connect(where));
        CHECK(receive_from(ours) == parts{"\1a"});
        REQUIRE(theirs.send({"\1b"}));
        CHECK(receive_from(ours) == parts{"\1b"});
        for (const parts& sample : sample_messages()) {
            parts whole{"upstream"};
            for (const std::string& each : sample)
                if (!each.starts_with('\0') && !each.starts_with('\1'))
                    whole.push_back(each);
            REQUIRE(theirs.send(whole));
            CHECK(receive_from(ours) == whole);
        }
        // The second one is not reported, nor is the first end.
        REQUIRE(other.set(ZMQ_SUBSCRIBE, "a"));
        REQUIRE(other.connect(where));
        REQUIRE(other.set(ZMQ_SUBSCRIBE, "c"));
        CHECK(receive_from(ours) == parts{"\1c"});
        REQUIRE(theirs.send({std::string("\0a", 2)}));
        REQUIRE(theirs.send({std::string("\0b", 2)}));
        CHECK(receive_from(ours) == parts{std::string("\0b", 2)});
        must(ours.send("a1"));
        CHECK(receive_meanwhile(ours, other) == parts{"a1"});
        other.close();
        parts ends = receive_from(ours);
        const parts second = receive_from(ours);
        ends.insert(ends.end(), second.begin(), second.end());
        std::ranges::sort(ends);
        CHECK(ends == parts{std::string("\0a", 2), std::string("\0c", 2)});
    });
}

TEST_CASE("an XSUB subscribes at a libzmq PUB and XPUB, and sends messages to an XPUB")
{
    for (const int type : {ZMQ_PUB, ZMQ_XPUB})
        for_each_place([&](context& in, test_endpoint& place) {
            CAPTURE(type);
            auto ours = new_socket<xsub>(in);
            libzmq_context libzmq;
            libzmq_socket theirs(libzmq, type);
            const std::string there = theirs.bind(place.text());
            REQUIRE(there != "");
            must(ours.send("\1before"));
            must(ours.connect(there));
            must(ours.wait_ready(test_timeout));
            must(ours.send("\1t"));
            if (type == ZMQ_XPUB) {
                CHECK(receive_meanwhile(ours, theirs) == parts{"\1before"});
                CHECK(receive_meanwhile(ours, theirs) == parts{"\1t"});
                multipart whole;
                must(whole.add(std::string_view("up")));
                must(whole.add(std::string_view("stream")));
                CHECK(must(ours.send(std::move(whole))) == send_outcome::queued);
                CHECK(receive_meanwhile(ours, theirs) == parts{"up", "stream"});
            } else {
                CHECK(must(ours.send("is thrown away")) == send_outcome::queued);
            }
            parts got;
            CHECK(until([&] {
                call(theirs);
                REQUIRE(theirs.send({"t1"}));
                got = receive_from(ours, 10ms);
                return got == parts{"t1"};
            }));
            must(ours.send(std::string("\0t", 2)));
            if (type == ZMQ_XPUB)
                CHECK(receive_meanwhile(ours, theirs) == parts{std::string("\0t", 2)});
        });
}
