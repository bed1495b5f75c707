// SPDX-License-Identifier: MPL-2.0
// What --events and --peers show.

#include "receiving_slk.hpp"
#include "support/skip.hpp"

#include <string>

using namespace slk::testing;

TEST_CASE("slk send --events shows each event on a line, in its order")
{
    SLK_NEEDS_COMMAND();
    receiving_slk receiver("pull --count 1 --events");
    const run_result sent = run_slk("send push --events --connect " + receiver.where + " hello");
    CAPTURE(sent.out);
    CHECK(sent.code == 0);
    std::size_t before = 0;
    for (const char* each :
         {"  connect_delayed tcp://", "  connected tcp://", "  handshake_succeeded tcp://",
          "  disconnected tcp://", "  stopped"}) {
        CAPTURE(each);
        const std::size_t at = sent.out.find(each);
        REQUIRE(at != std::string::npos);
        CHECK(at > before);
        before = at;
    }
    const run_result received = receiver.tool.finish();
    CAPTURE(received.out);
    CHECK(received.code == 0);
    for (const char* each : {"  listening tcp://", "  accepted tcp://", "  peer_added tcp://"})
        CHECK(has(received, each));
}

TEST_CASE(
    "with --json events are objects, and a link that is refused shows why and when it retries")
{
    SLK_NEEDS_COMMAND();
    const run_result sent = run_slk("send push --events --json --wait 300ms --connect " +
                                    std::string(dead_endpoint) + " hello");
    CAPTURE(sent.out);
    bool retried = false;
    for (const std::string& line : lines_of(sent.out)) {
        if (json_value(line, "event") != "\"connect_retried\"")
            continue;
        retried = true;
        CHECK(json_value(line, "reason") == "\"connection_refused\"");
        CHECK(json_value(line, "to") == "\"backoff\"");
        CHECK_FALSE(json_value(line, "next_ms").empty());
        CHECK_FALSE(json_value(line, "time").empty());
    }
    CHECK(retried);
}

TEST_CASE("slk receive --peers shows the peers that come, with their numbers")
{
    SLK_NEEDS_COMMAND();
    receiving_slk receiver("router --count 1 --peers");
    const run_result sent =
        run_slk("send dealer --id alice --connect " + receiver.where + " hello");
    CHECK(sent.code == 0);
    const run_result received = receiver.tool.finish();
    CAPTURE(received.out);
    CHECK(has(received, "peer 127.0.0.1:"));
    CHECK(has(received, "[alice] at tcp://"));
    CHECK(has(received, "received 1"));
    CHECK_FALSE(has(received, "handshake_succeeded"));
}

TEST_CASE("slk send --log shows the log from that level on")
{
    SLK_NEEDS_COMMAND();
    receiving_slk receiver("pull --count 1");
    const run_result sent = run_slk("send push --log info --connect " + receiver.where + " hello");
    CHECK(sent.code == 0);
    CHECK(has(sent, "  info loop: loop 0 runs on "));
    CHECK(has(sent, "  info peer: peer_added " + receiver.where));
    CHECK_FALSE(has(sent, "debug"));
    const run_result failed = run_slk("send push --log warning --json --wait 300ms --connect " +
                                      std::string(dead_endpoint) + " hello");
    CHECK(failed.code == 4);
    CHECK(has(failed, "{\"event\":\"log\",\"level\":\"warning\",\"component\":\"endpoint\""));
    CHECK_FALSE(has(failed, "\"level\":\"info\""));
    CHECK(has(run_slk("send push --log loud --connect tcp://127.0.0.1:1 hello"),
              "--log: 'loud' is not debug, info, warning or error"));
}
