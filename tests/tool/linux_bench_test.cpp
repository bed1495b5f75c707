// SPDX-License-Identifier: MPL-2.0
// slk bench whose other side dies, or that is interrupted.

#include "run_slk.hpp"
#include "spawned_slk.hpp"
#include "support/skip.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <string>
#include <vector>

using namespace slk::testing;

namespace {

spawned_slk& serving(spawned_slk& tool, std::string& where)
{
    const std::string intro = "listening on ";
    const auto first = tool.line();
    REQUIRE(first);
    REQUIRE(first->starts_with(intro));
    where = first->substr(intro.size());
    return tool;
}

const std::vector<std::string> serve{"bench", "--bind", "tcp://127.0.0.1:0", "--timeout", "30s"};

/// It has begun to measure once it has printed the other side.
std::vector<std::string> measure(const std::string& where, const char* kind)
{
    return {"bench", "--connect", where, "--seconds", "60", kind, "64"};
}

} // namespace

TEST_CASE("both sides of slk bench report that the other side has died")
{
    SLK_NEEDS_COMMAND();
    for (const char* kind : {"--stream", "--round-trip"})
        for (const bool serving_one_dies : {true, false}) {
            CAPTURE(kind);
            CAPTURE(serving_one_dies);
            std::string where;
            spawned_slk other(serve);
            serving(other, where);
            spawned_slk tool(measure(where, kind));
            REQUIRE(tool.says("CPU: of both sides"));
            (serving_one_dies ? other : tool).interrupt(SIGKILL);
            spawned_slk& left = serving_one_dies ? tool : other;
            REQUIRE(left.says("slk: the other side has disconnected"));
            CHECK(left.end() == 1);
        }
}

TEST_CASE("an interrupted slk bench ends with exit code 130, and its other side ends as well")
{
    SLK_NEEDS_COMMAND();
    std::string where;
    spawned_slk other(serve);
    serving(other, where);
    spawned_slk tool(measure(where, "--stream"));
    REQUIRE(tool.says("CPU: of both sides"));
    tool.interrupt(SIGINT);
    REQUIRE(tool.says("slk: interrupted"));
    CHECK(tool.end() == 130);
    REQUIRE(other.says("slk: the other side has disconnected"));
    CHECK(other.end() == 1);
}

TEST_CASE("a slk bench that is interrupted before a peer has connected ends with exit code 130")
{
    SLK_NEEDS_COMMAND();
    std::string where;
    spawned_slk tool(serve);
    serving(tool, where).interrupt(SIGINT);
    CHECK(tool.end() == 130);
}
