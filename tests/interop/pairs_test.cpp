// SPDX-License-Identifier: MPL-2.0

// Every pair of compatible types, over every transport, with either side bound.

#include "interop_rig.hpp"

#include <future>
#include <thread>

using namespace slk;
using namespace slk::testing;

namespace {

/// How two sockets are connected.
struct combination {
    test_endpoint::transport over;
    bool we_bind;
    int threads; ///< of our context
};

void for_each_combination(const std::function<void(const combination&)>& test)
{
    for (const test_endpoint::transport over : all_transports)
        for (const bool we_bind : {true, false})
            for (const int threads : {1, 0}) {
                CAPTURE(static_cast<int>(over));
                CAPTURE(we_bind);
                CAPTURE(threads);
                test({over, we_bind, threads});
            }
}

/// Two sockets that are connected.
template <class Ours>
struct connected_sockets {
    connected_sockets(const combination& how, int type, options_of<Ours> options = {},
                      const std::function<void(libzmq_socket&)>& prepare = {})
        : place(how.over), mine(new_context(how.threads)),
          ours(new_socket<Ours>(mine, std::move(options))), theirs(libzmq, type)
    {
        if (prepare)
            prepare(theirs);
        if (how.we_bind) {
            CHECK(theirs.connect(must(ours.bind(place.text()))));
        } else {
            const std::string there = theirs.bind(place.text());
            CHECK(there != "");
            must(ours.connect(there));
        }
    }

    test_endpoint place;
    context mine;
    Ours ours;
    libzmq_context libzmq;
    libzmq_socket theirs;
};

std::string differs(const parts& got, const parts& expected)
{
    return got == expected ? "" : "got " + shape_of(got) + " instead of " + shape_of(expected);
}

/// Sends back each of the sample messages.
void echo(libzmq_socket& theirs)
{
    for (std::size_t count = 0; count < sample_messages().size(); ++count) {
        const auto got = theirs.receive();
        if (!got || !theirs.send(*got))
            return;
    }
}

/// Sends every sample message and receives its echo. Returns an empty text, or what is wrong.
std::string expect_echo(libzmq_socket& theirs)
{
    for (const parts& whole : sample_messages()) {
        if (!theirs.send(whole))
            return "could not send " + shape_of(whole);
        const auto got = theirs.receive();
        if (const auto wrong = differs(got.value_or(parts{}), whole); !wrong.empty())
            return wrong;
    }
    return "";
}

/// Sends one message at a time and receives its echo. `before`: parts that precede each message.
void expect_echo(auto& ours, const parts& before = {})
{
    for (const parts& sample : sample_messages()) {
        parts whole = before;
        whole.insert(whole.end(), sample.begin(), sample.end());
        REQUIRE(send_to(ours, whole));
        REQUIRE(differs(receive_from(ours), whole) == "");
    }
}

/// Sends all messages, and receives their echoes after that.
void expect_echo_of_all(auto& ours)
{
    for (const parts& whole : sample_messages())
        REQUIRE(send_to(ours, whole));
    for (const parts& whole : sample_messages())
        REQUIRE(differs(receive_from(ours), whole) == "");
}

void echo(router& ours)
{
    for (std::size_t count = 0; count < sample_messages().size(); ++count) {
        peer_id from;
        multipart whole;
        REQUIRE(ours.receive(from, whole, test_timeout).has_value());
        REQUIRE(ours.send(from, std::move(whole), test_timeout).has_value());
    }
    // close() sends the queued messages, also without a loop thread.
    CHECK(ours.close(test_timeout).unsent() == 0);
}

} // namespace

TEST_CASE("a PAIR exchanges messages with a libzmq PAIR")
{
    for_each_combination([](const combination& how) {
        connected_sockets<pair> both(how, ZMQ_PAIR);
        const std::jthread other([&] {
            echo(both.theirs);
            echo(both.theirs);
        });
        expect_echo(both.ours);
        expect_echo_of_all(both.ours);
    });
}

