// SPDX-License-Identifier: MPL-2.0
#include <serverlink/endpoint.hpp>

#include <doctest/doctest.h>

#include <string>
#include <tuple>
#include <utility>

namespace {

using namespace slk;

std::string refusal(const std::string& text, errc code = errc::invalid_argument)
{
    const auto parsed = endpoint::parse(text);
    if (parsed)
        return "accepted";
    CHECK(parsed.error() == code);
    return parsed.error().detail != nullptr ? parsed.error().detail : "";
}

} // namespace

TEST_CASE("a printed endpoint parses to the same endpoint")
{
    for (const std::string text : {"tcp://db.example:5432",
                                   "tcp://192.0.2.1:1",
                                   "tcp://[2001:db8::1]:65535",
                                   "tcp://[::]:80",
                                   "tcp://*:80",
                                   "tcp://*:0",
                                   "tcp://192.0.2.7:0;192.0.2.1:80",
                                   "tcp://192.0.2.7:1234;host:80",
                                   "tcp://[2001:db8::2]:7;[2001:db8::1]:80",
                                   "tcp://lo:0",
                                   "tcp://eth0.7:5555",
                                   "tcp://lo:0;host:80",
                                   "tcp://lo:7;[::1]:80",
                                   "ipc://relative",
                                   "ipc:///run/a b/c;d:e*",
                                   "ipc://@abstract/name",
                                   "ipc://*",
                                   "ipc://@@",
                                   "inproc://a",
                                   "inproc://tcp://b"}) {
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
    CHECK(plain->transport == transport::tcp);
    CHECK(plain->host == "db.example");
    CHECK(plain->port == 5432);
    CHECK(plain->source.empty());
    CHECK_FALSE(plain->numeric().has_value());
    const auto sourced = endpoint::parse("tcp://192.0.2.7;[::1]:*");
    REQUIRE(sourced.has_value());
    CHECK(sourced->host == "::1");
    CHECK(sourced->port == 0);
    CHECK(sourced->source == "192.0.2.7");
    CHECK(sourced->source_port == 0);
    CHECK(sourced->numeric() == address::loopback(address_family::ipv6, 0));
    CHECK(endpoint::parse("tcp://*:9")->numeric() == address::any(address_family::ipv4, 9));
}

TEST_CASE("a source is a numeric address or a network interface, with a port or without")
{
    for (const auto& [text, source, port] : {std::tuple{"tcp://lo;a:1", "lo", 0},
                                             {"tcp://lo:0;a:1", "lo", 0},
                                             {"tcp://lo:*;a:1", "lo", 0},
                                             {"tcp://lo:77;a:1", "lo", 77},
                                             {"tcp://127.0.0.5:0;a:1", "127.0.0.5", 0},
                                             {"tcp://[::1]:8;a:1", "::1", 8},
                                             {"tcp://[::1];a:1", "::1", 0},
                                             {"tcp://::1:8;a:1", "::1", 8}}) {
        CAPTURE(text);
        const auto parsed = endpoint::parse(text);
        REQUIRE(parsed.has_value());
        CHECK(parsed->source == source);
        CHECK(parsed->source_port == port);
        CHECK(parsed->host == "a");
        CHECK(parsed->port == 1);
    }
}

TEST_CASE("an IPv6 address without brackets has its port behind the last colon")
{
    for (const auto& [text, same] :
         {std::pair{"tcp://::1:5555", "tcp://[::1]:5555"},
          {"tcp://:::*", "tcp://[::]:0"},
          {"tcp://2001:db8::1:80", "tcp://[2001:db8::1]:80"},
          {"tcp://::ffff:192.0.2.1:80", "tcp://[::ffff:192.0.2.1]:80"}}) {
        CAPTURE(text);
        REQUIRE(endpoint::parse(text).has_value());
        CHECK(endpoint::parse(text) == endpoint::parse(same));
    }
    CHECK(refusal("tcp://::1") == "the host is not an IPv6 address");
    CHECK(refusal("tcp://a:b:1") == "the host is not an IPv6 address");
}

TEST_CASE("a scope is a number, or a network interface of this machine")
{
    const auto numbered = endpoint::parse("tcp://[fe80::1%7]:80");
    REQUIRE(numbered.has_value());
    CHECK(numbered->numeric()->scope == 7);
    CHECK(to_string(*numbered) == "tcp://[fe80::1%7]:80");
    CHECK(endpoint::parse("tcp://fe80::1%7:80") == numbered);
    CHECK(refusal("tcp://[fe80::1%no-such-interface]:80") ==
          "the scope is not a network interface of this machine");
#if defined(__linux__)
    const auto named = endpoint::parse("tcp://[fe80::1%lo]:80");
    REQUIRE(named.has_value());
    CHECK(named->numeric()->scope == 1); // the first interface of every network namespace
#endif
}

TEST_CASE("ipc and inproc have a path or a name and nothing else")
{
    const auto file = endpoint::parse("ipc:///run/db.socket");
    REQUIRE(file.has_value());
    CHECK(file->transport == transport::ipc);
    CHECK(file->host == "/run/db.socket");
    CHECK(file->port == 0);
    CHECK(file->numeric() == address::local());
    const auto inside = endpoint::parse("inproc://work:1");
    REQUIRE(inside.has_value());
    CHECK(inside->transport == transport::inproc);
    CHECK(inside->host == "work:1");
    CHECK_FALSE(inside->numeric().has_value());
    CHECK(endpoint::parse("ipc://same") != endpoint::parse("inproc://same"));
}

TEST_CASE("a numeric address is an endpoint, and only a numeric one")
{
    for (const char* const text :
         {"tcp://127.0.0.1:44399", "tcp://[::]:46865", "tcp://[fe80::1%3]:1"}) {
        CAPTURE(text);
        CHECK(to_string(endpoint::of(*endpoint::parse(text)->numeric())) == text);
    }
    CHECK(endpoint::of(address{}) == endpoint{});
    CHECK(endpoint::of(address::local()) == endpoint{});
}

TEST_CASE("an ipc path has at most 107 bytes, and an abstract name is not empty")
{
    CHECK(refusal("ipc://" + std::string(107, 'p')) == "accepted");
    CHECK(refusal("ipc://" + std::string(108, 'p')) == "the path is longer than 107 bytes");
    CHECK(refusal("ipc://@" + std::string(106, 'p')) == "accepted");
    CHECK(refusal("ipc://@" + std::string(107, 'p')) == "the path is longer than 107 bytes");
    CHECK(refusal("ipc://@") == "the abstract name after '@' is missing");
    CHECK(refusal("ipc://") == "the path is missing");
    CHECK(refusal(std::string("ipc://a\0b", 9)) == "the path has a NUL in it");
    CHECK(refusal("inproc://") == "the name is missing");
}

TEST_CASE("an unknown transport is not supported, and a missing one is the error's detail")
{
    for (const char* const text : {"udp://a:1", "TCP://a:1", "tcp ://a:1", "tcp+ipc://x"})
        CHECK(refusal(text, errc::not_supported) == "the transport is not tcp, ipc or inproc");
    for (const char* const text : {"", "tcp", "tcp:", "tcp:/", "tcp:/a:1", "127.0.0.1:1", "/x"})
        CHECK(refusal(text) == "there is no '://', as in tcp://HOST:PORT");
    CHECK(refusal("://a:1") == "the transport before '://' is missing");
}

TEST_CASE("the error of a bad endpoint has the fault as its detail")
{
    CHECK(refusal("tcp://") == "the host and the port are missing");
    CHECK(refusal("tcp://a") == "the port is missing");
    CHECK(refusal("tcp://127.0.0.1") == "the port is missing");
    CHECK(refusal("tcp://[::1]") == "the port is missing");
    CHECK(refusal("tcp://:1") == "the host is missing");
    for (const char* const port :
         {"", "x", "-1", "+1", "65536", "99999999999", "1 ", " 1", "1x", "**", "80x"})
        CHECK(refusal(std::string("tcp://a:") + port) ==
              "the port is not a number from 0 to 65535");
    CHECK(refusal("tcp://[::1:1") == "a bracket is not closed");
    CHECK(refusal("tcp://[a]:1") == "brackets are for IPv6 addresses");
    CHECK(refusal("tcp://[::1]x:1") == "there is something between the bracket and the port");
    CHECK(refusal("tcp://[::g]:1") == "the host is not an IPv6 address");
    CHECK(refusal("tcp://-a:1") == "no host name begins with '-'");
    for (const char* const source : {"*", "*:0", "*:1"})
        CHECK(refusal("tcp://" + std::string(source) + ";b:1") ==
              "the source before ';' cannot be '*'");
    CHECK(refusal("tcp://;b:1") == "the source before ';' is missing");
    CHECK(refusal("tcp://:1;b:1") == "the source before ';' is missing");
    CHECK(refusal("tcp://127.0.0.1:0;") == "the port is missing");
    CHECK(refusal("tcp://127.0.0.1:x;b:1") == "the port is not a number from 0 to 65535");
    CHECK(refusal("tcp://" + std::string(254, 'a') + ":1") ==
          "the host is longer than 253 characters");
    CHECK(refusal("tcp://" + std::string(253, 'a') + ":1") == "accepted");
    for (const char* const host : {"a b", "a/b", "a@b", "a;b;c", "a\tb", "a\x80", "a[b"})
        CHECK(refusal(std::string("tcp://") + host + ":1") != "accepted");
    CHECK(refusal(std::string("tcp://a\0b:1", 11)) ==
          "the host has a character that no host name has");
}
