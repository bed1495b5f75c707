// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("inproc names are of one context, free again after unbind, and types are checked")
{
    auto in = new_context();
    auto other = new_context();
    auto a = new_socket<pull>(in);
    auto b = new_socket<pull>(other);
    must(a.bind("inproc://name"));
    must(b.bind("inproc://name"));
    auto push_there = new_socket<push>(in);
    CHECK(code_of(push_there.bind("inproc://name")) == errc::address_in_use);
    must(push_there.connect("inproc://name"));
    must(a.unbind("inproc://name"));
    auto c = new_socket<pull>(in);
    must(c.bind("inproc://name"));
    // A pipe that exists stays when the name goes.
    must(push_there.send("old friend", test_timeout));
    CHECK(receive_text(a) == "old friend");

    auto wrong = new_socket<push>(in);
    must(wrong.bind("inproc://of a push"));
    auto another = new_socket<push>(in);
    CHECK(code_of(another.connect("inproc://of a push")) == errc::invalid_argument);
}