TEST_CASE("a DEALER exchanges messages with a libzmq DEALER, ROUTER and REP")
{
    for (const int type : {ZMQ_DEALER, ZMQ_ROUTER, ZMQ_REP})
        for_each_combination([&](const combination& how) {
            CAPTURE(type);
            connected_sockets<dealer> both(how, type);
            const std::jthread other([&] { echo(both.theirs); });
            // A REP needs an empty part before the request, and sends it before the reply.
            expect_echo(both.ours, type == ZMQ_REP ? parts{""} : parts{});
        });
}

TEST_CASE("a DEALER sends all messages before it receives the first reply of a libzmq ROUTER")
{
    for_each_combination([&](const combination& how) {
        connected_sockets<dealer> both(how, ZMQ_ROUTER);
        const std::jthread other([&] { echo(both.theirs); });
        expect_echo_of_all(both.ours);
    });
}

TEST_CASE("a ROUTER replies to a libzmq DEALER and REQ")
{
    for (const int type : {ZMQ_DEALER, ZMQ_REQ})
        for_each_combination([&](const combination& how) {
            CAPTURE(type);
            connected_sockets<router> both(how, type);
            auto wrong = std::async(std::launch::async, [&] { return expect_echo(both.theirs); });
            echo(both.ours);
            CHECK(wrong.get() == "");
        });
}

TEST_CASE("a ROUTER and a libzmq ROUTER exchange messages by their routing ids")
{
    for_each_combination([](const combination& how) {
        router_options named;
        named.routing_id = "ours";
        connected_sockets<router> both(how, ZMQ_ROUTER, named, [](libzmq_socket& theirs) {
            theirs.set(ZMQ_ROUTING_ID, "theirs");
        });
        const std::jthread other([&] { echo(both.theirs); });
        REQUIRE(both.ours.wait_ready(test_timeout).has_value());
        for (const parts& whole : sample_messages()) {
            REQUIRE(both.ours.send({"theirs"}, to_multipart(whole), test_timeout).has_value());
            const auto got = receive_routed(both.ours);
            REQUIRE(got.from.routing_id == "theirs");
            REQUIRE(differs(got.whole, whole) == "");
        }
    });
}

TEST_CASE("a PUSH sends to a libzmq PULL")
{
    for_each_combination([](const combination& how) {
        connected_sockets<push> both(how, ZMQ_PULL);
        auto wrong = std::async(std::launch::async, [&]() -> std::string {
            for (const parts& whole : sample_messages())
                if (const auto bad = differs(both.theirs.receive().value_or(parts{}), whole);
                    !bad.empty())
                    return bad;
            return "";
        });
        for (const parts& whole : sample_messages())
            REQUIRE(send_to(both.ours, whole));
        CHECK(both.ours.close(test_timeout).unsent() == 0);
        CHECK(wrong.get() == "");
    });
}

TEST_CASE("a PULL receives from a libzmq PUSH")
{
    for_each_combination([](const combination& how) {
        connected_sockets<pull> both(how, ZMQ_PUSH);
        const std::jthread other([&] {
            for (const parts& whole : sample_messages())
                both.theirs.send(whole);
        });
        for (const parts& whole : sample_messages())
            REQUIRE(differs(receive_from(both.ours), whole) == "");
    });
}

TEST_CASE("a message of 64 MiB is echoed by libzmq")
{
    const parts whole = {random_bytes(64, std::size_t{64} << 20)};
    for (const test_endpoint::transport over :
         {test_endpoint::transport::tcp, test_endpoint::transport::ipc_file})
        for (const int threads : {1, 0}) {
            CAPTURE(static_cast<int>(over));
            CAPTURE(threads);
            connected_sockets<dealer> both({over, threads == 1, threads}, ZMQ_DEALER);
            const std::jthread other([&] {
                if (const auto got = both.theirs.receive(); got)
                    both.theirs.send(*got);
            });
            REQUIRE(send_to(both.ours, whole));
            REQUIRE(differs(receive_from(both.ours), whole) == "");
        }
}
