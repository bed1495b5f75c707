// SPDX-License-Identifier: MPL-2.0
#include "run_slk.hpp"
#include "support/skip.hpp"

#include <serverlink/config.hpp>

#include <doctest/doctest.h>

using namespace slk::testing;

TEST_CASE("slk version tells the version, the backends of the build and the one that runs")
{
    SLK_NEEDS_COMMAND();
    const run_result answer = run_slk("version");
    CHECK(answer.code == 0);
    const std::string expected = "slk " + std::to_string(SLK_VERSION_MAJOR) + "." +
                                 std::to_string(SLK_VERSION_MINOR) + "." +
                                 std::to_string(SLK_VERSION_PATCH);
    const auto lines = lines_of(answer.out);
    REQUIRE(lines.size() == 3);
    CHECK(lines[0] == expected);
    CHECK(lines[1].starts_with("backends compiled: "));
    const std::string running = lines[2].substr(lines[2].rfind(' ') + 1);
    CHECK(lines[1].find(running) != std::string::npos);
}

TEST_CASE("every command of slk explains itself")
{
    SLK_NEEDS_COMMAND();
    for (const char* command : {"", "link", "listen", "demo", "version"}) {
        CAPTURE(command);
        const run_result answer = run_slk(std::string(command) + " --help");
        CHECK(answer.code == 0);
        CHECK(answer.out.find("Usage: ") != std::string::npos);
    }
}

TEST_CASE("wrong usage of slk ends with exit code 2 and a message")
{
    SLK_NEEDS_COMMAND();
    for (const char* arguments :
         {"", "unheard-of", "link", "link --unheard-of", "link nonsense", "link tcp://127.0.0.1",
          "listen tcp://127.0.0.1:99999", "link --backend unheard-of tcp://127.0.0.1:1"}) {
        CAPTURE(arguments);
        const run_result answer = run_slk(arguments);
        CHECK(answer.code == 2);
        CHECK_FALSE(answer.out.empty());
    }
}

TEST_CASE("slk tells a bad endpoint on stderr, and stdout stays empty")
{
#if defined(_WIN32)
    SLK_SKIP("the redirection is written for a POSIX shell");
#else
    SLK_NEEDS_COMMAND();
    // The helper adds 2>&1 at the end, which is there for `exit`.
    const run_result out = run_slk("link nonsense 2>/dev/null; exit 7");
    CHECK(out.code == 7);
    const run_result err = run_slk("link nonsense 2>&1 >/dev/null; exit $?");
    CHECK(err.code == 2);
    CHECK(err.out.find("nonsense") != std::string::npos);
    CHECK(out.out.empty());
#endif
}
