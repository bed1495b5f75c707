// SPDX-License-Identifier: MPL-2.0
#include "session_rig.hpp"

#include <doctest/doctest.h>

#include <functional>

using namespace slk;
using namespace slk::zmtp;
using namespace slk::testing;
using namespace std::chrono_literals;

TEST_CASE("every option outside of its range is refused by its name")
{
    static const std::string long_text(256, 'a');
    static const std::string huge_text(32769, 'a');
    static const property bad_names[] = {{"", "v"}, {long_text, "v"}, {"X-a", huge_text}};
    static const property too_much[] = {{"X-a", std::string_view(huge_text).substr(0, 32000)},
                                        {"X-b", std::string_view(huge_text).substr(0, 32000)}};
    struct row {
        const char* name;
        std::function<void(session_options&)> change;
    };
    const row rows[] = {
        {"identity", [](session_options& o) { o.metadata.identity = long_text; }},
        {"identity", [](session_options& o) { o.metadata.identity = {"\0a", 2}; }},
        {"metadata", [](session_options& o) { o.metadata.application = {&bad_names[0], 1}; }},
        {"metadata", [](session_options& o) { o.metadata.application = {&bad_names[1], 1}; }},
        {"metadata", [](session_options& o) { o.metadata.application = {&bad_names[2], 1}; }},
        {"metadata", [](session_options& o) { o.metadata.application = too_much; }},
        {"user", [](session_options& o) { o.own_credentials.user = long_text; }},
        {"password", [](session_options& o) { o.own_credentials.password = long_text; }},
        {"limits", [](session_options& o) { o.limits.part = max_size + 1; }},
        {"limits", [](session_options& o) { o.limits.message = max_size + 1; }},
        {"limits", [](session_options& o) { o.limits.parts = 0; }},
        {"limits", [](session_options& o) { o.limits.command = max_size + 1; }},
        {"timeout", [](session_options& o) { o.handshake_timeout = -1ns; }},
        {"timeout", [](session_options& o) { o.heartbeat_interval = -1ns; }},
        {"timeout", [](session_options& o) { o.heartbeat_timeout = -1ns; }},
        {"timeout", [](session_options& o) { o.heartbeat_ttl = -1ns; }},
        {"heartbeat_ttl", [](session_options& o) { o.heartbeat_ttl = max_ttl + 1ns; }},
    };
    for (const row& each : rows) {
        session_options options;
        CHECK(check(options).has_value());
        each.change(options);
        const auto checked = check(options);
        INFO(std::string(each.name));
        REQUIRE_FALSE(checked.has_value());
        CHECK(checked.error().code == errc::invalid_argument);
        CHECK(checked.error().phase == phase::setup);
        CHECK(std::string_view(checked.error().detail).find(each.name) != std::string_view::npos);
    }
}

TEST_CASE("options at the ends of their ranges are good")
{
    static const std::string longest(255, 'a');
    static const property named[] = {{longest, ""}};
    session_options options;
    options.metadata.identity = longest;
    options.metadata.application = named;
    options.own_credentials = {longest, longest};
    options.limits = {max_size, max_size, max_size, 1};
    options.heartbeat_ttl = max_ttl;
    options.heartbeat_timeout = 0s;
    CHECK(check(options).has_value());
}
