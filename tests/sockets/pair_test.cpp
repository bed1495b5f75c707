// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("a second peer of a PAIR is rejected, and admitted when the first has closed")
{
    auto in = new_context();
    auto at = new_socket<pair>(in);
    const auto where = must(at.bind(any_tcp));
    auto first = new_socket<pair>(in, reconnect_at_once());
    must(first.connect(where));
    must(first.send("first", test_timeout));
    CHECK(receive_text(at) == "first");
    auto second = new_socket<pair>(in, reconnect_at_once());
    must(second.connect(where));
    must(second.send("second", no_wait));
    CHECK(until([&] { return at.counters().rejected > 0; }));
    must(at.send("to the first", test_timeout));
    CHECK(receive_text(first) == "to the first");
    (void)first.close(0s);
    CHECK(receive_text(at) == "second");
}
