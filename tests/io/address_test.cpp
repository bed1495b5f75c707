// SPDX-License-Identifier: MPL-2.0
#include "io/os/system.hpp"

#include <serverlink/address.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace slk;

TEST_CASE("a numeric address is parsed and printed")
{
    struct example {
        const char* text;
        const char* printed;
    };
    constexpr example examples[] = {
        {"192.0.2.1", "192.0.2.1:80"},
        {"0.0.0.0", "0.0.0.0:80"},
        {"255.255.255.255", "255.255.255.255:80"},
        {"::", "[::]:80"},
        {"::1", "[::1]:80"},
        {"2001:DB8::1", "[2001:db8::1]:80"},
        {"2001:db8:0:0:0:0:0:1", "[2001:db8::1]:80"},
        {"::ffff:192.0.2.1", "[::ffff:192.0.2.1]:80"},
        {"fe80::1%7", "[fe80::1%7]:80"},
    };
    for (const example& each : examples) {
        CAPTURE(std::string(each.text));
        const auto value = address::parse(each.text, 80);
        REQUIRE(value.has_value());
        CHECK(to_string(*value) == each.printed);
        CHECK(value->port == 80);
    }
    CHECK(to_string(address{}) == "-");
}

TEST_CASE("a host that is not numeric is an error value, and no name service is asked")
{
    using namespace std::string_view_literals;
    for (const std::string_view text :
         {""sv, "localhost"sv, "1.2.3"sv, "1.2.3.4.5"sv, "256.0.0.1"sv, " 1.2.3.4"sv, "1.2.3.4 "sv,
          "01.2.3.4x"sv, "[::1]"sv, "::1]"sv, ":::1"sv, "1.2.3.4%1"sv, "1.2.3.4\0"sv, "::1\0x"sv,
          "fe80::1%"sv, "fe80::1%no-such-interface"sv, "fe80::1%0"sv, "%"sv, "example.com"sv}) {
        CAPTURE(std::string(text));
        const auto value = address::parse(text, 80);
        REQUIRE(!value.has_value());
        CHECK(value.error() == errc::invalid_argument);
    }
    CHECK(!address::parse(std::string(100000, '1'), 80).has_value());
}

TEST_CASE("the wildcard, the loopback and link-local addresses are recognised")
{
    CHECK(address::any(address_family::ipv4).is_any());
    CHECK(address::any(address_family::ipv6, 7).is_any());
    CHECK(!address{}.is_any());
    CHECK(address::loopback(address_family::ipv4, 1).is_loopback());
    CHECK(address::loopback(address_family::ipv6, 1).is_loopback());
    CHECK(address::parse("127.255.0.3", 0)->is_loopback());
    CHECK(address::parse("::ffff:127.0.0.1", 0)->is_loopback());
    CHECK(!address::parse("::ffff:128.0.0.1", 0)->is_loopback());
    CHECK(!address::parse("126.0.0.1", 0)->is_loopback());
    CHECK(!address::parse("::2", 0)->is_loopback());
    CHECK(address::parse("fe80::1", 0)->is_link_local_ipv6());
    CHECK(address::parse("febf::1", 0)->is_link_local_ipv6());
    CHECK(!address::parse("fec0::1", 0)->is_link_local_ipv6());
    CHECK(!address::parse("254.128.0.1", 0)->is_link_local_ipv6());
}

TEST_CASE("the resolver returns numeric hosts, and name_not_found for an impossible name")
{
    REQUIRE(io::os::start_network().has_value());
    const auto numeric = io::os::resolve("127.0.0.1", 99);
    REQUIRE(numeric.has_value());
    REQUIRE(numeric->size() == 1);
    CHECK(numeric->front() == address::loopback(address_family::ipv4, 99));
    const auto bad = io::os::resolve("", 99);
    REQUIRE(!bad.has_value());
    CHECK(bad.error().phase == phase::resolve);
}
