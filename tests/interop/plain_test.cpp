// SPDX-License-Identifier: MPL-2.0

// PLAIN: each side as client and as server, with the right and with a wrong password.

#include "interop_rig.hpp"

#include <atomic>
#include <thread>

using namespace slk;
using namespace slk::testing;

namespace {

socket_options plain_server()
{
    socket_options options;
    options.security.mechanism = security_mechanism::plain_server;
    options.security.accepted = {{"somebody", "else"}, {"admin", "secret"}};
    return options;
}

socket_options plain_client(const std::string& password)
{
    socket_options options;
    options.security.mechanism = security_mechanism::plain_client;
    options.security.own = {"admin", password};
    return reconnect_at_once(options);
}

void be_client(libzmq_socket& theirs, std::string_view password)
{
    theirs.set(ZMQ_PLAIN_USERNAME, "admin");
    theirs.set(ZMQ_PLAIN_PASSWORD, password);
    theirs.set(ZMQ_RECONNECT_IVL, 5);
}

/// Who decides for libzmq's PLAIN servers (RFC 27): lets in admin with the password secret.
class authority {
public:
    explicit authority(libzmq_context& in) : answers_(in, ZMQ_REP)
    {
        answers_.bind("inproc://zeromq.zap.01");
        decides_ = std::jthread([this](const std::stop_token& stop) {
            while (!stop.stop_requested())
                if (const auto asked = answers_.receive(10ms); asked)
                    decide(*asked);
        });
    }

private:
    void decide(const parts& asked)
    {
        // Version, id, domain, address, identity, mechanism, and what the mechanism has.
        const bool right = asked.size() == 8 && asked[6] == "admin" && asked[7] == "secret";
        answers_.send(
            {asked.at(0), asked.at(1), right ? "200" : "400", "", right ? "admin" : "", ""});
    }

    libzmq_socket answers_;
    std::jthread decides_;
};

} // namespace

TEST_CASE("libzmq's PLAIN client comes in with the right password, and we know as whom")
{
    context mine = new_context();
    auto ours = new_socket<pull>(mine, plain_server());
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_PUSH);
    be_client(theirs, "secret");
    REQUIRE(theirs.connect(must(ours.bind(any_tcp))));
    REQUIRE(theirs.send({"hello"}));
    CHECK(receive_from(ours) == parts{"hello"});
    REQUIRE(ours.peers().size() == 1);
    CHECK(ours.peers().front().user == "admin");
}

TEST_CASE("libzmq's PLAIN client with a wrong password is told so, and we know why it was refused")
{
    context mine = new_context();
    auto ours = new_socket<pull>(mine, plain_server());
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_PUSH);
    be_client(theirs, "wrong");
    libzmq_monitor events(libzmq, theirs);
    REQUIRE(theirs.connect(must(ours.bind(any_tcp))));
    CHECK(events.sees(ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) == 400);
    CHECK(until([&] { return status_of(ours).handshake_failures > 0; }));
    CHECK(until(
        [&] { return status_of(ours).last_handshake_failure == errc::authentication_refused; }));
    CHECK(status_of(ours).last_handshake_failure.native == 400);
    CHECK(status_of(ours).peers == 0);
    CHECK(ours.counters().handshake_failures > 0);
}

TEST_CASE("our PLAIN client comes into libzmq's server with the right password")
{
    context mine = new_context();
    auto ours = new_socket<push>(mine, plain_client("secret"));
    libzmq_context libzmq;
    const authority decides(libzmq);
    libzmq_socket theirs(libzmq, ZMQ_PULL);
    theirs.set(ZMQ_PLAIN_SERVER, 1);
    libzmq_monitor events(libzmq, theirs);
    must(ours.connect(theirs.bind(any_tcp)));
    REQUIRE(send_to(ours, {"hello"}));
    CHECK(theirs.receive() == parts{"hello"});
    CHECK(events.sees(ZMQ_EVENT_HANDSHAKE_SUCCEEDED).has_value());
}

TEST_CASE("our PLAIN client with a wrong password is refused by libzmq's server, and says so")
{
    context mine = new_context();
    auto ours = new_socket<push>(mine, plain_client("wrong"));
    libzmq_context libzmq;
    const authority decides(libzmq);
    libzmq_socket theirs(libzmq, ZMQ_PULL);
    theirs.set(ZMQ_PLAIN_SERVER, 1);
    libzmq_monitor events(libzmq, theirs);
    must(ours.connect(theirs.bind(any_tcp)));
    CHECK(events.sees(ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) == 400);
    CHECK(until(
        [&] { return status_of(ours).last_handshake_failure == errc::authentication_refused; }));
    CHECK(status_of(ours).last_handshake_failure.native == 400);
    CHECK_FALSE(status_of(ours).ready);
    CHECK(status_of(ours).link.last_error == errc::authentication_refused);
}

TEST_CASE("sockets that do not have the same mechanism do not talk")
{
    context mine = new_context();
    auto ours = new_socket<pull>(mine, plain_server());
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_PUSH);
    theirs.set(ZMQ_RECONNECT_IVL, 5);
    libzmq_monitor events(libzmq, theirs);
    REQUIRE(theirs.connect(must(ours.bind(any_tcp))));
    CHECK(events.sees(ZMQ_EVENT_DISCONNECTED).has_value());
    CHECK(until([&] { return status_of(ours).handshake_failures > 0; }));
    // It closes when it has read our greeting, be that before or after the end of its own.
    const error why = status_of(ours).last_handshake_failure;
    CHECK((why == errc::protocol_error || why == errc::end_of_stream ||
           why == errc::connection_reset));
    CHECK(why.phase == phase::handshake);
}
