// SPDX-License-Identifier: MPL-2.0

// The options that a socket passes on to its links and listeners.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("the links of a socket have its reconnect options")
{
    auto in = new_context();
    push_options options;
    options.reconnect.base = reconnect_never;
    auto from = new_socket<push>(in, options);
    must(from.connect("tcp://127.0.0.1:1"));
    CHECK(until([&] { return from.endpoints()[0].link.last_error == errc::connection_refused; }));
    CHECK(from.endpoints()[0].link.state == link_state::idle);
}

TEST_CASE("the connections of a socket have its tuning options")
{
    auto in = new_context();
    push_options options = reconnect_at_once();
    options.tuning.device = "no such device";
    auto from = new_socket<push>(in, options);
    must(from.connect("tcp://127.0.0.1:1"));
    CHECK(until([&] { return from.endpoints()[0].link.last_error != error{}; }));
    CHECK(from.endpoints()[0].link.last_error != errc::connection_refused);
}

TEST_CASE("the listeners of a socket have its tuning options")
{
    auto in = new_context();
    pull_options options;
    options.tuning.device = "no such device";
    auto to = new_socket<pull>(in, options);
    CHECK(code_of(to.bind(any_tcp)) != errc::ok);
}

TEST_CASE("an IPv6 wildcard accepts IPv4 connections with dual_stack, and otherwise not")
{
    for (const bool both : {false, true}) {
        CAPTURE(both);
        auto in = new_context();
        pull_options options;
        options.dual_stack = both;
        auto to = new_socket<pull>(in, options);
        const auto where = must(to.bind("tcp://[::]:*"));
        auto from = new_socket<push>(in, reconnect_at_once());
        must(from.connect("tcp://127.0.0.1" + where.substr(where.rfind(':'))));
        if (both)
            must(from.wait_ready(test_timeout));
        else
            CHECK(until(
                [&] { return from.endpoints()[0].link.last_error == errc::connection_refused; }));
    }
}
