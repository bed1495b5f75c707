// SPDX-License-Identifier: MPL-2.0

// Peers that go and come back a thousand times. After each time a message goes both ways.

#include "interop_rig.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

constexpr int rounds = 1000;

/// They begin: what we would send before we notice that they have gone is lost with them.
bool exchange(auto& ours, libzmq_socket& theirs, int round)
{
    const std::string said = std::to_string(round);
    return theirs.send({said, "there"}) && receive_from(ours) == parts{said, "there"} &&
           send_to(ours, {said, "back"}) && theirs.receive() == parts{said, "back"};
}

/// libzmq's way of reconnecting at once.
void hurry(libzmq_socket& theirs)
{
    theirs.set(ZMQ_RECONNECT_IVL, 1);
}

} // namespace

TEST_CASE("libzmq's listening socket is closed and opened anew a thousand times")
{
    context mine = new_context();
    auto ours = new_socket<dealer>(mine, reconnect_at_once<dealer_options>());
    libzmq_context libzmq;
    std::string where = any_tcp;
    for (int round = 0; round < rounds; ++round) {
        libzmq_socket theirs(libzmq, ZMQ_DEALER);
        where = theirs.bind(where);
        if (round == 0)
            must(ours.connect(where));
        REQUIRE(exchange(ours, theirs, round));
    }
    CHECK(ours.counters().received == rounds);
}

TEST_CASE("libzmq's connecting socket is closed and opened anew a thousand times")
{
    context mine = new_context();
    auto ours = new_socket<pull>(mine);
    const std::string where = must(ours.bind(any_tcp));
    libzmq_context libzmq;
    for (int round = 0; round < rounds; ++round) {
        libzmq_socket theirs(libzmq, ZMQ_PUSH);
        // Its end is not the end of what it was given.
        theirs.set(ZMQ_LINGER, -1);
        REQUIRE(theirs.connect(where));
        REQUIRE(theirs.send({std::to_string(round)}));
        theirs.close();
        REQUIRE(receive_from(ours) == parts{std::to_string(round)});
    }
    CHECK(until([&] {
        receive_from(ours, no_wait); // the end of a peer is noticed behind its last message
        return ours.peers().empty();
    }));
}

TEST_CASE("libzmq disconnects and connects a thousand times")
{
    context mine = new_context();
    auto ours = new_socket<router>(mine);
    const std::string where = must(ours.bind(any_tcp));
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_DEALER);
    for (int round = 0; round < rounds; ++round) {
        REQUIRE(theirs.connect(where));
        REQUIRE(theirs.send({std::to_string(round)}));
        const auto got = receive_routed(ours);
        REQUIRE(got.whole == parts{std::to_string(round)});
        REQUIRE(ours.send(got.from, to_multipart(got.whole), test_timeout).has_value());
        REQUIRE(theirs.receive() == got.whole);
        REQUIRE(theirs.disconnect(where));
    }
    CHECK(until([&] {
        theirs.receive(0ms); // libzmq disconnects in calls of its own
        receive_routed(ours, no_wait);
        return ours.peers().empty();
    }));
}

TEST_CASE("our socket disconnects and connects a thousand times")
{
    context mine = new_context();
    auto ours = new_socket<dealer>(mine);
    libzmq_context libzmq;
    libzmq_socket server(libzmq, ZMQ_DEALER);
    const std::string where = server.bind(any_tcp);
    for (int round = 0; round < rounds; ++round) {
        must(ours.connect(where));
        const parts said = {std::to_string(round)};
        REQUIRE(send_to(ours, said));
        REQUIRE(server.receive() == said);
        const auto left = ours.disconnect(where, test_timeout);
        REQUIRE(left.has_value());
        REQUIRE(left->unsent() == 0);
    }
    CHECK(ours.endpoints().empty());
}

