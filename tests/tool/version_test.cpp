// SPDX-License-Identifier: MPL-2.0
#include "run_slk.hpp"
#include "support/skip.hpp"

#include <serverlink/config.hpp>

#include <doctest/doctest.h>

using namespace slk::testing;

TEST_CASE("slk version prints the version, the backends of the build and the one that runs")
{
    SLK_NEEDS_COMMAND();
    const run_result result = run_slk("version");
    CHECK(result.code == 0);
    const std::string expected = "slk " + std::to_string(SLK_VERSION_MAJOR) + "." +
                                 std::to_string(SLK_VERSION_MINOR) + "." +
                                 std::to_string(SLK_VERSION_PATCH);
    const auto lines = lines_of(result.out);
    REQUIRE(lines.size() >= 3);
    for (std::size_t more = 3; more < lines.size(); ++more)
        CHECK(lines[more].starts_with("backend refused:   ")); // with the system's error
    CHECK(lines[0] == expected);
    CHECK(lines[1].starts_with("backends compiled: "));
    const std::string running = lines[2].substr(lines[2].rfind(' ') + 1);
    CHECK(lines[1].find(running) != std::string::npos);
    // It is a name that --backend takes.
    const run_result named =
        run_slk("link --stop-on-refused --backend " + running + " " + dead_endpoint);
    CHECK(named.code == 4);
    CHECK(named.out.find("connection_refused") != std::string::npos);
}
