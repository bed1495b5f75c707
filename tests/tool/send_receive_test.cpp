// SPDX-License-Identifier: MPL-2.0
// What one slk sends, another one receives.

#include "input_file.hpp"
#include "receiving_slk.hpp"
#include "support/skip.hpp"

#include <string>
#include <vector>

using namespace slk::testing;

namespace {

std::vector<std::string> transports()
{
#if defined(_WIN32)
    return {any_tcp};
#else
    return {any_tcp, any_ipc};
#endif
}

} // namespace

TEST_CASE("slk send reaches slk receive, for every two types that fit, over tcp and ipc")
{
    SLK_NEEDS_COMMAND();
    struct fitting {
        const char* sender;
        const char* receiver;
        const char* shown;
    };
    for (const std::string& at : transports())
        for (const fitting& each : {
                 fitting{"push", "pull", "hello\n"},
                 {"pair", "pair", "hello\n"},
                 {"dealer", "dealer", "hello\n"},
                 {"dealer --id alice", "router", "[alice] hello\n"},
                 {"router --id alice --to bob", "dealer --id bob", "hello\n"},
                 {"router --id alice --to bob", "router --id bob", "[alice] hello\n"},
             }) {
            CAPTURE(at);
            CAPTURE(each.sender);
            receiving_slk receiver(std::string(each.receiver) + " --count 1", at);
            const run_result sent = run_slk("send " + std::string(each.sender) + " --connect " +
                                            receiver.where + " hello");
            CAPTURE(sent.out);
            CHECK(sent.code == 0);
            CHECK(has(sent, "queued 1 message, 5 bytes: flushed 1, unsent 0"));
            const run_result received = receiver.tool.finish();
            CHECK(received.code == 0);
            CHECK(received.out == std::string(each.shown) + "received 1 message, 5 bytes\n");
        }
}

TEST_CASE("slk send stream and slk receive stream exchange bytes and nothing else")
{
    SLK_NEEDS_COMMAND();
    for (const std::string& at : transports()) {
        CAPTURE(at);
        // The bytes of all messages may come in one piece.
        receiving_slk receiver("stream --count 1 --raw", at);
        const run_result sent = run_slk("send stream --connect " + receiver.where + " hello");
        CHECK(sent.code == 0);
        CHECK(has(sent, "queued 1 message, 5 bytes: flushed 1, unsent 0"));
        const run_result received = receiver.tool.finish();
        CHECK(received.code == 0);
        CHECK(received.out == "helloreceived 1 message, 5 bytes\n");
    }
    receiving_slk receiver("stream --count 1", any_tcp);
    CHECK(run_slk("send stream --connect " + receiver.where + " hello").code == 0);
    const run_result named = receiver.tool.finish();
    CHECK(named.out.starts_with("[0x00"));
    CHECK(has(named, "] hello\n"));
}

TEST_CASE("slk send publishes to slk receive, which gets what it has subscribed to")
{
    SLK_NEEDS_COMMAND();
    for (const char* const sender : {"pub", "xpub"})
        for (const char* const receiver : {"sub", "xsub"}) {
            CAPTURE(sender);
            CAPTURE(receiver);
            receiving_slk some(std::string(receiver) + " --subscribe a --subscribe cc --count 2",
                               any_tcp);
            const run_result sent =
                run_slk("send " + std::string(sender) + " --connect " + some.where + " b1 a1 c cc");
            CHECK(sent.code == 0);
            CHECK(has(sent, "queued 4 messages, 7 bytes: flushed 2, unsent 0, for nobody 2"));
            CHECK(some.tool.finish().out == "a1\ncc\nreceived 2 messages, 4 bytes\n");
            // Without --subscribe it is everything.
            receiving_slk all(std::string(receiver) + " --count 1", any_tcp);
            CHECK(
                run_slk("send " + std::string(sender) + " --connect " + all.where + " any").code ==
                0);
            CHECK(all.tool.finish().out == "any\nreceived 1 message, 3 bytes\n");
        }
    receiving_slk matching("sub --pattern \"a?\" --pattern \"*[xy]\" --count 2", any_tcp);
    CHECK(run_slk("send pub --connect " + matching.where + " a a1 b abx").code == 0);
    CHECK(has(matching.tool.finish(), "a1\nabx\nreceived 2 messages"));
    CHECK(run_slk("receive sub" + std::string(any_tcp) + "--pattern \"[\"").code == 2);
    CHECK(has(run_slk("receive xsub" + std::string(any_tcp) + "--pattern a"),
              "is for sub, not for xsub"));
    CHECK(has(run_slk("receive pull" + std::string(any_tcp) + "--subscribe a"),
              "is for sub and xsub, not for pull"));
}

