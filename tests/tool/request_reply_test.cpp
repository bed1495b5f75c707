// SPDX-License-Identifier: MPL-2.0
// What slk request asks, slk reply replies to.

#include "receiving_slk.hpp"
#include "support/skip.hpp"

#include <serverlink/context.hpp>
#include <serverlink/rep.hpp>
#include <serverlink/router.hpp>

#include <chrono>
#include <string>

using namespace slk::testing;

TEST_CASE("slk request prints the reply of slk reply to each request, over tcp and ipc")
{
    SLK_NEEDS_COMMAND();
    for (const std::string at : {any_tcp, any_ipc}) {
#if defined(_WIN32)
        if (at == any_ipc)
            continue;
#endif
        CAPTURE(at);
        listening_slk echo("reply --for 30s --count 3" + at);
        const run_result asked = run_slk("request --connect " + echo.where + " one two \"\"");
        CHECK(asked.code == 0);
        CHECK(asked.out == "one\ntwo\n(empty)\nreceived 3 messages, 6 bytes\n");
        const run_result replied = echo.tool.finish();
        CHECK(replied.code == 0);
        CHECK(replied.out == "one\ntwo\n(empty)\nreplied to 3 messages, 6 bytes\n");
    }
}

TEST_CASE("slk reply replies with its text, and slk request may be the one that listens")
{
    SLK_NEEDS_COMMAND();
    listening_slk asking(std::string("request --wait 30s --parts --count 2 get key") + any_tcp);
    const run_result replied =
        run_slk("reply --count 2 --for 30s --json \"the value\" --connect " + asking.where);
    CHECK(replied.code == 0);
    CHECK(has(replied, "\"text\":\"get\""));
    CHECK(has(replied, "replied to 2 messages, 12 bytes\n"));
    const run_result asked = asking.tool.finish();
    CHECK(asked.code == 0);
    CHECK(asked.out == "the value\nthe value\nreceived 2 messages, 18 bytes\n");
}

TEST_CASE("slk request fails when there is no peer, or no reply")
{
    SLK_NEEDS_COMMAND();
    const run_result nobody =
        run_slk(std::string("request --wait 50ms hello --connect ") + dead_endpoint);
    CHECK(nobody.code == 4);
    CHECK(has(nobody,
              "slk: no peer took the request within 0.05 s\n  " + std::string(dead_endpoint)));

    auto in = *slk::context::create();
    auto silent = *slk::rep::create(in);
    const std::string where = *silent.bind("tcp://127.0.0.1:0");
    const run_result nothing = run_slk("request --wait 300ms --connect " + where + " hello");
    CHECK(nothing.code == 3);
    CHECK(has(nothing, "slk: no reply came within 0.3 s"));
    CHECK(has(nothing, "received 0 messages, 0 bytes\n"));
}

TEST_CASE("slk request --id names the socket to a ROUTER, and --raw prints only bytes")
{
    SLK_NEEDS_COMMAND();
    auto in = *slk::context::create();
    auto other = *slk::router::create(in);
    const std::string where = *other.bind("tcp://127.0.0.1:0");
    running_slk asking("request --id alice --raw --wait 30s --connect " + where + " hello");
    slk::peer_id from;
    slk::multipart whole;
    REQUIRE(other.receive(from, whole, std::chrono::seconds(30)));
    CHECK(from.routing_id == "alice");
    CHECK(whole.size() == 2);
    REQUIRE(other.send(from, std::move(whole)));
    const run_result asked = asking.finish();
    CHECK(asked.code == 0);
    CHECK(asked.out == "helloreceived 1 message, 5 bytes\n");
}

TEST_CASE("slk request and slk reply refuse wrong usage")
{
    SLK_NEEDS_COMMAND();
    for (const char* const wrong :
         {"request hello", "reply", "reply --bind inproc://a", "request --connect nowhere hello",
          "reply --bind tcp://127.0.0.1:0 --id x", "reply --bind tcp://127.0.0.1:0 a b",
          "request --connect tcp://127.0.0.1:1 hello --file x"}) {
        CAPTURE(wrong);
        CHECK(run_slk(wrong).code == 2);
    }
}
