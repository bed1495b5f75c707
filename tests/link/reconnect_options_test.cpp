// SPDX-License-Identifier: MPL-2.0
// The effect of each field of reconnect_options on the connecter's machine.

#include "link/connecter_machine.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <utility>

namespace {

using namespace std::chrono_literals;
using namespace slk;
using namespace slk::link_detail;

constexpr error refused{errc::connection_refused, phase::connect};
constexpr error reset_by_peer{errc::connection_reset, phase::transfer};

/// A machine with its time, its random bits and one address to connect to.
class driver {
public:
    explicit driver(reconnect_options options = {}) : options_(options) {}

    connecter_actions feed(link_event event, const error& failure = {})
    {
        return machine.step(options_, {now, random},
                            {.event = event, .failure = failure, .candidates = 1, .candidate = 0});
    }
    void fail_attempt(const error& why)
    {
        feed(link_event::resolved);
        feed(link_event::bound);
        feed(link_event::failed, why);
    }
    void connect()
    {
        feed(link_event::resolved);
        feed(link_event::bound);
        feed(link_event::completed);
        feed(link_event::tuned);
        REQUIRE(machine.state() == link_state::connected);
    }
    void retry()
    {
        REQUIRE(machine.state() == link_state::backoff);
        now = machine.next_attempt();
        feed(link_event::retry_due);
        REQUIRE(machine.state() == link_state::binding);
    }

    connecter_machine machine;
    time_point now{1h};
    std::uint64_t random = 0;

private:
    const reconnect_options options_;
};

constexpr std::uint64_t luckiest = 0;
constexpr std::uint64_t unluckiest = UINT64_MAX;

/// The delays after consecutive failures.
std::array<duration, 5> delays(const reconnect_options& options, std::uint64_t random)
{
    std::array<duration, 5> seen{};
    driver link(options);
    link.random = random;
    link.feed(link_event::start);
    for (duration& delay : seen) {
        link.fail_attempt(refused);
        delay = link.machine.delay();
        CHECK(link.machine.next_attempt() == link.now + delay);
        link.retry();
    }
    return seen;
}

error an_error_of(failure_class wanted)
{
    for (std::uint16_t code = 1; code <= static_cast<std::uint16_t>(errc::unknown); ++code) {
        const error candidate{static_cast<errc>(code), phase::none};
        if (classify(candidate) == wanted)
            return candidate;
    }
    FAIL("no error is of this class");
    return {};
}

} // namespace

TEST_CASE("base, floor and cap make the delays of a link that fails again and again")
{
    reconnect_options options;
    options.base = 10ms;
    options.floor = 3ms;
    options.cap = 50ms;
    CHECK(delays(options, luckiest) == std::array<duration, 5>{3ms, 3ms, 3ms, 3ms, 3ms});
    CHECK(delays(options, unluckiest) == std::array<duration, 5>{13ms, 23ms, 43ms, 53ms, 53ms});
    options.base = 20ms;
    CHECK(delays(options, unluckiest) == std::array<duration, 5>{23ms, 43ms, 53ms, 53ms, 53ms});
    options.cap = 100ms;
    CHECK(delays(options, unluckiest) == std::array<duration, 5>{23ms, 43ms, 83ms, 103ms, 103ms});
    options.floor = 0ms;
    CHECK(delays(options, unluckiest) == std::array<duration, 5>{20ms, 40ms, 80ms, 100ms, 100ms});
}

TEST_CASE("connect_timeout is the deadline of every attempt, and 0 sets none")
{
    for (const duration timeout : {duration(0), duration(70ms), duration(9s)}) {
        reconnect_options options;
        options.connect_timeout = timeout;
        driver link(options);
        const auto expected = [&] { return timeout == 0ms ? never : link.now + timeout; };
        CHECK(link.feed(link_event::start).arm == expected());
        link.fail_attempt(refused);
        link.now = link.machine.next_attempt();
        CHECK(link.feed(link_event::retry_due).arm == expected());
    }
}

TEST_CASE("stable_after is the life of a useful connection that resets the backoff")
{
    for (const duration stable_after : {duration(1s), duration(20s)}) {
        for (const bool long_enough : {false, true}) {
            reconnect_options options;
            options.stable_after = stable_after;
            driver link(options);
            link.feed(link_event::start);
            for (int round = 0; round < 3; ++round) {
                link.fail_attempt(refused);
                link.retry();
            }
            link.connect();
            link.feed(link_event::useful);
            link.now += long_enough ? stable_after : stable_after - 1ns;
            link.feed(link_event::lost, reset_by_peer);
            CHECK(link.machine.retries() == (long_enough ? 1 : 4));
        }
    }
}

