// SPDX-License-Identifier: MPL-2.0
// How slk receive prints messages, and how slk send takes them apart.

#include "input_file.hpp"
#include "receiving_slk.hpp"
#include "support/skip.hpp"

#include <cstdlib>
#include <string>
#include <string_view>

using namespace slk::testing;

namespace {

/// What slk receive prints with these options, when slk send has these.
std::string printed(const std::string& receive, const std::string& send,
                    const std::string& input = "")
{
    CAPTURE(receive);
    CAPTURE(send);
    receiving_slk receiver(receive);
    const std::string type = receive.starts_with("router") ? "dealer" : "push";
    const run_result sent =
        run_slk("send " + type + " --connect " + receiver.where + " " + send, input);
    CAPTURE(sent.out);
    CHECK(sent.code == 0);
    const run_result received = receiver.tool.finish();
    CHECK(received.code == 0);
    const std::size_t end = received.out.rfind("received ");
    REQUIRE(end != std::string::npos);
    return received.out.substr(0, end);
}

/// Whether it is as long as the pattern, and has digits where that has 0.
bool matches(std::string_view text, std::string_view pattern)
{
    if (text.size() != pattern.size())
        return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (pattern[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != pattern[i])
            return false;
    return true;
}

constexpr std::string_view date = "0000-00-00T00:00:00.000000Z";

} // namespace

TEST_CASE("slk receive --format fills a template for each message")
{
    SLK_NEEDS_COMMAND();
    CHECK(printed("pull --count 2 --format \"%o %s %S%%\\n\"", "hello goodbye") ==
          "0 hello 5%\n1 goodbye 7%\n");
    CHECK(printed("pull --count 1 --format \"%t|%b|%p|%P|%S;\" --part-delimiter :",
                  "--parts news one two") == "news|one:two|3||10;");
    CHECK(printed("router --count 1 --format \"%P=%s\\x0a\"", "--id alice hello") ==
          "alice=hello\n");
    CHECK(printed("pull --count 2 --format %s --delimiter \"\\t\"", "a b") == "a\tb\t");
    const std::string times = printed("pull --count 1 --format \"%D %T\\n\"", "x");
    CHECK(matches(times, std::string(date) + " 0000000000000\n"));
    const std::string since = printed("pull --count 1 --format \"%R\\n\"", "x");
    CHECK(since.find('.') != std::string::npos);
    CHECK(std::strtod(since.c_str(), nullptr) < 60);
}

TEST_CASE("slk receive --hex and --quoted print every byte, each message on a line")
{
    SLK_NEEDS_COMMAND();
    const std::string all{"a\"\\\n\r\t\0"
                          "1\x7f\xff\xc3\xbc\x1b",
                          13};
    const input_file bytes(all);
    CHECK(printed("pull --count 1 --hex", "--file " + bytes.path()) ==
          "61225c0a0d0900317fffc3bc1b\n");
    CHECK(printed("pull --count 1 --quoted", "--file " + bytes.path()) ==
          "\"a\\\"\\\\\\n\\r\\t\\0001\\177\\377\xc3\xbc\\033\"\n");
    CHECK(printed("pull --count 1 --hex", "--parts a b") == "61 62\n");
    CHECK(printed("pull --count 1 --quoted --part-delimiter ,", "--parts a b") == "\"a\",\"b\"\n");
    CHECK(printed("pull --count 1 --hex --format \"<%s>\\n\"", "a") == "<61>\n");
}

TEST_CASE("slk receive puts delimiters between messages and their parts, also NUL")
{
    SLK_NEEDS_COMMAND();
    CHECK(printed("pull --count 2 --delimiter \"\\0\"", "a b") == std::string("a\0b\0", 4));
    CHECK(printed("pull --count 1 --part-delimiter \"\\x1f\" --delimiter \"\\036\"",
                  "--parts a b") == "a\x1f"
                                    "b\x1e");
    CHECK(printed("pull --count 1 --part-delimiter +", "--parts a b") == "a+b\n");
    CHECK(printed("pull --count 1 --raw --part-delimiter +", "--parts a b") == "a+b");
}

TEST_CASE("slk receive --time puts the date and the time in front of each message")
{
    SLK_NEEDS_COMMAND();
    CHECK(matches(printed("pull --count 1 --time", "hello"), std::string(date) + " hello\n"));
    CHECK(matches(printed("pull --count 1 --time --hex", "J"), std::string(date) + " 0a\n"));
    const std::string json = printed("pull --count 1 --time --json", "hello");
    CHECK(matches(json_value(json, "at"), '"' + std::string(date) + '"'));
}

TEST_CASE("slk send reads messages and their parts from stdin by delimiters")
{
    SLK_NEEDS_COMMAND();
    const input_file lines("one\r\ntwo\n\nthree");
    CHECK(printed("pull --count 4 --quoted", "", lines.path()) ==
          "\"one\"\n\"two\"\n\"\"\n\"three\"\n");
    const input_file records(std::string("one\r\0two\n\0", 10));
    CHECK(printed("pull --count 2 --quoted", "--delimiter \"\\0\"", records.path()) ==
          "\"one\\r\"\n\"two\\n\"\n");
    const input_file parts("key=value=x\nname\n");
    CHECK(printed("pull --count 2 --quoted", "--part-delimiter =", parts.path()) ==
          "\"key\" \"value\" \"x\"\n\"name\"\n");
    // A delimiter of several bytes, whose beginning ends a chunk that is read.
    const std::string long_text(std::size_t{64} * 1024 - 1, 'x');
    const input_file chunks(long_text + "--" + long_text);
    CHECK(printed("pull --count 2 --format \"%S \"", "--delimiter -- --", chunks.path()) ==
          "65535 65535 ");
    CHECK(printed("pull --count 4 --format \"%s,\"", "--count 2 --delimiter +",
                  input_file("a+b").path()) == "a,b,a,b,");
}

TEST_CASE("slk explains templates, escapes and delimiters that mean nothing")
{
    SLK_NEEDS_COMMAND();
    const std::string receive = "receive pull --bind tcp://127.0.0.1:0 ";
    const std::string send = "send push --connect tcp://127.0.0.1:1 ";
    struct wrong {
        std::string arguments;
        const char* text;
    };
    for (const wrong& each : {
             wrong{receive + "--format %q", "slk: --format: '%q' is not %s, %t,"},
             {receive + "--format 100%", "slk: --format: '%' is not %s, %t,"},
             {receive + "--delimiter \"\\q\"", "slk: --delimiter: '\\q' has an escape that is not"},
             {receive + "--delimiter \"\\400\"", "--delimiter: '\\400' has an escape"},
             {receive + "--part-delimiter \"\\x\"", "--part-delimiter: '\\x' has an escape"},
             {receive + "--json --hex", "--hex"},
             {receive + "--raw --time", "--time"},
             {send + "--delimiter \"\\0\" hello", "delimiters are for messages that are read from"},
             {send + "--parts --part-delimiter x", "--parts and a delimiter of parts exclude"},
         }) {
        CAPTURE(each.arguments);
        const run_result result = run_slk(each.arguments);
        CAPTURE(result.out);
        CHECK(result.code == 2);
        CHECK(has(result, each.text));
    }
}

#if !defined(_WIN32)

TEST_CASE("Python reads the JSON of slk receive, and finds every byte of random messages in it")
{
    SLK_NEEDS_COMMAND();
    const char* const root = std::getenv("SLK_SOURCE_ROOT");
    if (root == nullptr || run_program("command", "-v python3").code != 0)
        SLK_SKIP("needs python3 and the sources");
    for (const char* seed : {"1", "2", "3"}) {
        CAPTURE(seed);
        const run_result result = run_program(
            "python3", '"' + std::string(root) + "/tests/tool/json_of_random_bytes.py\" \"" +
                           std::getenv("SLK_COMMAND") + "\" " + seed);
        CAPTURE(result.out);
        CHECK(result.code == 0);
        CHECK(has(result, "all parts arrived"));
    }
}

#endif
