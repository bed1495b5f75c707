// SPDX-License-Identifier: MPL-2.0
#include "pattern/glob.hpp"

#include "pattern/peers.hpp"

#include <serverlink/random.hpp>

#include "../../fuzz/naive_glob.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace slk;
using namespace slk::testing;
using pattern::glob;

namespace {

bool glob_matches(std::string_view pattern, std::string_view text)
{
    const auto compiled = glob::compile(bytes_of(pattern));
    CAPTURE(pattern);
    REQUIRE(compiled);
    return compiled->matches(bytes_of(text));
}

std::string_view beginning(std::string_view pattern)
{
    static glob::beginning kept;
    kept = glob::beginning_of(bytes_of(pattern));
    return {reinterpret_cast<const char*>(kept.bytes.data()), kept.size};
}

} // namespace

TEST_CASE("a glob matches the whole text, byte by byte")
{
    CHECK(glob_matches("", ""));
    CHECK_FALSE(glob_matches("", "a"));
    CHECK(glob_matches("abc", "abc"));
    CHECK_FALSE(glob_matches("abc", "abcd"));
    CHECK_FALSE(glob_matches("abc", "ab"));
    CHECK(glob_matches("*", ""));
    CHECK(glob_matches("*", "anything"));
    CHECK(glob_matches("a*", "a"));
    CHECK(glob_matches("a*c", "abbbc"));
    CHECK_FALSE(glob_matches("a*c", "abbb"));
    CHECK(glob_matches("*.log", "a.b.log"));
    CHECK(glob_matches("a**b***c", "a--b-c"));
    CHECK(glob_matches("?", "x"));
    CHECK_FALSE(glob_matches("?", ""));
    CHECK_FALSE(glob_matches("?", "xy"));
    CHECK(glob_matches("a?c*e", "abcde"));
    CHECK(glob_matches("*?*", "x"));
    CHECK_FALSE(glob_matches("*?*", ""));
    CHECK(glob_matches(std::string_view("a\0*", 3), std::string_view("a\0\xff", 3)));
}

TEST_CASE("sets have bytes and ranges, and may be inverted")
{
    CHECK(glob_matches("[abc]", "b"));
    CHECK_FALSE(glob_matches("[abc]", "d"));
    CHECK(glob_matches("[a-cx-z]9", "y9"));
    CHECK_FALSE(glob_matches("[a-cx-z]9", "w9"));
    CHECK(glob_matches("[a-zA-Z]*", "Q1"));
    CHECK_FALSE(glob_matches("[a-zA-Z]*", "1Q"));
    CHECK(glob_matches("[^a-z]", "A"));
    CHECK(glob_matches("[!a-z]", "A"));
    CHECK_FALSE(glob_matches("[^a-z]", "m"));
    CHECK_FALSE(glob_matches("[^a-z]", ""));
    CHECK(glob_matches("[]x]", "]"));
    CHECK(glob_matches("[^]x]", "a"));
    CHECK_FALSE(glob_matches("[^]x]", "]"));
    CHECK(glob_matches("[a-]", "-"));
    CHECK(glob_matches("[-a]", "-"));
    CHECK(glob_matches("[\\]]", "]"));
    CHECK(glob_matches("[\\a-\\c]", "b"));
    CHECK(glob_matches("[a^]", "^"));
    CHECK(glob_matches("[*?]", "*"));
    CHECK_FALSE(glob_matches("[*?]", "a"));
}

TEST_CASE("a backslash takes the next byte as it is")
{
    CHECK(glob_matches("\\*", "*"));
    CHECK_FALSE(glob_matches("\\*", "a"));
    CHECK(glob_matches("\\[a]", "[a]"));
    CHECK(glob_matches("\\\\?", "\\x"));
    CHECK(glob_matches("\\a", "a"));
}

TEST_CASE("a malformed pattern, and one that is too long, are refused with a reason")
{
    for (const char* const text :
         {"[", "[a", "a[]", "[^]", "[a-", "[z-a]", "[b-\\a]", "\\", "a\\"}) {
        CAPTURE(text);
        const auto refused = glob::compile(bytes_of(text));
        REQUIRE_FALSE(refused);
        CHECK(refused.error() == errc::invalid_argument);
        CHECK(refused.error().detail != nullptr);
    }
    const std::string longest(glob::max_size, '?');
    CHECK(glob_matches(longest, longest));
    CHECK_FALSE(glob_matches(longest, longest + "x"));
    CHECK_FALSE(glob::compile(bytes_of(longest + "*")));
}

TEST_CASE("what a pattern begins with are its bytes up to the first special one")
{
    CHECK(beginning("abc") == "abc");
    CHECK(beginning("abc*") == "abc");
    CHECK(beginning("a?c") == "a");
    CHECK(beginning("a[b]c") == "a");
    CHECK(beginning("a\\*b*") == "a*b");
    CHECK(beginning("*") == "");
    CHECK(beginning("") == "");
}

TEST_CASE("a glob and a naive one agree about random patterns and texts")
{
    random_stream random(7);
    const std::string_view of_patterns = "ab*?[]^-\\!";
    int compiled_ones = 0, matching = 0;
    for (int round = 0; round < 5000; ++round) {
        std::string pattern, text;
        for (std::uint64_t left = random.next() % 9; left > 0; --left)
            pattern += of_patterns[random.next() % of_patterns.size()];
        for (std::uint64_t left = random.next() % 7; left > 0; --left)
            text += of_patterns[random.next() % 3];
        const auto compiled = glob::compile(bytes_of(pattern));
        const auto expected = fuzz::naive_glob(pattern, text);
        CAPTURE(pattern);
        CAPTURE(text);
        REQUIRE(compiled.has_value() == expected.has_value());
        if (!compiled)
            continue;
        ++compiled_ones;
        matching += *expected ? 1 : 0;
        REQUIRE(compiled->matches(bytes_of(text)) == *expected);
        if (*expected)
            REQUIRE(text.starts_with(beginning(pattern)));
    }
    CHECK(compiled_ones > 1000);
    CHECK(matching > 100);
}

TEST_CASE("a long pattern of many bits agrees with a naive one")
{
    random_stream random(11);
    for (int round = 0; round < 30; ++round) {
        std::string pattern, text;
        for (std::uint64_t left = 60 + random.next() % 150; left > 0; --left)
            pattern += "aaab?*"[random.next() % 6];
        for (const char each : pattern)
            text.append(each == '*' ? random.next() % 3 : 1, each == 'b' ? 'b' : 'a');
        if (round % 3 == 0 && !text.empty())
            text[random.next() % text.size()] = 'b';
        CAPTURE(pattern);
        CAPTURE(text);
        REQUIRE(glob_matches(pattern, text) == *fuzz::naive_glob(pattern, text));
    }
}

TEST_CASE("a hostile pattern takes no longer than others")
{
    std::string pattern;
    while (pattern.size() + 3 < glob::max_size)
        pattern += "*a?";
    pattern += "b";
    // With a search that goes back, this would not end.
    CHECK_FALSE(glob_matches(pattern, std::string(20'000, 'a')));
}