TEST_CASE("slk send ends when a receiver that starts later has connected")
{
    SLK_NEEDS_COMMAND();
    listening_slk sender(std::string("send push --wait 30s hello") + any_tcp);
    const run_result received =
        run_slk("receive pull --count 1 --wait 30s --connect " + sender.where);
    CHECK(received.code == 0);
    CHECK(has(received, "hello\n"));
    CHECK(sender.tool.finish().code == 0);
}

TEST_CASE("slk send tries again until a receiver listens where it connects")
{
#if defined(_WIN32)
    SLK_SKIP("there may be no ipc");
#else
    SLK_NEEDS_COMMAND();
    const std::string where = "ipc://" + unused_path(".sock");
    running_slk sender("send push --wait 30s -v --connect " + where + " hello");
    std::string line = sender.line();
    while (!line.empty() && line.find(" backoff ") == std::string::npos)
        line = sender.line();
    CHECK_FALSE(line.empty());
    const run_result received = run_slk("receive pull --count 1 --wait 30s --bind " + where);
    CHECK(received.code == 0);
    CHECK(has(received, "hello\n"));
    CHECK(sender.finish().code == 0);
#endif
}

TEST_CASE("slk send and slk receive take several endpoints, bound and connected")
{
    SLK_NEEDS_COMMAND();
    receiving_slk first("pull --count 2");
    receiving_slk second("pull --count 2", std::string(any_tcp) + any_tcp);
    const std::string other = second.tool.line();
    REQUIRE(other.starts_with("listening on tcp://"));
    // The second one is met at both of its endpoints.
    const run_result sent = run_slk("send push --connect " + first.where + " --connect " +
                                    second.where + " one two three four");
    CHECK(sent.code == 0);
    CHECK(first.tool.finish().code == 0);
    CHECK(second.tool.finish().code == 0);

    receiving_slk third("pull --count 1", std::string(any_tcp) + any_tcp);
    const std::string line = third.tool.line();
    REQUIRE(line.starts_with("listening on "));
    CHECK(run_slk("send push --connect " + line.substr(13) + " here").code == 0);
    CHECK(third.tool.finish().code == 0);

    listening_slk sender(std::string("send push --wait 30s one") + any_tcp);
    receiving_slk mixed("pull --count 2 --connect " + sender.where);
    CHECK(run_slk("send push two --connect " + mixed.where).code == 0);
    const run_result both = mixed.tool.finish();
    CHECK(has(both, "one\n"));
    CHECK(has(both, "two\n"));
}

TEST_CASE("slk send sends each word, and what is in brackets or looks like an option after --")
{
    SLK_NEEDS_COMMAND();
    receiving_slk receiver("pull --count 6");
    const run_result sent =
        run_slk("send push --connect " + receiver.where + " one \"[1,2]\" {} \"\" -- --two send");
    CAPTURE(sent.out);
    CHECK(sent.code == 0);
    CHECK(receiver.tool.finish().out ==
          "one\n[1,2]\n{}\n(empty)\n--two\nsend\nreceived 6 messages, 19 bytes\n");

    receiving_slk single("pull --count 1");
    CHECK(run_slk("send push --connect " + single.where + " {}").code == 0);
    CHECK(single.tool.finish().out == "{}\nreceived 1 message, 2 bytes\n");
}

