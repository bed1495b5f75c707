// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("calls of a closed or moved-from socket return invalid_state")
{
    auto in = new_context();
    auto first = new_socket<pair>(in);
    auto second = std::move(first);
    CHECK(code_of(first.send("x", no_wait)) == errc::invalid_state);
    CHECK(code_of(first.bind("inproc://x")) == errc::invalid_state);
    (void)second.close(0s);
    message got;
    CHECK(code_of(second.send("x", no_wait)) == errc::invalid_state);
    CHECK(code_of(second.receive(got, no_wait)) == errc::invalid_state);
    CHECK(code_of(second.connect("inproc://x")) == errc::invalid_state);
}
