// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("with immediate nothing is queued for a peer that is not ready")
{
    auto in = new_context();
    push_options options = reconnect_at_once();
    options.immediate = true;
    auto from = new_socket<push>(in, options);
    must(from.connect("tcp://127.0.0.1:1"));
    CHECK(code_of(from.send("x", no_wait)) == errc::would_block);
    auto to = new_socket<pull>(in);
    const auto where = must(to.bind(any_tcp));
    must(from.connect(where));
    must(from.send("ready", test_timeout));
    CHECK(receive_text(to) == "ready");
    must(to.unbind(where));
    CHECK(until([&] { return !from.endpoints()[1].ready; }));
    CHECK(code_of(from.send("x", no_wait)) == errc::would_block);
    must(to.bind(where));
    must(from.send("again", test_timeout));
    CHECK(receive_text(to) == "again");
}