TEST_CASE("slk send --parts makes one message of all words, and slk receive shows its parts")
{
    SLK_NEEDS_COMMAND();
    receiving_slk receiver("router --count 1");
    CHECK(
        run_slk("send dealer --id alice --parts --connect " + receiver.where + " header \"\" body")
            .code == 0);
    CHECK(receiver.tool.finish().out == "[alice] 3 parts, 10 bytes\n"
                                        "       6  header\n"
                                        "       0  (empty)\n"
                                        "       4  body\n"
                                        "received 1 message, 10 bytes\n");
}

TEST_CASE("slk send without words sends the lines of stdin")
{
    SLK_NEEDS_COMMAND();
    const input_file input("one\r\n\ntwo words\nthe end");
    const auto sent_as = [&](const std::string& options, const std::string& count) {
        receiving_slk receiver("pull --count " + count);
        const run_result sent =
            run_slk("send push " + options + " --connect " + receiver.where, input.path());
        CAPTURE(sent.out);
        CHECK(sent.code == 0);
        return receiver.tool.finish().out;
    };
    CHECK(sent_as("", "4") == "one\n(empty)\ntwo words\nthe end\nreceived 4 messages, 19 bytes\n");
    CHECK(sent_as("--count 2", "8")
              .ends_with("the end\none\n(empty)\ntwo words\nthe end\n"
                         "received 8 messages, 38 bytes\n"));
    CHECK(sent_as("--parts", "1").starts_with("4 parts, 19 bytes\n"));

    const input_file empty("");
    receiving_slk receiver("pull --count 1");
    const run_result nothing = run_slk("send push --connect " + receiver.where, empty.path());
    CHECK(nothing.code == 0);
    CHECK(has(nothing, "queued 0 messages"));
    CHECK(run_slk("send push end --connect " + receiver.where).code == 0);
    CHECK(receiver.tool.finish().out.starts_with("end\n"));
}

TEST_CASE("slk send --file sends files unchanged, and slk receive --raw writes them unchanged")
{
    SLK_NEEDS_COMMAND();
    std::string content;
    for (int i = 0; i < 100'000; ++i)
        content += static_cast<char>(i % 256);
    const input_file file(content);
    const auto arrives = [&](const std::string& options, const std::string& input) {
        receiving_slk receiver("pair --raw --count 1");
        const run_result sent =
            run_slk("send pair --connect " + receiver.where + " " + options, input);
        CAPTURE(sent.out);
        CHECK(sent.code == 0);
        const run_result received = receiver.tool.finish();
        CHECK(received.code == 0);
        return received.out.starts_with(content + "received 1 message, ");
    };
    CHECK(arrives("--file \"" + file.path() + "\"", ""));
    CHECK(arrives("--file -", file.path()));

    receiving_slk both("pull --count 1");
    CHECK(run_slk("send push --parts --connect " + both.where + " --file \"" + file.path() +
                  "\" --file \"" + file.path() + "\"")
              .code == 0);
    const std::string shown = both.tool.finish().out;
    CHECK(shown.starts_with("2 parts, 200000 bytes\n  100000  0x000102"));
    CHECK(shown.find("1f... (100000 bytes)\n") != std::string::npos);

    const run_result absent = run_slk(std::string("send push --file no-such-file") + any_tcp);
    CHECK(absent.code == 1);
    CHECK(has(absent, "cannot read no-such-file"));
}

TEST_CASE("slk receive shows text as it is and other bytes in hexadecimal")
{
    SLK_NEEDS_COMMAND();
    struct shown {
        std::string content;
        std::string as;
    };
    for (const shown& each : {
             shown{"gr\xc3\xbc\xc3\x9f dich\t!", "gr\xc3\xbc\xc3\x9f dich\t!\n"},
             {"two\nlines\n", "two\nlines\n"},
             {"\x1b[31mred", "0x1b5b33316d726564 (8 bytes)\n"},
             {"\xff", "0xff (1 byte)\n"},
             {"\xc0\xaf", "0xc0af (2 bytes)\n"},         // not the shortest form
             {"\xed\xa0\x80", "0xeda080 (3 bytes)\n"},   // half of a pair of UTF-16
             {"\xf4\x90\x80\x80", "0xf4908080 (4 bytes)\n"}, // beyond Unicode
             {"\xe2\x82", "0xe282 (2 bytes)\n"},         // cut off
             {"\xc2\x9b", "0xc29b (2 bytes)\n"},         // a control character
             {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80\n"},
             {"\x7f", "0x7f (1 byte)\n"},
         }) {
        CAPTURE(each.as);
        const input_file file(each.content);
        receiving_slk receiver("pull --count 1");
        CHECK(run_slk("send push --connect " + receiver.where + " --file \"" + file.path() + "\"")
                  .code == 0);
        CHECK(receiver.tool.finish().out.starts_with(each.as));
    }
}

TEST_CASE("slk receive --json prints a whole message on one line")
{
    SLK_NEEDS_COMMAND();
    const input_file binary(std::string("\x00\xff", 2));
    const input_file text("say \"hi\"\n");
    receiving_slk receiver("router --json --count 2");
    CHECK(run_slk("send dealer --id alice --parts --connect " + receiver.where + " --file \"" +
                  binary.path() + "\" --file \"" + text.path() + "\"")
              .code == 0);
    CHECK(run_slk("send dealer --id 0x6100ff --connect " + receiver.where + " plain").code == 0);
    const auto lines = lines_of(receiver.tool.finish().out);
    REQUIRE(lines.size() == 3);
    CHECK(json_value(lines[0], "from") == "\"alice\"");
    CHECK(json_value(lines[0], "size") == "11");
    CHECK(lines[0].ends_with(R"("parts":[{"base64":"AP8="},{"text":"say \"hi\"\n"}]})"));
    CHECK(std::stod(json_value(lines[0], "time")) >= 0);
    CHECK(json_value(lines[1], "from") == "\"0x6100ff\"");
    CHECK(lines[1].ends_with(R"("parts":[{"text":"plain"}]})"));
}

