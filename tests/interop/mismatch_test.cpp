// SPDX-License-Identifier: MPL-2.0

// Sockets of incompatible types.

#include "interop_rig.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

void check_wrong_type(const endpoint_status& status)
{
    CHECK(status.last_handshake_failure == errc::protocol_error);
    CHECK(status.last_handshake_failure.phase == phase::handshake);
    REQUIRE(status.last_handshake_failure.detail != nullptr);
    CHECK(std::string(status.last_handshake_failure.detail).find("socket type") !=
          std::string::npos);
    CHECK_FALSE(status.ready);
    CHECK(status.peers == 0);
    CHECK(status.handshake_failures > 0);
}

} // namespace

TEST_CASE("the status of a PUSH that connects to a libzmq PUSH reports the incompatible type")
{
    context mine = new_context();
    auto ours = new_socket<push>(mine, reconnect_at_once());
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_PUSH);
    const std::string where = theirs.bind(any_tcp);
    must(ours.connect(where));
    CHECK(until([&] { return status_of(ours).handshake_failures > 0; }));
    check_wrong_type(status_of(ours));
    CHECK(ours.counters().handshake_failures > 0);
    // A PULL binds the endpoint instead, and the link recovers.
    theirs.close();
    libzmq_socket right(libzmq, ZMQ_PULL);
    REQUIRE(right.bind(where) == where);
    REQUIRE(send_to(ours, {"hello"}));
    CHECK(right.receive() == parts{"hello"});
}

TEST_CASE("our PUSH closes the connection of a libzmq PUSH, and serves a PULL")
{
    context mine = new_context();
    auto ours = new_socket<push>(mine);
    const std::string where = must(ours.bind(any_tcp));
    libzmq_context libzmq;
    libzmq_socket wrong(libzmq, ZMQ_PUSH);
    libzmq_monitor events(libzmq, wrong);
    REQUIRE(wrong.connect(where));
    CHECK(events.wait_for(ZMQ_EVENT_DISCONNECTED).has_value());
    CHECK(until([&] { return status_of(ours).last_handshake_failure == errc::protocol_error; }));
    check_wrong_type(status_of(ours));
    libzmq_socket right(libzmq, ZMQ_PULL);
    REQUIRE(right.connect(where));
    REQUIRE(send_to(ours, {"hello"}));
    CHECK(right.receive() == parts{"hello"});
}

TEST_CASE("libzmq sockets of every incompatible type fail the handshake")
{
    context mine = new_context();
    libzmq_context libzmq;
    const auto refuses = [&](auto& ours, std::initializer_list<int> types) {
        for (const int type : types) {
            CAPTURE(type);
            const std::uint64_t before = ours.counters().handshake_failures;
            libzmq_socket theirs(libzmq, type);
            // libzmq does not reconnect to such a peer.
            REQUIRE(theirs.connect(ours.last_endpoint()));
            CHECK(until([&] { return ours.counters().handshake_failures > before; }));
            check_wrong_type(status_of(ours));
        }
    };
    auto pulls = new_socket<pull>(mine);
    must(pulls.bind(any_tcp));
    refuses(pulls, {ZMQ_PULL, ZMQ_PAIR, ZMQ_DEALER, ZMQ_ROUTER, ZMQ_REQ, ZMQ_REP, ZMQ_PUB, ZMQ_SUB,
                    ZMQ_XPUB, ZMQ_XSUB});
    auto deals = new_socket<dealer>(mine);
    must(deals.bind(any_tcp));
    refuses(deals, {ZMQ_PULL, ZMQ_PUSH, ZMQ_PAIR, ZMQ_REQ, ZMQ_PUB, ZMQ_SUB});
    auto routes = new_socket<router>(mine);
    must(routes.bind(any_tcp));
    refuses(routes, {ZMQ_PULL, ZMQ_PUSH, ZMQ_PAIR, ZMQ_REP, ZMQ_PUB, ZMQ_SUB});
    auto pairs = new_socket<pair>(mine);
    must(pairs.bind(any_tcp));
    refuses(pairs, {ZMQ_PULL, ZMQ_PUSH, ZMQ_DEALER, ZMQ_REQ, ZMQ_REP, ZMQ_PUB, ZMQ_SUB});
}

TEST_CASE("a second libzmq PAIR is rejected, and admitted when the first has closed")
{
    context mine = new_context();
    auto ours = new_socket<pair>(mine);
    const std::string where = must(ours.bind(any_tcp));
    libzmq_context libzmq;
    libzmq_socket first(libzmq, ZMQ_PAIR);
    REQUIRE(first.connect(where));
    REQUIRE(first.send({"first"}));
    REQUIRE(receive_from(ours) == parts{"first"});
    libzmq_socket second(libzmq, ZMQ_PAIR);
    second.set(ZMQ_RECONNECT_IVL, 5);
    REQUIRE(second.connect(where));
    CHECK(until([&] {
        (void)ours.events(); // admits and rejects peers
        return ours.counters().rejected > 0;
    }));
    REQUIRE(send_to(ours, {"for the first"}));
    CHECK(first.receive() == parts{"for the first"});
    first.close();
    CHECK(until([&] {
        return second.try_send({"second"}) == 0 && receive_from(ours, 20ms) == parts{"second"};
    }));
}
