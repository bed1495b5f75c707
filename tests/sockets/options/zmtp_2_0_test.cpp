// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("a peer of ZMTP 2.0 is admitted with accept_zmtp_2_0, and otherwise not")
{
    for (const bool accepts : {true, false}) {
        CAPTURE(accepts);
        auto in = new_context();
        pull_options options;
        options.accept_zmtp_2_0 = accepts;
        auto to = new_socket<pull>(in, options);
        const auto where = must(to.bind(any_tcp));
        // Signature, revision 1, the type PUSH, no identity, and a message (RFC 15).
        using namespace std::string_view_literals;
        constexpr std::string_view old_peer = "\xff\0\0\0\0\0\0\0\x01\x7f\x01\x08\0\0\0\x03"
                                              "old"sv;
        auto loop = must(slk::loop::create());
        stream old;
        bool connected = false;
        link_handlers on;
        on.connected = [&](stream connection) {
            old = std::move(connection);
            connected = true;
            (void)old.send(std::as_bytes(std::span(old_peer.data(), old_peer.size())),
                           [](const result<std::size_t>&) {});
        };
        auto there = must(slk::link::create(loop, {.to = must(endpoint::parse(where))}, on));
        there.start();
        REQUIRE(must(loop.run_until([&] { return connected; }, test_timeout)));
        REQUIRE(loop.run_for(1ms));
        if (accepts) {
            CHECK(receive_text(to) == "old");
        } else {
            CHECK(until([&] { return to.endpoints()[0].handshake_failures > 0; }));
            CHECK(to.endpoints()[0].last_handshake_failure == errc::protocol_error);
        }
    }
}
