// SPDX-License-Identifier: MPL-2.0
// slk bench with itself: on this machine, and as if it were on two.

#include "receiving_slk.hpp"
#include "support/skip.hpp"

#include <cstdlib>
#include <string>
#include <vector>

using namespace slk::testing;

namespace {

/// The measurements in a report in JSON, in their order.
std::vector<std::string> works_of(const std::string& json)
{
    std::vector<std::string> works;
    const std::string begin = "{\"kind\":";
    for (std::size_t at = json.find(begin); at != std::string::npos;) {
        const std::size_t next = json.find(begin, at + 1);
        works.push_back(json.substr(at, next == std::string::npos ? next : next - at));
        at = next;
    }
    return works;
}

double number(const std::string& json, const std::string& key)
{
    const std::string text = json_value(json, key);
    CAPTURE(key);
    CHECK_FALSE(text.empty());
    return std::strtod(text.c_str(), nullptr);
}

void check_stream(const std::string& work, const std::string& size)
{
    CAPTURE(work);
    CHECK(json_value(work, "kind") == "\"stream\"");
    CHECK(json_value(work, "size") == size);
    CHECK(number(work, "messages") > 0);
    CHECK(number(work, "per_second") > 0);
    CHECK(number(work, "lowest_per_second") <= number(work, "per_second"));
    CHECK(number(work, "highest_per_second") >= number(work, "per_second"));
    CHECK(number(work, "megabytes_per_second") ==
          doctest::Approx(number(work, "per_second") * number(work, "size") / 1e6).epsilon(0.01));
    CHECK(number(work, "cpu_ns_per_message") >= 0);
}

void check_round_trips(const std::string& work, const std::string& size)
{
    CAPTURE(work);
    CHECK(json_value(work, "kind") == "\"round_trip\"");
    CHECK(json_value(work, "size") == size);
    CHECK(number(work, "round_trips") > 0);
    CHECK(number(work, "per_second") > 0);
    CHECK(number(work, "p50_us") > 0);
    CHECK(number(work, "p50_us") <= number(work, "p99_us"));
    CHECK(number(work, "p99_us") <= number(work, "p999_us"));
    CHECK(number(work, "p999_us") <= number(work, "max_us"));
    CHECK(number(work, "cpu_ns_per_round_trip") >= 0);
}

const std::string short_works = " --seconds 0.02 --stream 64 --round-trip 1K ";

void check_short_works(const run_result& result)
{
    CAPTURE(result.out);
    CHECK(result.code == 0);
    const auto works = works_of(result.out);
    REQUIRE(works.size() == 2);
    check_stream(works[0], "64");
    check_round_trips(works[1], "1024");
}

} // namespace

TEST_CASE("slk bench alone measures three streams and round trips between two processes")
{
    SLK_NEEDS_COMMAND();
    const run_result result = run_slk("bench --json --seconds 0.02");
    CAPTURE(result.out);
    CHECK(result.code == 0);
    CHECK(lines_of(result.out).size() == 1);
    CHECK(result.out.find("\"endpoint\":\"tcp://127.0.0.1:") != std::string::npos);
    CHECK(json_value(result.out, "processes") == "2");
    CHECK(number(result.out, "seconds") == 0.02);
    const auto works = works_of(result.out);
    REQUIRE(works.size() == 4);
    check_stream(works[0], "64");
    check_stream(works[1], "1024");
    check_stream(works[2], "65536");
    check_round_trips(works[3], "64");
}

TEST_CASE("the table of slk bench has a row for each requested size, and names the batch")
{
    SLK_NEEDS_COMMAND();
    const run_result result =
        run_slk("bench --inproc --seconds 0.02 --stream 100 --stream 1M --round-trip 2K --batch 8");
    CAPTURE(result.out);
    CHECK(result.code == 0);
    for (const char* text :
         {"inproc://bench, both sides in one process", "the median of 10 slices of 0.002 s",
          "Streams to this side, in batches of 8", "messages/s", "MB/s", "CPU ns/message",
          "Round trips from this side", "p50 us", "p99 us", "p99.9 us", "max us"})
        CHECK(has(result, text));
    std::size_t rows = 0;
    for (const std::string& line : lines_of(result.out))
        for (const char* size : {"  100 B ", "  1 MiB ", "  2 KiB "})
            rows += line.starts_with(size) ? 1 : 0;
    CHECK(rows == 3);
    CHECK(result.out.find('\x1b') == std::string::npos);
}

