// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("an idle connection is kept with a peer_timeout, and without one")
{
    for (const duration peer_timeout : {duration(30ms), duration::zero()}) {
        auto in = new_context();
        pull_options options;
        options.peer_timeout = peer_timeout;
        auto to = new_socket<pull>(in, options);
        auto from = new_socket<push>(in, reconnect_at_once());
        bind_and_connect(to, from);
        must(from.wait_ready(test_timeout));
        message got;
        CHECK(code_of(to.receive(got, 200ms)) == errc::timed_out);
        CHECK(from.peers().at(0).connections == 1);
        must(from.send("still there", test_timeout));
        CHECK(receive_text(to) == "still there");
    }
}
