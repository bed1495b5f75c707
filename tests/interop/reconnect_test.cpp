// SPDX-License-Identifier: MPL-2.0

// Peers that go and come back a thousand times. After each time a message goes both ways.

#include "rig.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

constexpr int rounds = 1000;

/// They begin: what we would send before we notice that they have gone is lost with them.
bool exchange(auto& ours, foreign& theirs, int round)
{
    const std::string said = std::to_string(round);
    return theirs.send({said, "there"}) && receive_from(ours) == parts{said, "there"} &&
           send_to(ours, {said, "back"}) && theirs.receive() == parts{said, "back"};
}

/// libzmq's way of reconnecting at once.
void hurry(foreign& theirs)
{
    theirs.set(ZMQ_RECONNECT_IVL, 1);
}

} // namespace

TEST_CASE("libzmq's listening socket is closed and opened anew a thousand times")
{
    context mine = make_context();
    auto ours = make<dealer>(mine, quick<dealer_options>());
    foreign_context others;
    std::string where = "tcp://127.0.0.1:*";
    for (int round = 0; round < rounds; ++round) {
        foreign theirs(others, ZMQ_DEALER);
        where = theirs.bind(where);
        if (round == 0)
            connect_to(ours, where);
        REQUIRE(exchange(ours, theirs, round));
    }
    CHECK(ours.counters().received == rounds);
}

TEST_CASE("libzmq's connecting socket is closed and opened anew a thousand times")
{
    context mine = make_context();
    auto ours = make<pull>(mine);
    const std::string where = bind_at(ours);
    foreign_context others;
    for (int round = 0; round < rounds; ++round) {
        foreign theirs(others, ZMQ_PUSH);
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
    context mine = make_context();
    auto ours = make<router>(mine);
    const std::string where = bind_at(ours);
    foreign_context others;
    foreign theirs(others, ZMQ_DEALER);
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
    context mine = make_context();
    auto ours = make<dealer>(mine);
    foreign_context others;
    foreign server(others, ZMQ_DEALER);
    const std::string where = server.bind("tcp://127.0.0.1:*");
    for (int round = 0; round < rounds; ++round) {
        connect_to(ours, where);
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
    context mine = make_context();
    auto ours = make<push>(mine);
    foreign_context others;
    foreign theirs(others, ZMQ_PULL);
    const std::string where = theirs.bind("tcp://127.0.0.1:*");
    for (int round = 0; round < rounds; ++round) {
        connect_to(ours, where);
        REQUIRE(send_to(ours, {std::to_string(round)}));
        REQUIRE(ours.disconnect(where, test_timeout).has_value());
        REQUIRE(theirs.receive() == parts{std::to_string(round)});
    }
}

TEST_CASE("our listening socket unbinds and binds a thousand times, and libzmq comes back")
{
    context mine = make_context();
    auto ours = make<dealer>(mine);
    foreign_context others;
    foreign theirs(others, ZMQ_DEALER);
    hurry(theirs);
    // Otherwise a message might be given to a connection that has just gone.
    theirs.set(ZMQ_IMMEDIATE, 1);
    const std::string where = bind_at(ours);
    REQUIRE(theirs.connect(where));
    for (int round = 0; round < rounds; ++round) {
        const parts said = {std::to_string(round)};
        REQUIRE(ours.wait_ready(test_timeout).has_value());
        REQUIRE(send_to(ours, said));
        REQUIRE(theirs.receive() == said);
        REQUIRE(ours.unbind(where).has_value());
        REQUIRE(bind_at(ours, where) == where);
    }
}

TEST_CASE("what is sent before the peer is there is delivered by the end of the socket")
{
    for (const int threads : {1, 0}) {
        CAPTURE(threads);
        context mine = make_context(threads);
        auto ours = make<push>(mine, quick());
        foreign_context others;
        foreign theirs(others, ZMQ_PULL);
        connect_to(ours, theirs.bind("tcp://127.0.0.1:*"));
        REQUIRE(send_to(ours, {"early"}, no_wait));
        CHECK(ours.close(test_timeout).unsent() == 0);
        CHECK(theirs.receive() == parts{"early"});
    }
}

TEST_CASE("peers of libzmq's that have gone leave nothing behind at a socket that never receives")
{
    context mine = make_context();
    auto ours = make<push>(mine);
    const std::string where = bind_at(ours);
    foreign_context others;
    for (int round = 0; round < 20; ++round) {
        foreign theirs(others, ZMQ_PULL);
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
    context mine = make_context();
    auto ours = make<push>(mine);
    foreign_context others;
    foreign theirs(others, ZMQ_PULL);
    connect_to(ours, theirs.bind("tcp://127.0.0.1:*"));
    CHECK(until([&] { return status_of(ours).link.useful; }));
}

TEST_CASE("a link whose connections lasted does not slow down, however often they end")
{
    context mine = make_context();
    socket_options options;
    options.reconnect.base = 20ms;
    options.reconnect.floor = 0ms;
    options.reconnect.cap = 30s;
    options.reconnect.stable_after = 1ms;
    auto ours = make<pull>(mine, options);
    foreign_context others;
    std::string where = "tcp://127.0.0.1:*";
    for (int round = 0; round < 20; ++round) {
        foreign theirs(others, ZMQ_PUSH);
        where = theirs.bind(where);
        if (round == 0)
            connect_to(ours, where);
        REQUIRE(theirs.send({"here"}));
        REQUIRE(receive_from(ours) == parts{"here"});
        // It has lasted as long as the delay before it.
        REQUIRE(
            until([&] { return status_of(ours).link.since + 50ms < system_clock_source().now(); }));
        CHECK(status_of(ours).link.retries <= 8);
    }
}
