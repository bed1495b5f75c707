// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("bind returns the numeric endpoint")
{
    auto in = new_context();
    auto at = new_socket<pull>(in);
    const auto where = must(at.bind(any_tcp));
    CHECK(where.starts_with("tcp://127.0.0.1:"));
    CHECK_FALSE(where.ends_with(":0"));
    CHECK(at.last_endpoint() == where);
    CHECK(must(at.bind("tcp://*:0")).starts_with("tcp://0.0.0.0:"));
    CHECK(must(at.bind("tcp://[::1]:*")).starts_with("tcp://[::1]:"));
    CHECK(must(at.bind("inproc://a name")) == "inproc://a name");
    CHECK(at.endpoints().size() == 4);
}

TEST_CASE("bind and connect return an error for an endpoint that cannot be used")
{
    auto in = new_context();
    auto at = new_socket<pull>(in);
    for (const char* const bad : {"", "tcp", "tcp://", "tcp://127.0.0.1", "tcp://127.0.0.1:65536",
                                  "tcp://127.0.0.1:x", "://x", "inproc://"}) {
        CAPTURE(bad);
        CHECK(code_of(at.bind(bad)) == errc::invalid_argument);
        CHECK(code_of(at.connect(bad)) == errc::invalid_argument);
    }
    CHECK(code_of(at.bind("pgm://x:1")) == errc::not_supported);
    CHECK(code_of(at.connect("tcp://127.0.0.1:*")) == errc::invalid_argument);
    CHECK(code_of(at.connect("tcp://*:1")) == errc::invalid_argument);
    CHECK(code_of(at.bind("tcp://192.0.2.1:*")) == errc::address_not_available);
    const auto taken = must(at.bind(any_tcp));
    CHECK(code_of(at.bind(taken)) == errc::address_in_use);
    must(at.bind("inproc://taken"));
    CHECK(code_of(at.bind("inproc://taken")) == errc::address_in_use);
    CHECK(at.endpoints().size() == 2);
    CHECK(at.last_endpoint() == "inproc://taken");
}

TEST_CASE("incompatible socket types fail the handshake, and the endpoint status has the reason")
{
    auto in = new_context();
    auto at = new_socket<push>(in);
    auto wrong = new_socket<push>(in, reconnect_at_once());
    bind_and_connect(at, wrong);
    CHECK(until([&] { return wrong.endpoints()[0].handshake_failures > 0; }));
    CHECK(wrong.endpoints()[0].last_handshake_failure == errc::protocol_error);
    CHECK(until([&] { return at.endpoints()[0].handshake_failures > 0; }));
    CHECK(at.endpoints()[0].last_handshake_failure == errc::protocol_error);
    CHECK_FALSE(wrong.endpoints()[0].ready);
}

TEST_CASE("the status of a bound endpoint has the state and the counters of its listener")
{
    auto in = new_context();
    auto at = new_socket<pull>(in);
    const auto where = must(at.bind(any_tcp));
    CHECK(status_of(at).listener.state == listener_state::listening);
    CHECK(status_of(at).listener.accepted == 0);
    auto from = new_socket<push>(in);
    must(from.connect(where));
    must(from.wait_ready(test_timeout));
    CHECK(status_of(at).listener.accepted == 1);
    CHECK(to_string(status_of(at).listener.local) == where.substr(where.find("127")));
    CHECK(status_of(from).listener.state == listener_state::idle);
}

TEST_CASE("the error of bind() names the endpoint")
{
    auto in = new_context();
    auto first = new_socket<pull>(in), second = new_socket<pull>(in);
    const auto where = must(first.bind(any_tcp));
    const auto refused = second.bind(where);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == errc::address_in_use);
    REQUIRE(refused.error().detail != nullptr);
    CHECK(refused.error().detail == where);
    const auto elsewhere = second.bind("tcp://192.0.2.1:5555");
    REQUIRE_FALSE(elsewhere);
    REQUIRE(elsewhere.error().detail != nullptr);
    CHECK(std::string_view(elsewhere.error().detail) == "tcp://192.0.2.1:5555");
}
