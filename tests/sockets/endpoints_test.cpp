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