TEST_CASE("slk send router waits for the peer that --to names, and sends to no other")
{
    SLK_NEEDS_COMMAND();
    for (const std::string id : {"bob", "0x620062"}) {
        CAPTURE(id);
        listening_slk sender("send router --wait 30s -v hello --to " + id + any_tcp);
        running_slk other("receive dealer --id eve --count 1 --wait 30s --connect " + sender.where);
        // It continues to wait after another peer has connected.
        CHECK(sender.tool.line().find("1 peer") != std::string::npos);
        const run_result received = run_slk("receive dealer --count 1 --wait 30s --id " + id +
                                            " --connect " + sender.where);
        CHECK(received.code == 0);
        CHECK(has(received, "hello\n"));
        CHECK(sender.tool.finish().code == 0);
        // Only what is for her comes to the other one.
        CHECK(run_slk("send router --to eve --wait 30s bye --bind " + sender.where).code == 0);
        CHECK(other.finish().out.starts_with("bye\n"));
    }
}

TEST_CASE("slk send --count repeats all messages N times, and slk receive --count ends after N")
{
    SLK_NEEDS_COMMAND();
    receiving_slk receiver("pull --count 5");
    const run_result sent =
        run_slk("send push --connect " + receiver.where + " --count 3 tick tock");
    CHECK(has(sent, "queued 6 messages, 24 bytes"));
    // The sixth message may have arrived, too; then it is counted as discarded.
    CHECK(receiver.tool.finish().out.starts_with(
        "tick\ntock\ntick\ntock\ntick\nreceived 5 messages, 20 bytes"));
}

TEST_CASE("slk send --every waits for that time between two messages")
{
    SLK_NEEDS_COMMAND();
    const auto takes = [](const std::string& options) {
        const receiving_slk receiver("pull --count 3");
        const run_result sent =
            run_slk("send push --json --connect " + receiver.where + options + " --count 3 tick");
        CHECK(sent.code == 0);
        CHECK(json_value(sent.out, "queued") == "3");
        CHECK(json_value(sent.out, "flushed") == "3");
        CHECK(json_value(sent.out, "unsent") == "0");
        CHECK(json_value(sent.out, "bytes") == "12");
        return std::stod(json_value(sent.out, "seconds"));
    };
    CHECK(takes(" --every 300ms") >= 0.6);
}
