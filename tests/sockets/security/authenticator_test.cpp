// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

#include <atomic>

using namespace slk;
using namespace slk::testing;

TEST_CASE("an authenticator decides about clients of PLAIN")
{
    for (const auto decision : {authentication_answer::accepted, authentication_answer::refused,
                                authentication_answer::try_again}) {
        CAPTURE(static_cast<int>(decision));
        auto in = new_context();
        std::atomic<int> right{0};
        pull_options of_server;
        of_server.security.mechanism = security_mechanism::plain_server;
        of_server.security.zap_domain = "here";
        of_server.security.authenticator = [&](const authentication_request& request) {
            right +=
                request.domain == "here" && request.user == "ann" && request.password == "secret" &&
                request.mechanism == security_mechanism::plain_server && request.peer.port != 0;
            return decision;
        };
        auto to = new_socket<pull>(in, of_server);
        push_options of_client = reconnect_at_once();
        of_client.security.mechanism = security_mechanism::plain_client;
        of_client.security.own = {"ann", "secret"};
        auto from = new_socket<push>(in, of_client);
        bind_and_connect(to, from);
        if (decision == authentication_answer::accepted) {
            must(to.wait_ready(test_timeout));
            CHECK(to.peers().at(0).user == "ann");
        } else {
            CHECK(until([&] { return to.endpoints()[0].handshake_failures > 0; }));
            CHECK(to.endpoints()[0].last_handshake_failure.native == static_cast<int>(decision));
        }
        CHECK(right > 0);
    }
}

TEST_CASE("with the mechanism NULL an authenticator is called only if there is a zap_domain")
{
    for (const bool has_domain : {true, false}) {
        for (const bool accepts : {true, false}) {
            CAPTURE(has_domain);
            CAPTURE(accepts);
            auto in = new_context();
            std::atomic<int> calls{0};
            std::atomic<int> right{0};
            pull_options of_server;
            of_server.security.zap_domain = has_domain ? "here" : "";
            of_server.security.authenticator = [&](const authentication_request& request) {
                ++calls;
                right += request.domain == "here" &&
                         request.mechanism == security_mechanism::null && request.user.empty() &&
                         request.peer.port != 0;
                return accepts ? authentication_answer::accepted : authentication_answer::refused;
            };
            auto to = new_socket<pull>(in, of_server);
            auto from = new_socket<push>(in, reconnect_at_once());
            bind_and_connect(to, from);
            if (accepts || !has_domain) {
                must(from.send("admitted", test_timeout));
                CHECK(receive_text(to) == "admitted");
            } else {
                CHECK(until([&] { return from.endpoints()[0].handshake_failures > 0; }));
                CHECK(from.endpoints()[0].last_handshake_failure == errc::authentication_refused);
                CHECK(until([&] { return to.endpoints()[0].handshake_failures > 0; }));
                CHECK(to.endpoints()[0].last_handshake_failure == errc::authentication_refused);
                CHECK(from.endpoints()[0].last_handshake_failure.native == 400);
            }
            CHECK((calls > 0) == has_domain);
            CHECK(calls == right);
            from.close(0ms);
        }
    }
}
