// SPDX-License-Identifier: MPL-2.0

#include "receiving_slk.hpp"
#include "support/skip.hpp"

using namespace slk::testing;

TEST_CASE("slk without serverlink-http refuses --http")
{
    SLK_NEEDS_COMMAND();
    const run_result refused = run_slk("receive pull --bind tcp://127.0.0.1:0 --for 1s --http");
    CHECK(refused.code == 2);
    CHECK(has(refused, "--http: this slk was built without serverlink-http"));
}
