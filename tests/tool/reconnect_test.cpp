// SPDX-License-Identifier: MPL-2.0
// What the options about reconnecting do. The delays are random; what is checked is certain, or
// as good as.

#include "link/link_rig.hpp"
#include "run_slk.hpp"
#include "support/skip.hpp"
#include "support/wine.hpp"

#include <algorithm>
#include <array>

using namespace slk;
using namespace slk::testing;
using namespace std::chrono_literals;

namespace {

constexpr double base_ms = 1;

/// Reads on to the next line with that state; empty at the end.
[[nodiscard]] std::string next_line(running_slk& tool, const std::string& state)
{
    std::string line;
    do
        line = tool.line();
    while (!line.empty() && json_value(line, "state") != "\"" + state + "\"");
    return line;
}

/// A server that ends every connection, after it has lived longer than any delay that was not
/// grown: whether the delays of slk link grow then. If they are kept growing, the chance that the
/// first eight stay below the base is 1 in 2^28.
[[nodiscard]] bool delays_grow(const std::string& options, bool server_talks)
{
    link_tests::rig on;
    link_tests::server peer(*on);
    running_slk tool("link --json --stop-on-refused --for 60s --base 1ms --floor 0 --cap 1h " +
                     options + " tcp://" + to_string(peer.where()));
    bool grew = false;
    for (int i = 0; i < 8 && !grew; ++i) {
        REQUIRE_FALSE(next_line(tool, "connected").empty());
        REQUIRE(on.until([&] { return !peer.streams.empty(); }, 60s));
        if (server_talks) {
            static constexpr std::array<std::byte, 1> word{std::byte{'!'}};
            bool sent = false;
            CHECK(peer.streams.back().send(word, [&](const auto&) { sent = true; }).has_value());
            REQUIRE(on.until([&] { return sent; }, 60s));
        }
        on.pass(3ms);
        peer.streams.clear();
        const std::string line = next_line(tool, "backoff");
        REQUIRE_FALSE(line.empty());
        grew = std::stod(json_value(line, "next_ms")) > base_ms;
    }
    on.end(); // the next attempt is refused, and that ends the tool
    CHECK(tool.finish().code == 4);
    return grew;
}

} // namespace

TEST_CASE("slk link --useful-when connected counts every connection as useful")
{
    SLK_NEEDS_COMMAND();
    CHECK_FALSE(delays_grow("--stable-after 0 --useful-when connected", false));
}

TEST_CASE("slk link --useful-when first-receive waits for bytes from the peer")
{
    SLK_NEEDS_COMMAND();
    CHECK(delays_grow("--stable-after 0 --useful-when first-receive", false));
    CHECK_FALSE(delays_grow("--stable-after 0 --useful-when first-receive", true));
}

TEST_CASE("slk link --stable-after keeps the delay after connections that end earlier")
{
    SLK_NEEDS_COMMAND();
    CHECK(delays_grow("--stable-after 1h --useful-when connected", false));
    CHECK_FALSE(delays_grow("--stable-after 2ms --useful-when connected", false));
}

TEST_CASE("slk link --connect-timeout ends an attempt without a reply")
{
    SLK_NEEDS_COMMAND();
#if defined(_WIN32)
    if (!running_under_wine())
        SLK_SKIP("Windows refuses when the queue of a listener is full");
#endif
    link_tests::rig on;
    std::optional<link_tests::black_hole> hole(std::in_place);
    hole->fill(on);
    running_slk tool("link --json --stop-on-refused --for 60s --base 0 --connect-timeout 100ms "
                     "tcp://" +
                     to_string(hole->where()));
    // Without the option an attempt takes five seconds, so one shorter attempt is proof. There are
    // three, because the machine may stand still during one of them.
    double shortest = 1000;
    for (int i = 0; i < 3 && shortest >= 5; ++i) {
        const std::string began = next_line(tool, "binding");
        const std::string ended = next_line(tool, "backoff");
        REQUIRE_FALSE(ended.empty());
        CHECK(json_value(ended, "reason") == "\"timed_out\"");
        const double took =
            std::stod(json_value(ended, "time")) - std::stod(json_value(began, "time"));
        CHECK(took > 0.098); // the times are printed in milliseconds
        shortest = std::min(shortest, took);
    }
    CHECK(shortest < 5);
    hole.reset(); // refuses from now on, and that ends the tool
    CHECK(tool.finish().code == 4);
}

TEST_CASE("slk link --spread delays the first attempt as well")
{
    SLK_NEEDS_COMMAND();
    const std::string options = "link --json --base 1h --cap 1h --for 100ms ";
    const auto first = [&](const std::string& more) {
        const run_result result = run_slk(options + more + " " + dead_endpoint);
        CHECK(result.code == 0);
        const auto lines = lines_of(result.out);
        return lines.empty() ? std::string() : lines.front();
    };
    const std::string spread = first("--spread");
    CHECK(json_value(spread, "state") == "\"backoff\"");
    CHECK(json_value(spread, "attempt") == "0");
    CHECK(json_value(first(""), "state") == "\"binding\"");
}
