// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("a socket reconnects to a peer that restarts, and the queued messages arrive")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        auto from = new_socket<push>(in, reconnect_at_once());
        std::string where = "tcp://127.0.0.1:*";
        for (int round = 0; round < 20; ++round) {
            auto to = new_socket<pull>(in);
            where = must(to.bind(where));
            if (round == 0)
                must(from.connect(where));
            // Messages of the last connection may be lost, so that the first message may be one of
            // this round or one that was queued before it.
            REQUIRE(until([&] { return from.endpoints()[0].ready; }));
            must(from.send(std::to_string(round), test_timeout));
            std::string got = receive_text(to);
            while (got != std::to_string(round))
                got = receive_text(to);
        }
        CHECK(from.endpoints()[0].link.generation >= 20);
    }
}
