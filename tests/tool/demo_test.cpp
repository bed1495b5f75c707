// SPDX-License-Identifier: MPL-2.0
#include "run_slk.hpp"
#include "support/skip.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

using namespace slk::testing;

#if defined(__linux__)
namespace {

/// The numbers of a line that begins with `name`.
std::vector<std::uint64_t> numbers_of(const std::string& text, const std::string& name)
{
    std::vector<std::uint64_t> found;
    for (const std::string& line : lines_of(text)) {
        if (!line.starts_with(name + " "))
            continue;
        std::istringstream words(line.substr(name.size()));
        for (std::uint64_t number = 0; words >> number;)
            found.push_back(number);
    }
    return found;
}

} // namespace
#endif

TEST_CASE("slk demo shows a cluster that heals, and accounts for each message and request")
{
#if defined(__linux__)
    SLK_NEEDS_COMMAND();
    const auto begun = std::chrono::steady_clock::now();
    const run_result result = run_slk("demo --for 0");
    const auto took = std::chrono::steady_clock::now() - begun;
    CAPTURE(result.out);
    CHECK(result.code == 0);
    CHECK(took < std::chrono::seconds(27)); // three more without --for
    for (const char* text :
         {"proxy      starts", "server     starts", "proxy      is killed", "server     is killed",
          "after the proxy was started again", "after the server was started again",
          "idle       -> binding", "binding    -> connecting", "connecting -> backoff",
          "connecting -> tuning", "tuning     -> connected", "connected  -> backoff",
          "backoff    -> binding", "each for one of these reasons", "Everything healed."})
        CHECK(result.out.find(text) != std::string::npos);
    CHECK(result.out.find('\x1b') == std::string::npos);

    // published = arrived + no subscriber + queue full + lost + before sub; none twice or
    // unexplained.
    std::vector<std::uint64_t> total(8);
    for (const char* name : {"all", "east", "west", "sum"}) {
        CAPTURE(name);
        const auto row = numbers_of(result.out, name);
        REQUIRE(row.size() == 8);
        CHECK(row[1] > 0);
        CHECK(row[0] == row[1] + row[2] + row[3] + row[4] + row[5]);
        CHECK(row[6] + row[7] == 0);
        for (std::size_t i = 0; i < row.size(); ++i)
            total[i] += row[i];
        if (std::string(name) == "sum")
            CHECK(total[0] == 2 * row[0]);
    }
    for (const char* name : {"client 1", "client 2"}) {
        const auto row = numbers_of(result.out, name);
        REQUIRE(row.size() == 5);
        CHECK(row[0] > 0);
        CHECK(row[1] == row[0]);
        CHECK(row[2] + row[3] == 0);
    }
#else
    SLK_SKIP("the demonstration is tested on Linux");
#endif
}

TEST_CASE("slk demo --links shows every link healing and no message missing")
{
#if defined(__linux__)
    SLK_NEEDS_COMMAND();
    const run_result result = run_slk("demo --links 4 --kills 1");
    CHECK(result.code == 0);
    for (const char* text : {"alpha", "bravo", "charlie", "delta", "starts", "is killed", "is back",
                             "healed 1", "messages were queued", "messages have arrived so far",
                             "arrived, in order and none duplicated", "No other is missing.",
                             "Every link healed each time."})
        CHECK(result.out.find(text) != std::string::npos);
#else
    SLK_SKIP("the demonstration is tested on Linux");
#endif
}
