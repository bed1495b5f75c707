// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

#include <atomic>
#include <vector>

using namespace slk;
using namespace slk::testing;

TEST_CASE("an affinity without any loop of the context is refused")
{
    auto in = new_context(3);
    socket_options options;
    options.affinity = 8;
    CHECK(code_of(pull::create(in, options)) == errc::invalid_argument);
}

TEST_CASE("connections run on the loops that affinity allows")
{
    std::atomic<int> busy_loops{0};
    std::atomic<bool> done{false};
    std::atomic<bool> timed_out{false};
    auto in = new_context(3);

    // An authenticator runs on the loop of its connection: two of the three loops wait in one.
    pull_options blocking;
    blocking.security.zap_domain = "busy";
    blocking.security.authenticator = [&](const authentication_request&) {
        ++busy_loops;
        if (!until([&] { return done.load(); }))
            timed_out = true;
        return authentication_answer::refused;
    };
    std::vector<pull> servers;
    std::vector<push> clients;
    for (const std::uint64_t loop : {1U, 4U}) {
        blocking.affinity = loop;
        push_options options;
        options.affinity = loop;
        servers.push_back(new_socket<pull>(in, blocking));
        clients.push_back(new_socket<push>(in, options));
        bind_and_connect(servers.back(), clients.back());
    }
    CHECK(until([&] { return busy_loops == 2; }));

    socket_options options;
    options.affinity = 2;
    for (int round = 0; round < 6; ++round) {
        auto to = new_socket<pull>(in, options);
        auto from = new_socket<push>(in, options);
        bind_and_connect(to, from);
        CHECK(from.send("x", test_timeout).has_value());
        CHECK(receive_text(to) == "x");
    }
    done = true;
    CHECK_FALSE(timed_out);
}
