// SPDX-License-Identifier: MPL-2.0

// CURVE with libzmq as client and as server, of each type that does something of its own.

#include "interop_rig.hpp"
#include "support/curve_options.hpp"
#include "support/skip.hpp"

#include <thread>

using namespace slk;
using namespace slk::testing;

namespace {

bool theirs_has_curve()
{
    return has_curve() && zmq_has("curve") == 1;
}

void make_client(libzmq_socket& theirs, const curve_keys& keys)
{
    REQUIRE(theirs.set(ZMQ_CURVE_SERVERKEY, keys.server.public_key.text()));
    REQUIRE(theirs.set(ZMQ_CURVE_PUBLICKEY, keys.client.public_key.text()));
    REQUIRE(theirs.set(ZMQ_CURVE_SECRETKEY, keys.client.secret_key.text()));
    theirs.set(ZMQ_RECONNECT_IVL, 5);
}

void make_server(libzmq_socket& theirs, const curve_keys& keys)
{
    REQUIRE(theirs.set(ZMQ_CURVE_SERVER, 1));
    REQUIRE(theirs.set(ZMQ_CURVE_SECRETKEY, keys.server.secret_key.text()));
}

/// Around the limits of frames, of buffers, and of bodies that are handled apart.
parts parts_of_all_sizes()
{
    parts all;
    for (const std::size_t size :
         {0UL, 1UL, 31UL, 222UL, 223UL, 8191UL, 8192UL, 32767UL, 32768UL, 65536UL, 300'000UL})
        all.push_back(std::string(size, static_cast<char>('a' + size % 26)));
    return all;
}

} // namespace

TEST_CASE("libzmq's CURVE clients and servers exchange messages with ours, in both directions")
{
    if (!theirs_has_curve())
        SLK_SKIP("CURVE is missing here or in libzmq");
    const curve_keys keys;
    for (const bool ours_is_server : {true, false}) {
        for (const bool ours_binds : {true, false}) {
            CAPTURE(ours_is_server);
            CAPTURE(ours_binds);
            context mine = new_context();
            auto ours = new_socket<dealer>(mine, ours_is_server ? keys.of_server<dealer_options>()
                                                                : keys.of_client<dealer_options>());
            libzmq_context libzmq;
            libzmq_socket theirs(libzmq, ZMQ_DEALER);
            if (ours_is_server)
                make_client(theirs, keys);
            else
                make_server(theirs, keys);
            if (ours_binds)
                REQUIRE(theirs.connect(must(ours.bind(any_tcp))));
            else
                must(ours.connect(theirs.bind(any_tcp)));
            for (int round = 0; round < 3; ++round) {
                REQUIRE(theirs.send(parts_of_all_sizes()));
                CHECK(receive_from(ours) == parts_of_all_sizes());
                REQUIRE(send_to(ours, parts_of_all_sizes()));
                CHECK(theirs.receive() == parts_of_all_sizes());
            }
            for (int number = 0; number < 1000; ++number) {
                REQUIRE(theirs.send({std::to_string(number)}));
                REQUIRE(send_to(ours, {std::to_string(number), "more"}));
            }
            for (int number = 0; number < 1000; ++number) {
                REQUIRE(receive_from(ours) == parts{std::to_string(number)});
                REQUIRE(theirs.receive() == parts{std::to_string(number), "more"});
            }
        }
    }
}

TEST_CASE("CURVE subscriptions reach libzmq's publisher, and its subscriber's reach ours")
{
    if (!theirs_has_curve())
        SLK_SKIP("CURVE is missing here or in libzmq");
    const curve_keys keys;
    context mine = new_context();
    libzmq_context libzmq;
    SUBCASE("we subscribe")
    {
        libzmq_socket theirs(libzmq, ZMQ_XPUB);
        make_server(theirs, keys);
        auto ours = new_socket<sub>(mine, keys.of_client<sub_options>());
        must(ours.subscribe("abc"));
        must(ours.connect(theirs.bind(any_tcp)));
        CHECK(theirs.receive() == parts{"\1abc"});
        REQUIRE(theirs.send({"other"}));
        REQUIRE(theirs.send({"abcd", "body"}));
        CHECK(receive_from(ours) == parts{"abcd", "body"});
        must(ours.unsubscribe("abc"));
        CHECK(theirs.receive() == parts{std::string("\0abc", 4)});
    }
    SUBCASE("they subscribe")
    {
        auto ours = new_socket<xpub>(mine, keys.of_server<xpub_options>());
        libzmq_socket theirs(libzmq, ZMQ_SUB);
        make_client(theirs, keys);
        REQUIRE(theirs.set(ZMQ_SUBSCRIBE, "abc"));
        REQUIRE(theirs.connect(must(ours.bind(any_tcp))));
        CHECK(receive_from(ours) == parts{"\1abc"});
        REQUIRE(send_to(ours, {"other"}));
        REQUIRE(send_to(ours, {"abcd", "body"}));
        CHECK(theirs.receive() == parts{"abcd", "body"});
        REQUIRE(theirs.set(ZMQ_UNSUBSCRIBE, "abc"));
        CHECK(receive_from(ours) == parts{std::string("\0abc", 4)});
    }
}

TEST_CASE("libzmq's REQ asks our ROUTER through CURVE, and PINGs are answered")
{
    if (!theirs_has_curve())
        SLK_SKIP("CURVE is missing here or in libzmq");
    const curve_keys keys;
    context mine = new_context();
    router_options options = keys.of_server<router_options>();
    options.peer_timeout = 600ms;
    auto ours = new_socket<router>(mine, options);
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_REQ);
    make_client(theirs, keys);
    theirs.set(ZMQ_HEARTBEAT_IVL, 100);
    theirs.set(ZMQ_HEARTBEAT_TIMEOUT, 500);
    theirs.set(ZMQ_HEARTBEAT_TTL, 1000);
    libzmq_monitor events(libzmq, theirs);
    REQUIRE(theirs.connect(must(ours.bind(any_tcp))));
    REQUIRE(theirs.send({"question"}));
    const routed_parts got = receive_routed(ours);
    CHECK(got.whole == parts{"", "question"});
    // Several times the time after which either side would give the other one up.
    CHECK_FALSE(events.wait_for(ZMQ_EVENT_DISCONNECTED, 2000ms).has_value());
    multipart answer;
    must(answer.add(""));
    must(answer.add("answer"));
    must(ours.send(got.from, std::move(answer), test_timeout));
    CHECK(theirs.receive() == parts{"answer"});
}

TEST_CASE("a libzmq client whose CURVE key is not known is refused, and both sides see it")
{
    if (!theirs_has_curve())
        SLK_SKIP("CURVE is missing here or in libzmq");
    const curve_keys keys;
    context mine = new_context();
    pull_options options = keys.of_server<pull_options>();
    options.security.curve.accepted = {keys.server.public_key};
    auto ours = new_socket<pull>(mine, options);
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_PUSH);
    make_client(theirs, keys);
    libzmq_monitor events(libzmq, theirs);
    REQUIRE(theirs.connect(must(ours.bind(any_tcp))));
    CHECK(events.wait_for(ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) == 400);
    CHECK(until(
        [&] { return status_of(ours).last_handshake_failure == errc::authentication_refused; }));
    CHECK(status_of(ours).last_handshake_failure.native == 400);
}

TEST_CASE("with a wrong server key neither libzmq nor we get through, and the server says so")
{
    if (!theirs_has_curve())
        SLK_SKIP("CURVE is missing here or in libzmq");
    const curve_keys keys, others;
    context mine = new_context();
    libzmq_context libzmq;
    SUBCASE("our server")
    {
        auto ours = new_socket<pull>(mine, others.of_server<pull_options>());
        libzmq_socket theirs(libzmq, ZMQ_PUSH);
        make_client(theirs, keys);
        REQUIRE(theirs.connect(must(ours.bind(any_tcp))));
        CHECK(until([&] {
            return status_of(ours).last_handshake_failure == errc::authentication_refused;
        }));
    }
    SUBCASE("their server")
    {
        libzmq_socket theirs(libzmq, ZMQ_PULL);
        make_server(theirs, others);
        libzmq_monitor events(libzmq, theirs);
        auto ours = new_socket<push>(mine, keys.of_client<push_options>(reconnect_at_once()));
        must(ours.connect(theirs.bind(any_tcp)));
        CHECK(events.wait_for(ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL).has_value());
        CHECK(until([&] { return status_of(ours).handshake_failures > 0; }));
    }
}
