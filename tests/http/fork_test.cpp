// SPDX-License-Identifier: MPL-2.0

#include "raw_client.hpp"
#include "support/forked.hpp"
#include "support/must.hpp"

#include <serverlink/http.hpp>
#include <serverlink/serverlink.hpp>

#include <optional>

using namespace slk;
using namespace slk::testing;

TEST_CASE("a child process may end its copy of a server, and the parent's goes on")
{
    std::optional<context> in = must(context::create());
    std::optional<http_server> served = must(http_server::create(*in));
    const raw_client half(served->address());
    CHECK(half.send("GET / HTTP/1.1\r\n"));
    const slk::address at = served->address();
    CHECK(in_a_child([&] {
              served->stop();
              served.reset();
              in.reset();
              return 7;
          }) == 7);
    CHECK(half.send("Host: localhost\r\n\r\n"));
    CHECK(status_of(half.read_all()) == "200");
    CHECK(status_of(get(at, "/metrics")) == "200");
}
