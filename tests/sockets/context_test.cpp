// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("a context takes as many sockets as it may, and makes room when one has gone")
{
    auto in = new_context(1, {.max_sockets = 2});
    auto a = new_socket<pair>(in);
    {
        auto b = new_socket<pair>(in);
        CHECK(code_of(pair::create(in)) == errc::too_many_descriptors);
    }
    CHECK(pair::create(in).has_value());
}

TEST_CASE("a context refuses options that make no sense")
{
    CHECK(code_of(context::create({.threads = -1})) == errc::invalid_argument);
    CHECK(code_of(context::create({.threads = 65})) == errc::invalid_argument);
    CHECK(code_of(context::create({.max_sockets = 0})) == errc::invalid_argument);
    CHECK(code_of(context::create({.loop = {.backend = "steam"}})) == errc::not_supported);
}
