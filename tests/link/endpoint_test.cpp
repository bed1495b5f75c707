// SPDX-License-Identifier: MPL-2.0
#include <serverlink/endpoint.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {

using namespace slk;

std::string refusal(const std::string& text)
{
    const auto parsed = endpoint::parse(text);
    if (parsed)
        return "accepted";
    CHECK(parsed.error() == errc::invalid_argument);
    return parsed.error().detail != nullptr ? parsed.error().detail : "";
}

} // namespace

TEST_CASE("an endpoint that is printed reads back as the same endpoint")
{
    for (const std::string text :
         {"tcp://db.example:5432", "tcp://192.0.2.1:1", "tcp://[2001:db8::1]:65535",
          "tcp://[::]:80", "tcp://*:80", "tcp://*:0", "tcp://192.0.2.7:0;192.0.2.1:80",
          "tcp://192.0.2.7:1234;host:80", "tcp://[2001:db8::2]:7;[2001:db8::1]:80"}) {
        INFO(text);
        const auto parsed = endpoint::parse(text);
        REQUIRE(parsed.has_value());
        CHECK(to_string(*parsed) == text);
        CHECK(endpoint::parse(to_string(*parsed)) == *parsed);
    }
}

TEST_CASE("an endpoint's parts are where they belong")
{
    const auto plain = endpoint::parse("tcp://db.example:5432");
    REQUIRE(plain.has_value());
    CHECK(plain->host == "db.example");
    CHECK(plain->port == 5432);
    CHECK_FALSE(plain->source.has_value());
    CHECK_FALSE(plain->numeric().has_value());
    const auto sourced = endpoint::parse("tcp://192.0.2.7;[::1]:*");
    REQUIRE(sourced.has_value());
    CHECK(sourced->host == "::1");
    CHECK(sourced->port == 0);
    CHECK(sourced->source == *address::parse("192.0.2.7", 0));
    CHECK(sourced->numeric() == address::loopback(address_family::ipv6, 0));
    CHECK(endpoint::parse("tcp://*:9")->numeric() == address::any(address_family::ipv4, 9));
}

TEST_CASE("what is wrong with an endpoint is said")
{
    CHECK(refusal("") == "an endpoint begins with tcp://");
    CHECK(refusal("udp://a:1") == "an endpoint begins with tcp://");
    CHECK(refusal("TCP://a:1") == "an endpoint begins with tcp://");
    CHECK(refusal("tcp://") == "the port is missing");
    CHECK(refusal("tcp://a") == "the port is missing");
    CHECK(refusal("tcp://[::1]") == "the port is missing");
    CHECK(refusal("tcp://:1") == "the host is missing");
    for (const char* const port : {"", "x", "-1", "+1", "65536", "99999999999", "1 ", " 1", "1x"})
        CHECK(refusal(std::string("tcp://a:") + port) ==
              "the port is not a number from 0 to 65535");
    CHECK(refusal("tcp://[::1:1") == "a bracket is not closed");
    CHECK(refusal("tcp://[a]:1") == "brackets are for IPv6 addresses");
    CHECK(refusal("tcp://[::1]x:1") == "there is something between the bracket and the port");
    CHECK(refusal("tcp://::1:1") == "an IPv6 address needs brackets");
    CHECK(refusal("tcp://[::g]:1") == "the text in brackets is not an IPv6 address");
    CHECK(refusal("tcp://name;b:1") == "the source before ';' is not a numeric address");
    CHECK(refusal("tcp://127.0.0.1:x;b:1") == "the port is not a number from 0 to 65535");
    CHECK(refusal("tcp://" + std::string(254, 'a') + ":1") ==
          "the host is longer than 253 characters");
    CHECK(refusal("tcp://" + std::string(253, 'a') + ":1") == "accepted");
    for (const char* const host : {"a b", "a/b", "a@b", "a;b;c", "a\tb", "a\x80", "a[b"})
        CHECK(refusal(std::string("tcp://") + host + ":1") != "accepted");
    CHECK(refusal(std::string("tcp://a\0b:1", 11)) ==
          "the host has a character that no host name has");
}
