// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("a peer that restarts is found again, and what was queued meanwhile arrives")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        auto from = new_socket<push>(in, reconnect_at_once());
        std::string where = "tcp://127.0.0.1:*";
        for (int life = 0; life < 20; ++life) {
            auto to = new_socket<pull>(in);
            where = must(to.bind(where));
            if (life == 0)
                must(from.connect(where));
            // What the last connection took with it is gone, so the first word may be one of
            // this life or of the time between.
            REQUIRE(until([&] { return from.endpoints()[0].ready; }));
            must(from.send(std::to_string(life), test_timeout));
            std::string got = receive_text(to);
            while (got != std::to_string(life))
                got = receive_text(to);
        }
        CHECK(from.endpoints()[0].link.generation >= 20);
    }
}