TEST_CASE("a connection that lived shorter than the delay before it does not reset the backoff")
{
    for (const bool long_enough : {false, true}) {
        reconnect_options options;
        options.stable_after = 0ms;
        driver link(options);
        link.random = unluckiest;
        link.feed(link_event::start);
        link.fail_attempt(refused);
        const duration delay = link.machine.delay();
        CHECK(delay == 200ms);
        link.retry();
        link.connect();
        link.feed(link_event::useful);
        link.now += long_enough ? delay : delay - 1ns;
        link.feed(link_event::lost, reset_by_peer);
        CHECK(link.machine.retries() == (long_enough ? 1 : 2));
    }
}

TEST_CASE("useful_when decides whether a silent connection resets the backoff")
{
    for (const usefulness when :
         {usefulness::first_receive, usefulness::connected, usefulness::confirmed}) {
        reconnect_options options;
        options.useful_when = when;
        driver link(options);
        link.feed(link_event::start);
        link.fail_attempt(refused);
        link.retry();
        link.connect();
        CHECK(link.machine.useful() == (when == usefulness::connected));
        link.now += 1h;
        link.feed(link_event::lost, reset_by_peer);
        CHECK(link.machine.retries() == (when == usefulness::connected ? 1 : 2));
    }
}

TEST_CASE("spread_first_attempt delays the first attempt by U[0, base], and only that one")
{
    reconnect_options options;
    options.base = 80ms;
    options.spread_first_attempt = true;
    for (const auto& [random, delay] :
         {std::pair(luckiest, duration(0)), std::pair(unluckiest, duration(80ms))}) {
        driver link(options);
        link.random = random;
        CHECK(link.feed(link_event::start).arm == link.now + delay);
        CHECK(link.machine.state() == link_state::backoff);
        link.retry();
        link.feed(link_event::resolved);
        link.feed(link_event::stop);
        REQUIRE(link.machine.state() == link_state::idle);
        link.feed(link_event::start);
        CHECK(link.machine.state() == link_state::binding);
    }
    driver no_wait;
    no_wait.feed(link_event::start);
    CHECK(no_wait.machine.state() == link_state::binding);
}

TEST_CASE("the policy has a rule for every class, before and after the connection")
{
    for (std::size_t number = 0; number < failure_class_count; ++number) {
        const auto which = static_cast<failure_class>(number);
        const error why = an_error_of(which);
        for (const retry_rule rule :
             {retry_rule::retry, retry_rule::retry_slowly, retry_rule::stop}) {
            INFO(std::string(name_of(which)), " ", std::string(name_of(rule)));
            reconnect_options options;
            // Every other class has another rule.
            for (std::size_t other = 0; other < failure_class_count; ++other)
                options.policy.set(static_cast<failure_class>(other),
                                   rule == retry_rule::stop ? retry_rule::retry : retry_rule::stop);
            options.policy.set(which, rule);
            const auto check = [&](driver& link) {
                CHECK(link.machine.reason() == why);
                if (rule == retry_rule::stop) {
                    CHECK(link.machine.state() == link_state::idle);
                    return;
                }
                CHECK(link.machine.state() == link_state::backoff);
                const bool slow = rule == retry_rule::retry_slowly;
                CHECK(link.machine.delay() == options.floor + (slow ? options.cap / 2 : 0ms));
            };
            driver lookup(options);
            lookup.feed(link_event::start);
            lookup.feed(link_event::failed, why);
            check(lookup);
            driver dialling(options);
            dialling.feed(link_event::start);
            dialling.fail_attempt(why);
            check(dialling);
            driver lost(options);
            lost.feed(link_event::start);
            lost.connect();
            lost.feed(link_event::lost, why);
            check(lost);
        }
    }
}

TEST_CASE("reconnect_never stops after a failed attempt and after a lost connection")
{
    reconnect_options options;
    options.base = reconnect_never;
    driver failing(options);
    failing.feed(link_event::start);
    failing.fail_attempt(refused);
    CHECK(failing.machine.state() == link_state::idle);
    CHECK(failing.machine.reason() == refused);
    driver lost(options);
    lost.feed(link_event::start);
    lost.connect();
    lost.feed(link_event::lost, reset_by_peer);
    CHECK(lost.machine.state() == link_state::idle);
    CHECK(lost.machine.reason() == reset_by_peer);
}
