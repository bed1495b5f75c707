// SPDX-License-Identifier: MPL-2.0
// What the options of slk send and slk receive do that are about peers and time.

#include "input_file.hpp"
#include "receiving_slk.hpp"
#include "support/skip.hpp"

#include <serverlink/context.hpp>
#include <serverlink/curve.hpp>
#include <serverlink/pull.hpp>

#include <chrono>
#include <filesystem>
#include <string>

using namespace slk::testing;
using namespace std::chrono_literals;

namespace {

/// The default of --wait and --linger: what took less was not the default.
constexpr double default_seconds = 10;

double seconds_of(const std::string& arguments, run_result& result)
{
    const auto begun = std::chrono::steady_clock::now();
    result = run_slk(arguments);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

/// A PULL of the test's own that takes a message or two, and then nothing more.
struct full_receiver {
    slk::context in = *slk::context::create();
    slk::pull socket = *slk::pull::create(in, {.receive_high_water_mark = 1});
    std::string where = *socket.bind("tcp://127.0.0.1:0");
};

/// Far more than what the system keeps between two sockets.
constexpr std::size_t large = 4'000'000;

} // namespace

TEST_CASE(
    "slk send --wait fails without a peer for that time, and prints the endpoint and the reason")
{
    SLK_NEEDS_COMMAND();
    run_result refused;
    CHECK(seconds_of(std::string("send push --wait 100ms hello --connect ") + dead_endpoint,
                     refused) < default_seconds);
    CHECK(refused.code == 4);
    CHECK(has(refused, "not every peer was connected within 0.1 s"));
    CHECK(has(refused, "  tcp://127.0.0.1:1: connect: connection_refused"));
    CHECK(has(refused, "queued 0 messages"));

    const run_result lonely =
        run_slk(std::string("send router --to bob --wait 100ms hello") + any_tcp);
    CHECK(lonely.code == 3);
    CHECK(has(lonely, "'bob' has not connected within 0.1 s"));
    CHECK(has(lonely, ": no peer"));
}

TEST_CASE("slk receive --wait fails when no message arrives within that time")
{
    SLK_NEEDS_COMMAND();
    const run_result nothing =
        run_slk(std::string("receive pull --wait 100ms --connect ") + dead_endpoint);
    CHECK(nothing.code == 4);
    CHECK(has(nothing, "no message arrived for 0.1 s"));
    CHECK(has(nothing, "connection_refused"));
    // The time to end comes first.
    const run_result ended = run_slk(std::string("receive pull --wait 30s --for 100ms") + any_tcp);
    CHECK(ended.code == 0);
    CHECK(has(ended, "received 0 messages"));
}

TEST_CASE("slk send --high-water-mark limits what is queued for a peer")
{
    SLK_NEEDS_COMMAND();
    const full_receiver full;
    const input_file file(std::string(large, 'x'));
    const run_result sent =
        run_slk("send push --json --high-water-mark 2 --wait 500ms --linger 0 --count 100 "
                "--connect " +
                full.where + " --file \"" + file.path() + "\"");
    CAPTURE(sent.out);
    CHECK(sent.code == 3);
    CHECK(has(sent, "there was no room for another message within 0.5 s"));
    const auto lines = lines_of(sent.out);
    REQUIRE_FALSE(lines.empty());
    CHECK(std::stoi(json_value(lines.back(), "queued")) < 100);
}

TEST_CASE("slk send --linger counts the messages that are not sent by then as unsent")
{
    SLK_NEEDS_COMMAND();
    const full_receiver full;
    const input_file file(std::string(large, 'x'));
    run_result sent;
    CHECK(seconds_of("send push --json --linger 100ms --count 20 --connect " + full.where +
                         " --file \"" + file.path() + "\"",
                     sent) < default_seconds);
    CAPTURE(sent.out);
    CHECK(sent.code == 5);
    CHECK(json_value(sent.out, "queued") == "20");
    const int flushed = std::stoi(json_value(sent.out, "flushed"));
    const int unsent = std::stoi(json_value(sent.out, "unsent"));
    CHECK(unsent > 0);
    CHECK(flushed + unsent == 20);

    const run_result as_text = run_slk("send push --linger 0 --count 20 --connect " + full.where +
                                       " --file \"" + file.path() + "\"");
    CHECK(as_text.code == 5);
    CHECK(has(as_text, "  unsent at " + full.where + ": "));
}

TEST_CASE("slk send waits up to --linger until all messages have been sent")
{
    SLK_NEEDS_COMMAND();
    full_receiver full;
    const input_file file(std::string(large, 'x'));
    running_slk sender("send push --json --linger 60s --count 20 --connect " + full.where +
                       " --file \"" + file.path() + "\"");
    slk::message next;
    for (int i = 0; i < 20; ++i) {
        REQUIRE(full.socket.receive(next, 60s).has_value());
        CHECK(next.size() == large);
    }
    const run_result sent = sender.finish();
    CHECK(sent.code == 0);
    CHECK(json_value(sent.out, "flushed") == "20");
}

TEST_CASE("slk send --on-reconnect drops what a lost connection has left when the peer is back")
{
    SLK_NEEDS_COMMAND();
    const input_file file(std::string(large, 'x'));
    // Nothing lapses if the connection is lost before the second message is queued.
    int lapsed = 0;
    for (int attempt = 0; lapsed == 0 && attempt < 20; ++attempt) {
        full_receiver full;
        running_slk sender("send push --json --on-reconnect drop-all --linger 60s --count 10 "
                           "--connect " +
                           full.where + " --file \"" + file.path() + "\"");
        slk::message next;
        REQUIRE(full.socket.receive(next, 60s).has_value());
        REQUIRE(full.socket.unbind(full.where).has_value());
        REQUIRE(full.socket.set_receive_high_water_mark(0).has_value());
        REQUIRE(full.socket.bind(full.where).has_value());
        const run_result sent = sender.finish();
        CAPTURE(sent.out);
        CHECK(sent.code == 0);
        lapsed = std::stoi(json_value(sent.out, "lapsed"));
        CHECK(std::stoi(json_value(sent.out, "flushed")) == 10 - lapsed);
    }
    CHECK(lapsed > 0);

    const run_result wrong = run_slk("send push x --on-reconnect some --connect tcp://127.0.0.1:1");
    CHECK(wrong.code == 2);
    CHECK(has(wrong, "keep-newest"));
}

TEST_CASE("slk send --expires-after drops messages that wait for longer")
{
    SLK_NEEDS_COMMAND();
    const full_receiver full;
    const input_file file(std::string(large, 'x'));
    const run_result sent =
        run_slk("send push --json --expires-after 1ms --linger 300ms --count 10 --connect " +
                full.where + " --file \"" + file.path() + "\"");
    CAPTURE(sent.out);
    const int lapsed = std::stoi(json_value(sent.out, "lapsed"));
    CHECK(lapsed > 0);
    CHECK(std::stoi(json_value(sent.out, "flushed")) + std::stoi(json_value(sent.out, "unsent")) +
              lapsed ==
          10);
}

TEST_CASE("slk receive --plain-server accepts only peers with the password")
{
    SLK_NEEDS_COMMAND();
    receiving_slk receiver("pull --count 2 --plain-server alice:secret --plain-server bob:se:cret");
    const auto try_as = [&](const std::string& options) {
        return run_slk("send push hello --wait 2s --connect " + receiver.where + options);
    };
    const run_result wrong = try_as(" --plain-user alice --plain-password guess");
    CHECK(wrong.code == 4);
    CHECK(has(wrong, "authentication_refused"));
    const run_result unnamed = try_as("");
    CHECK(unnamed.code == 3);
    CHECK(has(unnamed, "handshake: "));
    CHECK(try_as(" --plain-user alice --plain-password secret").code == 0);
    CHECK(try_as(" --plain-user bob --plain-password se:cret").code == 0);
    CHECK(has(receiver.tool.finish(), "received 2 messages"));
}

TEST_CASE("slk keygen makes keys, with which slk receive and slk send use CURVE")
{
    SLK_NEEDS_COMMAND();
    if (!slk::has_curve()) {
        CHECK(run_slk("keygen").code == 1);
        SLK_SKIP("this build is without CURVE");
    }
    const std::string file = unused_path("keys");
    const std::string client = unused_path("client");
    const run_result made = run_slk("keygen \"" + file + "\"");
    REQUIRE(made.code == 0);
    CHECK(slk::curve_public_key::from(made.out.substr(0, 40)).has_value());
    CHECK(run_slk("keygen \"" + file + "\"").code == 1); // it is there
    CHECK(run_slk("keygen \"" + client + "\"").code == 0);
    CHECK(run_slk("keygen").out.starts_with("public "));
    receiving_slk receiver("pull --count 1 --curve-server --curve-key \"" + file +
                           "\" --curve-client \"" + client + "\"");
    const auto try_as = [&](const std::string& options) {
        return run_slk("send push hello --wait 2s --connect " + receiver.where + options);
    };
    CHECK(try_as("").code == 3);
    const run_result stranger = try_as(" --curve-server-key \"" + file + "\"");
    CHECK(stranger.code == 4);
    CHECK(has(stranger, "authentication_refused"));
    CHECK(try_as(" --curve-server-key \"" + file + "\" --curve-key \"" + client + "\"").code == 0);
    CHECK(has(receiver.tool.finish(), "received 1 message"));
    std::filesystem::remove(file);
    std::filesystem::remove(client);
    CHECK(run_slk("send push x --connect tcp://127.0.0.1:1 --curve-server-key none").code == 2);
}

TEST_CASE("slk --verbose shows changes of the endpoints")
{
    SLK_NEEDS_COMMAND();
    receiving_slk receiver("pull --count 2 -v");
    // Time between the messages, because it is only now and then that they look.
    const run_result sent =
        run_slk("send push hello --count 2 --every 500ms --verbose --connect " + receiver.where);
    CHECK(sent.code == 0);
    CHECK(has(sent, "s  " + receiver.where + " ready\n"));
    const run_result received = receiver.tool.finish();
    CHECK(has(received, "s  " + receiver.where + " 1 peer\n"));

    receiving_slk quiet("pull --count 1");
    CHECK_FALSE(has(run_slk("send push hello --connect " + quiet.where), "ready"));
    CHECK_FALSE(has(quiet.tool.finish(), "peer"));
}

TEST_CASE("slk send and slk receive take the backends of the build")
{
    SLK_NEEDS_COMMAND();
    const auto lines = lines_of(run_slk("version").out);
    REQUIRE(lines.size() >= 3);
    const std::string running = " --backend " + lines[2].substr(lines[2].rfind(' ') + 1);
    receiving_slk receiver("pull --count 1" + running);
    CHECK(run_slk("send push hello --connect " + receiver.where + running).code == 0);
    CHECK(receiver.tool.finish().code == 0);
}

TEST_CASE("slk send shows no progress without a terminal")
{
    SLK_NEEDS_COMMAND();
    const receiving_slk receiver("pull --count 5");
    const run_result sent =
        run_slk("send push --count 5 --every 100ms tick --connect " + receiver.where);
    CHECK(sent.code == 0);
    CHECK_FALSE(has(sent, "\x1b"));
    CHECK_FALSE(has(sent, "/s"));
}