TEST_CASE("one slk bench serves another one that connects, once")
{
    SLK_NEEDS_COMMAND();
    std::vector<std::string> places{any_tcp};
#if !defined(_WIN32)
    places.emplace_back(any_ipc);
#endif
    for (const std::string& at : places) {
        CAPTURE(at);
        listening_slk other("bench --timeout 30s" + at);
        check_short_works(run_slk("bench --json --connect " + other.where + short_works));
        const run_result served = other.tool.finish();
        CHECK(served.code == 0);
        CHECK(has(served, "serving slk "));
        CHECK(has(served, "served 2 measurements"));
    }
}

TEST_CASE("slk bench works without loop threads, on either side, and by batches")
{
    SLK_NEEDS_COMMAND();
    check_short_works(run_slk("bench --json --no-thread" + short_works));
    listening_slk other(std::string("bench --no-thread --timeout 30s") + any_tcp);
    const run_result result =
        run_slk("bench --json --batch 32 --connect " + other.where + short_works);
    check_short_works(result);
    CHECK(has(result, "\"threads\":1}"));
    CHECK(has(result, "\"threads\":0}"));
    CHECK(has(result, "\"batch\":32,"));
}

TEST_CASE("with an endpoint alone, both sides of slk bench use it")
{
    SLK_NEEDS_COMMAND();
    check_short_works(run_slk("bench --json inproc://here" + short_works));
#if !defined(_WIN32)
    const run_result result = run_slk("bench --json \"ipc://*\"" + short_works);
    check_short_works(result);
    CHECK(has(result, "\"endpoint\":\"ipc://"));
#endif
}

TEST_CASE("slk bench names the endpoint where its other process cannot listen")
{
    SLK_NEEDS_COMMAND();
    receiving_slk first("pull --count 1");
    const run_result result = run_slk("bench " + first.where + short_works);
    CHECK(result.code == 1);
    CHECK(has(result, "the other process cannot listen on " + first.where));
    CHECK(run_slk("send push --connect " + first.where + " enough").code == 0);
    CHECK(first.tool.finish().code == 0);
}

TEST_CASE("slk bench gives up without a peer, and names the endpoint")
{
    SLK_NEEDS_COMMAND();
    const run_result alone =
        run_slk(std::string("bench --timeout 100ms --connect ") + dead_endpoint);
    CHECK(alone.code == 4);
    CHECK(has(alone, std::string("no peer at ") + dead_endpoint + " within 0.1 s"));
    CHECK(has(alone, "`slk bench --bind ENDPOINT`"));
    const run_result waiting = run_slk(std::string("bench --timeout 100ms") + any_tcp);
    CHECK(waiting.code == 3);
    CHECK(has(waiting, "no peer connected to tcp://127.0.0.1:"));
    CHECK(has(waiting, "`slk bench --connect ENDPOINT`"));
}

TEST_CASE("slk bench reports that the other side is another program")
{
    SLK_NEEDS_COMMAND();
    {
        listening_slk other(std::string("bench --timeout 30s") + any_tcp);
        CHECK(run_slk("send pair --connect " + other.where + " hello").code == 0);
        const run_result result = other.tool.finish();
        CHECK(result.code == 1);
        CHECK(has(result, "the other side is no slk bench"));
    }
    {
        receiving_slk other("pair --count 1");
        const run_result result = run_slk("bench --timeout 200ms --connect " + other.where);
        CHECK(result.code == 3);
        CHECK(has(result, "slk: the other side "));
    }
    {
        receiving_slk other("pull --count 1");
        const run_result result = run_slk("bench --timeout 200ms --connect " + other.where);
        CHECK(result.code == 3);
        CHECK(has(result, "protocol_error"));
        CHECK(run_slk("send push --connect " + other.where + " enough").code == 0);
        CHECK(other.tool.finish().code == 0);
    }
}
