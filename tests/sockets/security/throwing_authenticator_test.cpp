// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/forked.hpp"
#include "support/sockets.hpp"

#include <stdexcept>

using namespace slk;
using namespace slk::testing;

TEST_CASE("an exception from an authenticator ends the process by name")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        const auto child = end_of_a_child([&] {
            auto in = new_context(threads);
            pull_options of_server;
            of_server.security.zap_domain = "here";
            of_server.security.authenticator =
                [](const authentication_request&) -> authentication_answer {
                throw std::runtime_error("the reason");
            };
            auto to = new_socket<pull>(in, of_server);
            auto from = new_socket<push>(in);
            bind_and_connect(to, from);
            (void)to.wait_ready(10s);
        });
        CAPTURE(child.errors);
        CHECK(child.aborted);
        CHECK(child.errors.find("serverlink: security_options::authenticator threw an exception: "
                                "the reason") != std::string::npos);
    }
}
