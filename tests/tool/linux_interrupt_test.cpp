// SPDX-License-Identifier: MPL-2.0
#include "run_slk.hpp"
#include "spawned_slk.hpp"
#include "support/skip.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <string>
#include <vector>

using namespace slk::testing;

// None of these ends by itself within the time that a test may take.

TEST_CASE("an interrupted slk link stops its link and ends with exit code 0")
{
    SLK_NEEDS_COMMAND();
    for (const int signal : {SIGINT, SIGTERM}) {
        CAPTURE(signal);
        spawned_slk tool({"link", "--floor", "1h", dead_endpoint});
        REQUIRE(tool.says("  backoff  "));
        tool.interrupt(signal);
        REQUIRE(tool.says("  idle  "));
        CHECK(tool.end() == 0);
    }
}

TEST_CASE("an interrupted slk listen prints its totals and ends with exit code 0")
{
    SLK_NEEDS_COMMAND();
    for (const int signal : {SIGINT, SIGTERM}) {
        CAPTURE(signal);
        spawned_slk tool({"listen", "tcp://127.0.0.1:0"});
        REQUIRE(tool.says("listening on "));
        tool.interrupt(signal);
        REQUIRE(tool.says("accepted 0"));
        CHECK(tool.end() == 0);
    }
}

TEST_CASE("an interrupted slk demo reports that and ends with exit code 0")
{
    SLK_NEEDS_COMMAND();
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"demo"}, {"demo", "--links", "1"}}) {
        spawned_slk tool(arguments);
        REQUIRE(tool.says("backoff"));
        tool.interrupt(SIGINT);
        REQUIRE(tool.says("Interrupted."));
        CHECK(tool.end() == 0);
    }
}
