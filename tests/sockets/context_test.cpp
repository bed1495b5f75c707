// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("a context has at most max_sockets sockets, and takes a new one after one is closed")
{
    auto in = new_context(1, {.max_sockets = 2});
    auto a = new_socket<pair>(in);
    {
        auto b = new_socket<pair>(in);
        CHECK(code_of(pair::create(in)) == errc::too_many_descriptors);
    }
    CHECK(pair::create(in).has_value());
}

TEST_CASE("a context refuses options out of range")
{
    CHECK(code_of(context::create({.threads = -1})) == errc::invalid_argument);
    CHECK(code_of(context::create({.threads = 65})) == errc::invalid_argument);
    CHECK(code_of(context::create({.max_sockets = 0})) == errc::invalid_argument);
    CHECK(code_of(context::create({.loop = {.backend = "unknown"}})) == errc::not_supported);
}
