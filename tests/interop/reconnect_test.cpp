// SPDX-License-Identifier: MPL-2.0

// Peers that disconnect and reconnect a thousand times, with messages after each time.

#include "interop_rig.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

constexpr int rounds = 1000;

/// libzmq sends first: a message that we send before we notice a lost connection would be lost.
bool exchange(auto& ours, libzmq_socket& theirs, int round)
{
    const std::string number = std::to_string(round);
    return theirs.send({number, "there"}) && receive_from(ours) == parts{number, "there"} &&
           send_to(ours, {number, "back"}) && theirs.receive() == parts{number, "back"};
}

void set_fast_reconnect(libzmq_socket& theirs)
{
    theirs.set(ZMQ_RECONNECT_IVL, 1);
}

} // namespace

TEST_CASE("our link reconnects to a libzmq socket that is closed and bound again")
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

TEST_CASE("messages of libzmq sockets that connect, send and close arrive")
{
    context mine = new_context();
    auto ours = new_socket<pull>(mine);
    const std::string where = must(ours.bind(any_tcp));
    libzmq_context libzmq;
    for (int round = 0; round < rounds; ++round) {
        libzmq_socket theirs(libzmq, ZMQ_PUSH);
        // Unsent messages outlive the socket.
        theirs.set(ZMQ_LINGER, -1);
        REQUIRE(theirs.connect(where));
        REQUIRE(theirs.send({std::to_string(round)}));
        theirs.close();
        REQUIRE(receive_from(ours) == parts{std::to_string(round)});
    }
    CHECK(until([&] {
        receive_from(ours, no_wait); // a peer is removed after its last message was received
        return ours.peers().empty();
    }));
}

TEST_CASE("a libzmq socket disconnects and connects again")
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
        theirs.receive(0ms); // libzmq disconnects only inside its calls
        receive_routed(ours, no_wait);
        return ours.peers().empty();
    }));
}

TEST_CASE("our socket disconnects and connects again")
{
    context mine = new_context();
    auto ours = new_socket<dealer>(mine);
    libzmq_context libzmq;
    libzmq_socket server(libzmq, ZMQ_DEALER);
    const std::string where = server.bind(any_tcp);
    for (int round = 0; round < rounds; ++round) {
        must(ours.connect(where));
        const parts whole = {std::to_string(round)};
        REQUIRE(send_to(ours, whole));
        REQUIRE(server.receive() == whole);
        const auto report = ours.disconnect(where, test_timeout);
        REQUIRE(report.has_value());
        REQUIRE(report->unsent() == 0);
    }
    CHECK(ours.endpoints().empty());
}

TEST_CASE("messages that are queued when our socket disconnects still arrive")
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

TEST_CASE("libzmq reconnects to our socket that unbinds and binds again")
{
    context mine = new_context();
    auto ours = new_socket<dealer>(mine);
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_DEALER);
    set_fast_reconnect(theirs);
    // Otherwise libzmq might send a message on a connection that was just lost.
    theirs.set(ZMQ_IMMEDIATE, 1);
    const std::string where = must(ours.bind(any_tcp));
    REQUIRE(theirs.connect(where));
    for (int round = 0; round < rounds; ++round) {
        const parts whole = {std::to_string(round)};
        REQUIRE(ours.wait_ready(test_timeout).has_value());
        REQUIRE(send_to(ours, whole));
        REQUIRE(theirs.receive() == whole);
        REQUIRE(ours.unbind(where).has_value());
        REQUIRE(must(ours.bind(where)) == where);
    }
}

TEST_CASE("messages that were sent before the peer was ready are delivered by close()")
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

TEST_CASE("a PUSH forgets libzmq peers that have closed")
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
        // Otherwise the next message might be queued for the peer that has just closed.
        REQUIRE(until([&] { return status_of(ours).peers == 0; }));
    }
    CHECK(ours.peers().empty());
    CHECK(ours.counters().queued_total == 20);
    CHECK(ours.counters().unsent == 0);
}

TEST_CASE("a connection is useful once its handshake is over")
{
    context mine = new_context();
    auto ours = new_socket<push>(mine);
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_PULL);
    must(ours.connect(theirs.bind(any_tcp)));
    CHECK(until([&] { return status_of(ours).link.useful; }));
}

TEST_CASE("the delay of a link does not grow while its connections are stable")
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
        // The connection has lasted longer than the delay before it.
        REQUIRE(
            until([&] { return status_of(ours).link.since + 50ms < system_clock_source().now(); }));
        CHECK(status_of(ours).link.retries <= 8);
    }
}
