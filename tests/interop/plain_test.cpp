// SPDX-License-Identifier: MPL-2.0

// PLAIN with each side as client and as server, with the right and with a wrong password.

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
    options.security.accepted = {{"other", "password"}, {"admin", "secret"}};
    return options;
}

socket_options plain_client(const std::string& password)
{
    socket_options options;
    options.security.mechanism = security_mechanism::plain_client;
    options.security.own = {"admin", password};
    return reconnect_at_once(options);
}

void set_plain_client(libzmq_socket& theirs, std::string_view password)
{
    theirs.set(ZMQ_PLAIN_USERNAME, "admin");
    theirs.set(ZMQ_PLAIN_PASSWORD, password);
    theirs.set(ZMQ_RECONNECT_IVL, 5);
}

/// The ZAP handler of libzmq's PLAIN servers (RFC 27): accepts the user admin with the password
/// secret.
class zap_handler {
public:
    explicit zap_handler(libzmq_context& in) : requests_(in, ZMQ_REP)
    {
        requests_.bind("inproc://zeromq.zap.01");
        thread_ = std::jthread([this](const std::stop_token& stop) {
            while (!stop.stop_requested())
                if (const auto request = requests_.receive(10ms); request)
                    reply_to(*request);
        });
    }

private:
    void reply_to(const parts& request)
    {
        // Version, id, domain, address, identity, mechanism, and its user and password.
        const bool right = request.size() == 8 && request[6] == "admin" && request[7] == "secret";
        requests_.send(
            {request.at(0), request.at(1), right ? "200" : "400", "", right ? "admin" : "", ""});
    }

    libzmq_socket requests_;
    std::jthread thread_;
};

/// Our PLAIN client, connected to a PLAIN server of libzmq.
struct client_of_libzmq {
    explicit client_of_libzmq(const std::string& password)
        : ours(new_socket<push>(mine, plain_client(password)))
    {
        theirs.set(ZMQ_PLAIN_SERVER, 1);
        must(ours.connect(theirs.bind(any_tcp)));
    }

    context mine = new_context();
    push ours;
    libzmq_context libzmq;
    zap_handler handler{libzmq};
    libzmq_socket theirs{libzmq, ZMQ_PULL};
    libzmq_monitor events{libzmq, theirs};
};

} // namespace

TEST_CASE("a libzmq PLAIN client with the right password is admitted, and we see its user")
{
    context mine = new_context();
    auto ours = new_socket<pull>(mine, plain_server());
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_PUSH);
    set_plain_client(theirs, "secret");
    REQUIRE(theirs.connect(must(ours.bind(any_tcp))));
    REQUIRE(theirs.send({"hello"}));
    CHECK(receive_from(ours) == parts{"hello"});
    REQUIRE(ours.peers().size() == 1);
    CHECK(ours.peers().front().user == "admin");
}

TEST_CASE("a libzmq PLAIN client with a wrong password is refused, and both sides see it")
{
    context mine = new_context();
    auto ours = new_socket<pull>(mine, plain_server());
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_PUSH);
    set_plain_client(theirs, "wrong");
    libzmq_monitor events(libzmq, theirs);
    REQUIRE(theirs.connect(must(ours.bind(any_tcp))));
    CHECK(events.wait_for(ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) == 400);
    CHECK(until([&] { return status_of(ours).handshake_failures > 0; }));
    CHECK(until(
        [&] { return status_of(ours).last_handshake_failure == errc::authentication_refused; }));
    CHECK(status_of(ours).last_handshake_failure.native == 400);
    CHECK(status_of(ours).peers == 0);
    CHECK(ours.counters().handshake_failures > 0);
}

TEST_CASE("a libzmq server admits our PLAIN client with the right password")
{
    client_of_libzmq rig("secret");
    REQUIRE(send_to(rig.ours, {"hello"}));
    CHECK(rig.theirs.receive() == parts{"hello"});
    CHECK(rig.events.wait_for(ZMQ_EVENT_HANDSHAKE_SUCCEEDED).has_value());
}

TEST_CASE("a libzmq server refuses our PLAIN client with a wrong password, and its status says so")
{
    client_of_libzmq rig("wrong");
    CHECK(rig.events.wait_for(ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) == 400);
    const auto failure = [&] { return status_of(rig.ours).last_handshake_failure; };
    CHECK(until([&] { return failure() == errc::authentication_refused; }));
    CHECK(failure().native == 400);
    CHECK_FALSE(status_of(rig.ours).ready);
    CHECK(status_of(rig.ours).link.last_error == errc::authentication_refused);
}

TEST_CASE("sockets of different mechanisms fail the handshake")
{
    context mine = new_context();
    auto ours = new_socket<pull>(mine, plain_server());
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_PUSH);
    theirs.set(ZMQ_RECONNECT_IVL, 5);
    libzmq_monitor events(libzmq, theirs);
    REQUIRE(theirs.connect(must(ours.bind(any_tcp))));
    CHECK(events.wait_for(ZMQ_EVENT_DISCONNECTED).has_value());
    CHECK(until([&] { return status_of(ours).handshake_failures > 0; }));
    // libzmq closes when it has read our greeting, before or after it has sent all of its own.
    const error why = status_of(ours).last_handshake_failure;
    CHECK((why == errc::protocol_error || why == errc::end_of_stream ||
           why == errc::connection_reset));
    CHECK(why.phase == phase::handshake);
}
