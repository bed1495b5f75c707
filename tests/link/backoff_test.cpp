// SPDX-License-Identifier: MPL-2.0
#include <serverlink/random.hpp>
#include <serverlink/reconnect.hpp>

#include <doctest/doctest.h>

#include <array>
#include <set>
#include <string>

using namespace std::chrono_literals;
using namespace slk;

TEST_CASE("the first retry comes after 100 to 200 ms by default, and none waits beyond 5.1 s")
{
    const reconnect_options options;
    CHECK(backoff_delay(options, 0, 0) == 100ms);
    CHECK(backoff_delay(options, 0, UINT64_MAX) == 200ms);
    CHECK(backoff_delay(options, 1, UINT64_MAX) == 300ms);
    CHECK(backoff_delay(options, 5, UINT64_MAX) == 3300ms);
    CHECK(backoff_delay(options, 6, UINT64_MAX) == 5100ms);
}

TEST_CASE("delays saturate for every n and every duration")
{
    reconnect_options options;
    for (const std::uint32_t retry : {6u, 31u, 32u, 62u, 63u, 64u, 65u, 1000u, UINT32_MAX}) {
        INFO("retry ", retry);
        CHECK(backoff_delay(options, retry, UINT64_MAX) == 5100ms);
        CHECK(backoff_delay(options, retry, 0) == 100ms);
    }
    options.cap = duration::max();
    options.floor = duration::max();
    for (const std::uint32_t retry : {0u, 31u, 62u, 63u, 64u, UINT32_MAX}) {
        CHECK(backoff_delay(options, retry, UINT64_MAX) == duration::max());
        CHECK(slow_backoff_delay(options, UINT64_MAX) == duration::max());
    }
    options.floor = 0ms;
    options.base = duration::max();
    CHECK(backoff_delay(options, UINT32_MAX, UINT64_MAX) == duration::max());
    CHECK(backoff_delay(options, 0, 0) == 0ms);
    options.base = 1ns;
    options.cap = duration::max();
    CHECK(backoff_delay(options, 62, UINT64_MAX) == duration(std::int64_t{1} << 62));
    CHECK(backoff_delay(options, 63, UINT64_MAX) == duration::max());
}

TEST_CASE("different seeds give different delays")
{
    const reconnect_options options;
    std::set<duration> first_delays;
    for (std::uint64_t seed = 0; seed < 1000; ++seed)
        first_delays.insert(backoff_delay(options, 0, random_stream(seed).next()));
    CHECK(first_delays.size() > 995);
}

TEST_CASE("every bad reconnect option is refused by its name")
{
    const auto refusal = [](auto change) {
        reconnect_options options;
        change(options);
        const auto answer = options.validate();
        REQUIRE_FALSE(answer.has_value());
        CHECK(answer.error() == errc::invalid_argument);
        REQUIRE(answer.error().detail != nullptr);
        return std::string(answer.error().detail);
    };
    const auto names = [](const std::string& text, const char* name) {
        return text.find(name) != std::string::npos;
    };
    CHECK(names(refusal([](auto& o) { o.base = -2ms; }), "reconnect.base"));
    CHECK(names(refusal([](auto& o) { o.base = -1ns; }), "reconnect.base"));
    CHECK(names(refusal([](auto& o) { o.floor = -1ns; }), "reconnect.floor"));
    CHECK(names(refusal([](auto& o) { o.cap = -1ns; }), "reconnect.cap"));
    CHECK(names(refusal([](auto& o) { o.cap = o.base - 1ns; }), "reconnect.cap"));
    CHECK(names(refusal([](auto& o) { o.connect_timeout = -1ns; }), "reconnect.connect_timeout"));
    CHECK(names(refusal([](auto& o) { o.stable_after = -1ns; }), "reconnect.stable_after"));
    CHECK(reconnect_options{}.validate().has_value());
    CHECK(reconnect_options{.base = 0ms}.validate().has_value());
    CHECK(reconnect_options{.base = reconnect_never}.validate().has_value());
    CHECK(reconnect_options{.connect_timeout = 0ms}.validate().has_value());
}

TEST_CASE("every error has its failure class, and every class an error")
{
    const std::array<failure_class, static_cast<std::size_t>(errc::unknown) + 1> wanted = {
        failure_class::other,              // ok
        failure_class::other,              // invalid_argument
        failure_class::other,              // invalid_state
        failure_class::unsupported,        // not_supported
        failure_class::other,              // in_progress
        failure_class::other,              // already_exists
        failure_class::other,              // not_found
        failure_class::closed_locally,     // cancelled
        failure_class::other,              // loop_closed
        failure_class::other,              // forked
        failure_class::refused,            // connection_refused
        failure_class::refused,            // self_connect
        failure_class::timed_out,          // timed_out
        failure_class::unreachable,        // network_unreachable
        failure_class::unreachable,        // host_unreachable
        failure_class::unreachable,        // network_down
        failure_class::permission,         // permission_denied
        failure_class::no_local_port,      // address_in_use
        failure_class::bad_local_address,  // address_not_available
        failure_class::no_local_port,      // no_local_port
        failure_class::unsupported,        // address_family_not_supported
        failure_class::name_not_found,     // name_not_found
        failure_class::name_lookup_failed, // name_lookup_failed
        failure_class::connection_lost,    // connection_reset
        failure_class::connection_lost,    // connection_aborted
        failure_class::connection_lost,    // not_connected
        failure_class::peer_closed,        // end_of_stream
        failure_class::connection_lost,    // broken_pipe
        failure_class::out_of_resources,   // too_many_descriptors
        failure_class::out_of_resources,   // out_of_memory
        failure_class::protocol,           // protocol_error
        failure_class::authentication,     // authentication_refused
        failure_class::other,              // rejected
        failure_class::protocol,           // message_too_large
        failure_class::other,              // no_route
        failure_class::other,              // peer_replaced
        failure_class::other,              // would_block
        failure_class::other,              // interrupted
        failure_class::other,              // unknown
    };
    std::set<failure_class> used;
    for (std::size_t code = 0; code < wanted.size(); ++code) {
        const auto failure = static_cast<errc>(code);
        INFO(name_of(failure));
        CHECK(classify(error{failure}) == wanted[code]);
        used.insert(wanted[code]);
    }
    CHECK(used.size() == failure_class_count);
    CHECK(classify(error{static_cast<errc>(60000)}) == failure_class::other);
}

TEST_CASE("only failures that time will hardly mend are retried slowly, and none stops by default")
{
    const retry_policy policy;
    int slow = 0;
    for (std::size_t which = 0; which < failure_class_count; ++which) {
        const auto rule = policy[static_cast<failure_class>(which)];
        CHECK(rule != retry_rule::stop);
        slow += rule == retry_rule::retry_slowly ? 1 : 0;
        CHECK_FALSE(name_of(static_cast<failure_class>(which)).empty());
    }
    CHECK(slow == 7);
    CHECK(retry_policy::stop_on_refused()[failure_class::refused] == retry_rule::stop);
    CHECK(retry_policy::stop_on_refused()[failure_class::timed_out] == retry_rule::retry);
}