TEST_CASE("what is queued when our socket disconnects still arrives, a thousand times")
{
    context mine = new_context();
    auto ours = new_socket<push>(mine);
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_PULL);
    const std::string where = theirs.bind(any_tcp);
    for (int round = 0; round < rounds; ++round) {
        must(ours.connect(where));
        REQUIRE(send_to(ours, {std::to_string(round)}));
        REQUIRE(ours.disconnect(where, test_timeout).has_value());
        REQUIRE(theirs.receive() == parts{std::to_string(round)});
    }
}

TEST_CASE("our listening socket unbinds and binds a thousand times, and libzmq comes back")
{
    context mine = new_context();
    auto ours = new_socket<dealer>(mine);
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_DEALER);
    hurry(theirs);
    // Otherwise a message might be given to a connection that has just gone.
    theirs.set(ZMQ_IMMEDIATE, 1);
    const std::string where = must(ours.bind(any_tcp));
    REQUIRE(theirs.connect(where));
    for (int round = 0; round < rounds; ++round) {
        const parts said = {std::to_string(round)};
        REQUIRE(ours.wait_ready(test_timeout).has_value());
        REQUIRE(send_to(ours, said));
        REQUIRE(theirs.receive() == said);
        REQUIRE(ours.unbind(where).has_value());
        REQUIRE(must(ours.bind(where)) == where);
    }
}

TEST_CASE("what is sent before the peer is there is delivered by the end of the socket")
{
    for (const int threads : {1, 0}) {
        CAPTURE(threads);
        context mine = new_context(threads);
        auto ours = new_socket<push>(mine, reconnect_at_once());
        libzmq_context libzmq;
        libzmq_socket theirs(libzmq, ZMQ_PULL);
        must(ours.connect(theirs.bind(any_tcp)));
        REQUIRE(send_to(ours, {"early"}, no_wait));
        CHECK(ours.close(test_timeout).unsent() == 0);
        CHECK(theirs.receive() == parts{"early"});
    }
}

TEST_CASE("peers of libzmq's that have gone leave nothing behind at a socket that never receives")
{
    context mine = new_context();
    auto ours = new_socket<push>(mine);
    const std::string where = must(ours.bind(any_tcp));
    libzmq_context libzmq;
    for (int round = 0; round < 20; ++round) {
        libzmq_socket theirs(libzmq, ZMQ_PULL);
        REQUIRE(theirs.connect(where));
        REQUIRE(send_to(ours, {std::to_string(round)}));
        REQUIRE(theirs.receive().has_value());
        theirs.close();
        // Otherwise the next message might be given to who has just gone.
        REQUIRE(until([&] { return status_of(ours).peers == 0; }));
    }
    CHECK(ours.peers().empty());
    CHECK(ours.counters().queued_total == 20);
    CHECK(ours.counters().unsent == 0);
}

TEST_CASE("a connection counts as useful once its handshake is over")
{
    context mine = new_context();
    auto ours = new_socket<push>(mine);
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_PULL);
    must(ours.connect(theirs.bind(any_tcp)));
    CHECK(until([&] { return status_of(ours).link.useful; }));
}

TEST_CASE("a link whose connections lasted does not slow down, however often they end")
{
    context mine = new_context();
    socket_options options;
    options.reconnect.base = 20ms;
    options.reconnect.floor = 0ms;
    options.reconnect.cap = 30s;
    options.reconnect.stable_after = 1ms;
    auto ours = new_socket<pull>(mine, options);
    libzmq_context libzmq;
    std::string where = any_tcp;
    for (int round = 0; round < 20; ++round) {
        libzmq_socket theirs(libzmq, ZMQ_PUSH);
        where = theirs.bind(where);
        if (round == 0)
            must(ours.connect(where));
        REQUIRE(theirs.send({"here"}));
        REQUIRE(receive_from(ours) == parts{"here"});
        // It has lasted as long as the delay before it.
        REQUIRE(
            until([&] { return status_of(ours).link.since + 50ms < system_clock_source().now(); }));
        CHECK(status_of(ours).link.retries <= 8);
    }
}
