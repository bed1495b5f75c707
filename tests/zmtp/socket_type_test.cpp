// SPDX-License-Identifier: MPL-2.0
#include "zmtp/socket_type.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <utility>

using namespace slk::zmtp;

TEST_CASE("a socket type is found by its name, and by no other spelling")
{
    for (std::size_t number = 0; number < socket_type_count; ++number) {
        const auto which = static_cast<socket_type>(number);
        CHECK(socket_type_named(name_of(which)) == which);
    }
    for (const char* name : {"", "dealer", "Dealer", "DEALER ", "STREAM", "RADIO", "PU"})
        CHECK_FALSE(socket_type_named(name).has_value());
}

TEST_CASE("exactly the legal pairs of socket types may talk")
{
    const std::set<std::pair<std::string, std::string>> legal{
        {"REQ", "REP"},    {"REQ", "ROUTER"},    {"REP", "REQ"},       {"REP", "DEALER"},
        {"DEALER", "REP"}, {"DEALER", "DEALER"}, {"DEALER", "ROUTER"}, {"ROUTER", "REQ"},
        {"PAIR", "PAIR"},  {"ROUTER", "DEALER"}, {"ROUTER", "ROUTER"}, {"PUSH", "PULL"},
        {"PUB", "SUB"},    {"PUB", "XSUB"},      {"XPUB", "SUB"},      {"XPUB", "XSUB"},
        {"SUB", "PUB"},    {"SUB", "XPUB"},      {"XSUB", "PUB"},      {"XSUB", "XPUB"},
        {"PULL", "PUSH"},
    };
    for (std::size_t own = 0; own < socket_type_count; ++own)
        for (std::size_t peer = 0; peer < socket_type_count; ++peer) {
            const std::string one(name_of(static_cast<socket_type>(own)));
            const std::string other(name_of(static_cast<socket_type>(peer)));
            INFO(one, " ", other);
            CHECK(may_talk(static_cast<socket_type>(own), static_cast<socket_type>(peer)) ==
                  legal.contains({one, other}));
        }
}
