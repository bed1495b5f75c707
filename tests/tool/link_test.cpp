// SPDX-License-Identifier: MPL-2.0
#include "run_slk.hpp"
#include "support/skip.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace slk::testing;

namespace {

[[nodiscard]] std::size_t attempts_of(const run_result& result)
{
    const auto lines = lines_of(result.out);
    return static_cast<std::size_t>(std::ranges::count_if(lines, [](const std::string& line) {
        return json_value(line, "state") == "\"connecting\"";
    }));
}

} // namespace

TEST_CASE("slk link whose policy stops on refused ends with exit code 4 and the reason")
{
    SLK_NEEDS_COMMAND();
    for (const std::string policy : {"--stop-on-refused", "--policy refused=stop", "--never"}) {
        CAPTURE(policy);
        const run_result result = run_slk("link --json --for 20s " + policy + " " + dead_endpoint);
        CHECK(result.code == 4);
        const auto lines = lines_of(result.out);
        REQUIRE(lines.size() >= 2);
        for (const std::string& line : lines) {
            CAPTURE(line);
            CHECK(line.starts_with('{'));
            CHECK(line.ends_with('}'));
            for (const char* key : {"time", "state", "attempt", "reason", "next_ms", "address"})
                CHECK_FALSE(json_value(line, key).empty());
        }
        CHECK(json_value(lines.back(), "state") == "\"idle\"");
        CHECK(json_value(lines.back(), "reason") == "\"connection_refused\"");
        CHECK(json_value(lines.back(), "attempt") == "1");
        CHECK(json_value(lines.back(), "address") == "\"127.0.0.1:1\"");
    }
}

TEST_CASE(
    "slk link prints the delay before its next attempt, and ends with exit code 0 after --for")
{
    SLK_NEEDS_COMMAND();
    const run_result result =
        run_slk(std::string("link --json --floor 10s --for 4s ") + dead_endpoint);
    CHECK(result.code == 0);
    const auto lines = lines_of(result.out);
    const auto waiting = std::ranges::find_if(
        lines, [](const auto& line) { return json_value(line, "state") == "\"backoff\""; });
    REQUIRE(waiting != lines.end());
    const double next = std::stod(json_value(*waiting, "next_ms"));
    CHECK(next >= 10'000);
    CHECK(next <= 10'101);
    CHECK(attempts_of(result) == 1);
    // It was asked to end, which has nothing to do with the address that failed before.
    CHECK(json_value(lines.back(), "state") == "\"idle\"");
    CHECK(json_value(lines.back(), "address") == "\"\"");
}

TEST_CASE("slk link --base 0 ignores floor and cap")
{
    SLK_NEEDS_COMMAND();
    const run_result result =
        run_slk(std::string("link --json --base 0 --floor 10s --for 6s ") + dead_endpoint);
    CHECK(result.code == 0);
    CHECK(attempts_of(result) >= 2);
}

TEST_CASE("slk link retries slowly, after the cap, if the policy is slowly")
{
    SLK_NEEDS_COMMAND();
    const run_result result =
        run_slk(std::string("link --json --policy refused=slowly --cap 40s --floor 0 --for 4s ") +
                dead_endpoint);
    CHECK(result.code == 0);
    const auto lines = lines_of(result.out);
    const auto waiting = std::ranges::find_if(
        lines, [](const auto& line) { return json_value(line, "state") == "\"backoff\""; });
    REQUIRE(waiting != lines.end());
    const double next = std::stod(json_value(*waiting, "next_ms"));
    CHECK(next >= 20'000);
    CHECK(next <= 40'001);
}

TEST_CASE("slk link --source connects from that address only")
{
    SLK_NEEDS_COMMAND();
    const run_result result =
        run_slk(std::string("link --json --never --source 192.0.2.1 ") + dead_endpoint);
    CHECK(result.code == 1);
    CHECK(json_value(lines_of(result.out).back(), "reason") == "\"address_not_available\"");
    // An IPv6 address needs no brackets here, and does not fit an IPv4 target.
    const run_result other =
        run_slk(std::string("link --json --never --source ::1 ") + dead_endpoint);
    CHECK(other.code == 1);
    CHECK(json_value(lines_of(other.out).back(), "reason") == "\"address_family_not_supported\"");
}

TEST_CASE("slk link writes lines for people without --json")
{
    SLK_NEEDS_COMMAND();
    const run_result result = run_slk(std::string("link --stop-on-refused ") + dead_endpoint);
    CHECK(result.code == 4);
    CHECK(result.out.find("connecting") != std::string::npos);
    CHECK(result.out.find("connection_refused") != std::string::npos);
    CHECK(result.out.find('\x1b') == std::string::npos);
}

TEST_CASE("slk link ends without an error when the reader of its output has gone")
{
#if defined(_WIN32)
    SLK_SKIP("the pipeline is written for a POSIX shell");
#else
    SLK_NEEDS_COMMAND();
    const run_result result =
        run_slk(std::string("link --base 0 --for 20s ") + dead_endpoint + " | head -n 1");
    CHECK(result.code == 0);
    CHECK(lines_of(result.out).size() == 1);
#endif
}
