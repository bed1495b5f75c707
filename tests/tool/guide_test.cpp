// SPDX-License-Identifier: MPL-2.0

// The programs of the guide print what docs/guide says.

#include "run_slk.hpp"
#include "support/skip.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

using namespace slk::testing;

namespace {

struct guide_program {
    const char* name;
    const char* prints;
};

constexpr guide_program guide_programs[] = {
    {"first_link", "idle -> binding\nbinding -> connecting\nconnecting -> tuning\n"
                   "tuning -> connected\nhello\nconnected -> idle\n"},
    {"first_messages", "coffee\ntwo cups\nhello, world\n"},
    {"shutting_down", "not sent: 0, perhaps not read: 0\nnot sent: 1\nreceived: 1000\n"},
    {"threads", "338350\n"},
    {"other_loops", "a message\nanother one\n"},
    {"coroutines", "1\n2\n3\n"},
    {"timed_calls", "3 ticks\n"},
    {"testing", "10 seeds, 100 messages each\n"},
    {"operating", "peer_added\npeer_removed\nPULL has received 1\nand as OpenMetrics\n"},
};

/// Returns the path of a program of the guide; empty if it was not built.
[[nodiscard]] std::string guide_path(const std::string& name)
{
    const char* const folder = std::getenv("SLK_EXAMPLES");
    if (folder == nullptr)
        return {};
#if defined(_WIN32)
    const std::string path = std::string(folder) + "/guide/guide_" + name + ".exe";
#else
    const std::string path = std::string(folder) + "/guide/guide_" + name;
#endif
    return std::filesystem::exists(path) ? path : std::string();
}

} // namespace

TEST_CASE("the programs of the guide print what the guide says")
{
    if (guide_path("first_link").empty())
        SLK_SKIP("the examples were not built");
    for (const guide_program& each : guide_programs) {
        const std::string path = guide_path(each.name);
        if (path.empty()) // not on this system
            continue;
        CAPTURE(each.name);
        const run_result ended = run_program(path);
        CHECK(ended.code == 0);
        CHECK(ended.out == each.prints);
    }
}

TEST_CASE("the guide's outage keeps all messages, or the newest one")
{
    const std::string path = guide_path("reconnecting");
    if (path.empty())
        SLK_SKIP("the examples were not built");
    const run_result ended = run_program(path);
    CAPTURE(ended.out);
    CHECK(ended.code == 0);
    // What is "perhaps lost" depends on what the peer has said before it went.
    CHECK(ended.out.starts_with("first: while it is there\nfirst: last\nsecond: while it is away\n"
                                "second: last\ndropped: 0, "));
    CHECK(ended.out.find("first: last\nsecond: last\ndropped: 1, ") != std::string::npos);
}

TEST_CASE("the guide's server lets the client in, and the stranger not")
{
    const std::string path = guide_path("limits");
    if (path.empty())
        SLK_SKIP("the examples were not built");
    const run_result ended = run_program(path);
    CHECK(ended.code == 0);
    const bool as_the_guide_says =
        ended.out == "from the client\nhandshake_failed_auth: authentication_refused\n" ||
        ended.out == "this build has no CURVE\n";
    CHECK(as_the_guide_says);
}

TEST_CASE("the guide's measurements end")
{
    const std::string path = guide_path("tuning");
    if (path.empty())
        SLK_SKIP("the examples were not built");
    const run_result ended = run_program(path);
    CHECK(ended.code == 0);
    CHECK(ended.out.find("received 100000 messages") != std::string::npos);
    CHECK(ended.out.find("1000 round trips") != std::string::npos);
}

TEST_CASE("the guide's page has an address")
{
    const std::string path = guide_path("page");
    if (path.empty())
        SLK_SKIP("the build has no serverlink-http, or no examples");
    const run_result ended = run_program(path);
    CHECK(ended.code == 0);
    CHECK(ended.out.starts_with("http://127.0.0.1:"));
}
