// SPDX-License-Identifier: MPL-2.0
#include "run_slk.hpp"
#include "support/skip.hpp"

#include <serverlink/config.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

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

TEST_CASE("CHANGELOG.md has this version of slk, with the date that its manual pages have")
{
    SLK_NEEDS_COMMAND();
    const char* const root = std::getenv("SLK_SOURCE_ROOT");
    if (root == nullptr)
        SLK_SKIP("needs the sources");
    std::ifstream file(std::string(root) + "/CHANGELOG.md");
    const std::string changes{std::istreambuf_iterator<char>(file), {}};
    const std::string page = run_slk("help --man").out;
    // .TH SLK 1 "2026-11-30" "serverlink 0.2.0" "User Commands"
    const std::size_t begin = page.find('"') + 1;
    const std::string date = page.substr(begin, page.find('"', begin) - begin);
    const std::string version = run_slk("--version").out.substr(4);
    CHECK(date.size() == 10);
    CHECK(changes.find("\n## [" + version.substr(0, version.size() - 1) + "] - " + date + "\n") !=
          std::string::npos);
}
