// SPDX-License-Identifier: MPL-2.0
#include "input_file.hpp"
#include "receiving_slk.hpp"
#include "run_slk.hpp"
#include "support/skip.hpp"

#include "tools/support/json.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

using slk::tool::json_object;
using namespace slk::testing;

namespace {

/// UTF-8 by its definition (RFC 3629), which JSON requires (RFC 8259, section 8.1).
bool is_utf8(const std::string& text)
{
    const auto byte = [&](std::size_t at) {
        return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
    };
    for (std::size_t at = 0; at < text.size();) {
        const unsigned first = byte(at);
        const std::size_t more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
        if ((first >= 0x80 && first < 0xc2) || first > 0xf4)
            return false;
        for (std::size_t next = 1; next <= more; ++next)
            if (byte(at + next) < 0x80 || byte(at + next) > 0xbf)
                return false;
        at += more + 1;
    }
    return true;
}

/// The value of the member "key" of {"key":"..."}, read by RFC 8259; empty if the text is
/// not such an object.
std::string text_member(const std::string& json)
{
    const std::string intro = R"({"key":")";
    if (!json.starts_with(intro) || !json.ends_with("\"}"))
        return "";
    std::string value;
    for (std::size_t at = intro.size(); at < json.size() - 2; ++at) {
        if (static_cast<unsigned char>(json[at]) < 0x20 || json[at] == '"')
            return "";
        if (json[at] != '\\') {
            value += json[at];
            continue;
        }
        switch (json[++at]) {
        case '"':
        case '\\':
        case '/': value += json[at]; break;
        case 'b': value += '\b'; break;
        case 'f': value += '\f'; break;
        case 'n': value += '\n'; break;
        case 'r': value += '\r'; break;
        case 't': value += '\t'; break;
        case 'u':
            value += static_cast<char>(std::stoi(json.substr(at + 1, 4), nullptr, 16));
            at += 4;
            break;
        default: return "";
        }
    }
    return value;
}

} // namespace

TEST_CASE("JSON holds every byte of ASCII, and replaces each byte that is not UTF-8")
{
    for (int value = 0; value < 256; ++value) {
        CAPTURE(value);
        const std::string text = "<" + std::string(1, static_cast<char>(value)) + ">";
        const std::string json = json_object().text("key", text).str();
        CHECK(is_utf8(json));
        CHECK(text_member(json) == (value < 128 ? text : "<\xef\xbf\xbd>"));
    }
    CHECK(text_member(json_object().text("key", "gr\xc3\xbc\xc3\x9f").str()) ==
          "gr\xc3\xbc\xc3\x9f");
}

TEST_CASE("JSON members keep their order, and nest")
{
    const json_object inner = json_object().number("b", std::uint64_t{7}).null("a");
    CHECK(json_object().array("list", {inner, inner}).object("one", inner).str() ==
          R"({"list":[{"b":7,"a":null},{"b":7,"a":null}],"one":{"b":7,"a":null}})");
}

TEST_CASE("JSON numbers are rounded, and those that JSON cannot hold are null")
{
    CHECK(json_object().number("n", 1.23456).str() == R"({"n":1.235})");
    CHECK(json_object().number("n", 1.23456, 1).str() == R"({"n":1.2})");
    CHECK(json_object().number("n", std::nan("")).str() == R"({"n":null})");
    CHECK(json_object().number("n", std::numeric_limits<double>::infinity()).str() ==
          R"({"n":null})");
}

TEST_CASE("slk receive --json prints a part with any byte value as JSON")
{
    SLK_NEEDS_COMMAND();
    receiving_slk receiver("pull --json --count 256", any_tcp);
    // Each line of stdin is a message; a line end cannot be one.
    std::string all;
    for (int value = 0; value < 256; ++value) {
        all += value == '\n' ? "newline" : std::string(1, static_cast<char>(value));
        all += '\n';
    }
    const input_file bytes(all);
    CHECK(run_slk("send push --wait 30s --connect " + receiver.where, bytes.path()).code == 0);
    const auto lines = lines_of(receiver.tool.finish().out);
    REQUIRE(lines.size() >= 256);
    for (int value = 0; value < 256; ++value) {
        CAPTURE(lines[static_cast<std::size_t>(value)]);
        CHECK(is_utf8(lines[static_cast<std::size_t>(value)]));
        const bool is_text = value < 128;
        const std::string member = is_text ? "text" : "base64";
        CHECK_FALSE(json_value(lines[static_cast<std::size_t>(value)], member).empty());
    }
}
