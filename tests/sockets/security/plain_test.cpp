// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("PLAIN admits a client with the right password, and both sides see a refusal")
{
    for (const bool right : {true, false}) {
        CAPTURE(right);
        auto in = new_context();
        pull_options of_server;
        of_server.security.mechanism = security_mechanism::plain_server;
        of_server.security.accepted = {{"ann", "secret"}, {"bob", "other"}};
        auto to = new_socket<pull>(in, of_server);
        push_options of_client = reconnect_at_once();
        of_client.security.mechanism = security_mechanism::plain_client;
        of_client.security.own = {"bob", right ? "other" : "secret"};
        auto from = new_socket<push>(in, of_client);
        bind_and_connect(to, from);
        if (right) {
            must(from.send("admitted", test_timeout));
            CHECK(receive_text(to) == "admitted");
            CHECK(to.peers().at(0).user == "bob");
        } else {
            CHECK(until([&] { return from.endpoints()[0].handshake_failures > 0; }));
            CHECK(from.endpoints()[0].last_handshake_failure == errc::authentication_refused);
            CHECK(until([&] { return to.endpoints()[0].handshake_failures > 0; }));
            CHECK(to.endpoints()[0].last_handshake_failure == errc::authentication_refused);
            CHECK(code_of(from.wait_ready(short_timeout)) == errc::timed_out);
        }
    }
}

TEST_CASE("a peer with another mechanism fails the handshake")
{
    auto in = new_context();
    pull_options of_server;
    of_server.security.mechanism = security_mechanism::plain_server;
    auto to = new_socket<pull>(in, of_server);
    auto from = new_socket<push>(in, reconnect_at_once());
    bind_and_connect(to, from);
    CHECK(until([&] { return from.endpoints()[0].handshake_failures > 0; }));
    CHECK(from.endpoints()[0].last_handshake_failure == errc::protocol_error);
}
