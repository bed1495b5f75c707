// SPDX-License-Identifier: MPL-2.0
// slk proxy moves what slk send and slk receive exchange.

#include "receiving_slk.hpp"
#include "support/skip.hpp"

#include <string>

using namespace slk::testing;

namespace {

/// slk proxy on two free ports, with further options, which may name further endpoints.
class proxying_slk {
public:
    explicit proxying_slk(const std::string& options)
        : tool("proxy tcp://127.0.0.1:0 tcp://127.0.0.1:0 --control tcp://127.0.0.1:0 --for 30s " +
               options),
          front(next("FRONT")), back(next("BACK")), control(next("--control"))
    {
    }
    run_result terminate()
    {
        CHECK(run_slk("send pair --connect " + control + " TERMINATE").code == 0);
        return tool.finish();
    }
    /// The endpoint that the next line names.
    std::string next(const std::string& name)
    {
        const std::string intro = name + ": listening on ";
        const std::string line = tool.line();
        CAPTURE(line);
        REQUIRE(line.starts_with(intro));
        return line.substr(intro.size());
    }

    running_slk tool;
    std::string front;
    std::string back;
    std::string control;
};

} // namespace

TEST_CASE("slk proxy moves messages of each kind, and tells how many")
{
    SLK_NEEDS_COMMAND();
    struct kind {
        const char* options;
        const char* sender;
        const char* receiver;
    };
    for (const kind& each :
         {kind{"--kind streamer", "push", "pull"}, {"--kind forwarder", "pub", "sub"}}) {
        CAPTURE(each.options);
        proxying_slk between(each.options);
        running_slk receiver("receive --wait 30s --count 1 " + std::string(each.receiver) +
                             " --connect " + between.back);
        const run_result sent =
            run_slk("send " + std::string(each.sender) + " --connect " + between.front + " hello");
        CAPTURE(sent.out);
        CHECK(sent.code == 0);
        const run_result received = receiver.finish();
        CHECK(received.out == "hello\nreceived 1 message, 5 bytes\n");
        const run_result ended = between.terminate();
        CHECK(ended.code == 0);
        CHECK(has(ended, "sent 1 message, 5 bytes"));
    }
}

TEST_CASE("slk proxy brings a request to a worker by default")
{
    SLK_NEEDS_COMMAND();
    proxying_slk between("");
    running_slk worker("receive --wait 30s --count 1 dealer --connect " + between.back);
    CHECK(run_slk("send dealer --id alice --connect " + between.front + " hello").code == 0);
    const run_result received = worker.finish();
    CHECK(has(received, "alice"));
    CHECK(has(received, "hello"));
    CHECK(has(between.terminate(), "front: received 1 message, 10 bytes, sent 0 messages"));
}

TEST_CASE("slk proxy ends after its time")
{
    SLK_NEEDS_COMMAND();
    const run_result ended = run_slk("proxy tcp://127.0.0.1:0 tcp://127.0.0.1:0 --for 10ms");
    CHECK(ended.code == 0);
    CHECK(has(ended, "front: received 0 messages"));
}

TEST_CASE("wrong usage of slk proxy is explained")
{
    SLK_NEEDS_COMMAND();
    CHECK(has(run_slk("proxy tcp://127.0.0.1:0"), "BACK"));
    CHECK(run_slk("proxy tcp://127.0.0.1:0").code == 2);
    CHECK(has(run_slk("proxy tcp://127.0.0.1:0 tcp://127.0.0.1:0 --kind pump"), "'pump'"));
    CHECK(has(run_slk("proxy tcp://127.0.0.1:0 inproc://a"), "inside one process"));
    CHECK(run_slk("proxy tcp://127.0.0.1:0 tcp//typo").code == 2);
}
