// SPDX-License-Identifier: MPL-2.0

// The goals for a herd of links, measured on the real ones by slk simulate herd; and its options.

#include "run_slk.hpp"
#include "support/skip.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

using namespace slk::testing;

namespace {

/// The only line of JSON that this run prints.
[[nodiscard]] std::string herd(const std::string& options)
{
    const run_result result = run_slk("simulate herd --json --seeds 1 " + options);
    CAPTURE(result.out);
    REQUIRE(result.code == 0);
    const auto lines = lines_of(result.out);
    REQUIRE(lines.size() == 1);
    return lines.front();
}

[[nodiscard]] double number(const std::string& line, const std::string& key)
{
    const std::string text = json_value(line, key);
    INFO(key, " in ", line);
    REQUIRE_FALSE(text.empty());
    REQUIRE(text != "null");
    return std::stod(text);
}

/// What a herd that is small enough for many runs does.
[[nodiscard]] std::string small(const std::string& options)
{
    return herd("--clients 300 --accepts-per-second 150 " + options);
}

/// Without what the line repeats of the options.
[[nodiscard]] std::string measures_of(const std::string& line)
{
    return line.substr(line.find("\"seeds\":1,"));
}

} // namespace

TEST_CASE("ten thousand links that lose their server for a minute do not overload it")
{
    SLK_NEEDS_COMMAND();
    for (const char* seed : {"1", "2"}) {
        CAPTURE(seed);
        const std::string seen = herd(std::string("--seed ") + seed);
        CHECK(number(seen, "clients") == 10'000);
        CHECK(number(seen, "outage_s") == 60);
        CHECK(number(seen, "peak_10ms") <= 1.5);
        CHECK(number(seen, "back_p100_s") <= 5 + 1);
        CHECK(number(seen, "never_back") == 0);
        CHECK(number(seen, "attempts_per_client_minute") <= 30);
        CHECK(number(seen, "lag_autocorrelation") < 0.05);
        CHECK(number(seen, "zero_delay_share") == 0);
    }
}

TEST_CASE("ten thousand links that lose their server for five seconds do not overload it")
{
    SLK_NEEDS_COMMAND();
    const std::string seen = herd("--outage 5s");
    CHECK(number(seen, "peak_10ms") <= 1.5);
    CHECK(number(seen, "back_p100_s") <= 5 + 1);
}

TEST_CASE("a server that accepts and closes sees each link at most 250 times in ten minutes")
{
    SLK_NEEDS_COMMAND();
    // Fewer of them, because each goes its own way; with 10,000 it is the same number
    // (docs/herd.md).
    const std::string seen = herd("--scenario accept-then-close --clients 300");
    CHECK(number(seen, "connections_per_client_10min") <= 250);
    CHECK(number(seen, "connections_per_client_10min") > 200);
}

TEST_CASE("the measures show the herd of another policy")
{
    SLK_NEEDS_COMMAND();
    // No random part: all attempts are in one window, and in step during the outage.
    const std::string lockstep = small("--policy libzmq-30s --outage 90s --limit 1m");
    CHECK(number(lockstep, "peak_10ms") == 300 / 1.5);
    CHECK(number(lockstep, "lag_autocorrelation") > 0.9);
    // No growth: 400 attempts a minute.
    const std::string steady = small("--policy libzmq --outage 20s");
    CHECK(number(steady, "attempts_per_client_minute") > 390);
    CHECK(number(steady, "attempts_per_client_minute") < 410);
    // Whole milliseconds from 0 on.
    CHECK(number(small("--policy nng --outage 20s"), "zero_delay_share") > 0);
    // Each TCP connection resets the delays: 4,000 connections.
    const std::string hammered =
        herd("--policy libzmq-30s --scenario accept-then-close --clients 10");
    CHECK(number(hammered, "connections_per_client_10min") > 5'500);
}

TEST_CASE("slk simulate herd: every option changes what is simulated")
{
    SLK_NEEDS_COMMAND();
    const auto measured = [](const std::string& options) { return measures_of(herd(options)); };
    const std::string same_herd = "--clients 300 --accepts-per-second 150 ";
    const std::string same_outage = same_herd + "--outage 5s ";
    const std::string usual = measured(same_outage);
    CHECK(measured(same_outage) == usual);
    CHECK(measured("--clients 200 --accepts-per-second 150 --outage 5s") != usual);
    CHECK(measured("--clients 300 --accepts-per-second 100 --outage 5s") != usual);
    CHECK(measured(same_herd + "--outage 6s") != usual);
    for (const char* option : {"--seed 2", "--base 500ms", "--floor 1s", "--cap 2s",
                               "--policy kafka", "--scenario black-hole", "--scenario resume",
                               "--scenario flapping", "--scenario cold-start"}) {
        CAPTURE(option);
        CHECK(measured(same_outage + option) != usual);
    }
    // Those that need their own circumstances.
    const std::string start = same_herd + "--scenario cold-start ";
    const std::string started = measured(start);
    for (const char* option : {"--backlog 1", "--spread", "--connect-timeout 500ms"}) {
        CAPTURE(option);
        CHECK(measured(start + option) != started);
    }
    CHECK(number(small("--policy nats --outage 5s --limit 1s"), "never_back") > 0);
    const std::string flap = same_herd + "--scenario flapping ";
    const std::string flapped = measured(flap);
    for (const char* option : {"--for 10s", "--stable-after 0"}) {
        CAPTURE(option);
        CHECK(measured(flap + option) != flapped);
    }
    const std::string closing = small("--scenario accept-then-close --for 1m");
    CHECK(number(small("--scenario accept-then-close --for 1m --useful-when connected "
                       "--stable-after 0 --base 1s"),
                 "connections_per_client_10min") > number(closing, "connections_per_client_10min"));
}

TEST_CASE("slk simulate herd: several policies and seeds, as a table and as a chart")
{
    SLK_NEEDS_COMMAND();
    const std::string file = "herd-test.svg";
    const run_result result = run_slk("simulate herd --clients 100 --outage 5s --seeds 2 "
                                      "--policy serverlink --policy aws-full --svg " +
                                      file);
    CHECK(result.code == 0);
    CHECK(result.out.find("mean of 2 seeds") != std::string::npos);
    CHECK(result.out.find("\nserverlink ") != std::string::npos);
    CHECK(result.out.find("\nAWS full jitter ") != std::string::npos);
    CHECK(result.out.find("seed 1 of 2") == std::string::npos); // for a terminal only

    std::string chart;
    {
        std::ifstream drawn(file, std::ios::binary);
        chart.assign(std::istreambuf_iterator<char>(drawn), {});
    }
    std::remove(file.c_str());
    CHECK(chart.starts_with("<svg "));
    CHECK(chart.ends_with("</svg>\n"));
    CHECK(chart.find(">serverlink</text>") != std::string::npos);
    CHECK(chart.find(">AWS full jitter</text>") != std::string::npos);

    const run_result all = run_slk("simulate herd --clients 10 --outage 1s --seeds 1 --json "
                                   "--limit 10s --policy all");
    CHECK(all.code == 0);
    CHECK(lines_of(all.out).size() == 10);
}

TEST_CASE("slk simulate herd rejects values out of range, and names the option")
{
    SLK_NEEDS_COMMAND();
    struct wrong {
        const char* arguments;
        const char* text;
    };
    for (const wrong& each : {
             wrong{"--clients 0", "--clients: "},
             {"--clients 1000001", "--clients: "},
             {"--clients many", "--clients"},
             {"--outage 0", "--outage: '0' is not 1ms to 24h"},
             {"--outage 25h", "--outage: '25h' is not 1ms to 24h"},
             {"--outage 5", "--outage: '5' has no unit"},
             {"--for 0", "--for: '0' is not 1ms to 24h"},
             {"--limit soon", "--limit: 'soon' is not a duration"},
             {"--accepts-per-second 0", "--accepts-per-second: "},
             {"--backlog 0", "--backlog: "},
             {"--seeds 0", "--seeds: "},
             {"--seed x", "--seed"},
             {"--policy unheard-of", "--policy: 'unheard-of' is no policy: serverlink, libzmq, "},
             {"--scenario unheard-of", "--scenario: 'unheard-of' is no scenario: outage, "},
             {"--base 2s --cap 1s", "--cap is less than --base"},
             {"--scenario flapping --svg x.svg", "--svg: there is no chart of --scenario flapping"},
             {"--unheard-of", "--unheard-of"},
         }) {
        CAPTURE(each.arguments);
        const run_result result = run_slk(std::string("simulate herd ") + each.arguments);
        CAPTURE(result.out);
        CHECK(result.code == 2);
        CHECK(result.out.starts_with("slk: "));
        CHECK(result.out.find(each.text) != std::string::npos);
        CHECK(result.out.find("See 'slk simulate herd --help'.") != std::string::npos);
    }
    const run_result unwritable =
        run_slk("simulate herd --clients 1 --outage 1s --seeds 1 --svg no-such-folder/x.svg");
    CHECK(unwritable.code == 1);
    CHECK(unwritable.out.find("cannot write no-such-folder/x.svg") != std::string::npos);
}

TEST_CASE("the help of slk simulate lists the simulations")
{
    SLK_NEEDS_COMMAND();
    const run_result help = run_slk("simulate --help");
    CHECK(help.code == 0);
    CHECK(help.out.find("herd") != std::string::npos);
    const run_result herd_help = run_slk("simulate herd --help");
    CHECK(herd_help.code == 0);
    for (const char* word : {"accept-then-close", "aws-decorrelated", "--accepts-per-second"})
        CHECK(herd_help.out.find(word) != std::string::npos);
    const run_result nothing = run_slk("simulate");
    CHECK(nothing.code == 2);
    CHECK(nothing.out.find("herd") != std::string::npos);
    const run_result unknown = run_slk("simulate nonsense");
    CHECK(unknown.code == 2);
    CHECK(unknown.out.find("slk: unknown command 'nonsense'") != std::string::npos);
}
