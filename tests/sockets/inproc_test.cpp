// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("inproc names belong to one context, are free after unbind, and types are checked")
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
    // A pipe stays when its name is unbound.
    must(push_there.send("over the old pipe", test_timeout));
    CHECK(receive_text(a) == "over the old pipe");

    auto wrong = new_socket<push>(in);
    must(wrong.bind("inproc://push"));
    auto another = new_socket<push>(in);
    CHECK(code_of(another.connect("inproc://push")) == errc::invalid_argument);
}
