// SPDX-License-Identifier: MPL-2.0
#include "support/skip.hpp"

#include <doctest/doctest.h>

TEST_CASE("our sockets exchange messages with those of libzmq")
{
    SLK_SKIP("needs libzmq");
}
