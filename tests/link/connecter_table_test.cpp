// SPDX-License-Identifier: MPL-2.0
#include "link/connecter_machine.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace {

using namespace std::chrono_literals;
using namespace slk;
using namespace slk::link_detail;

constexpr error refused{errc::connection_refused, phase::connect};
constexpr error unreachable{errc::host_unreachable, phase::connect};

/// The inputs that lead a fresh machine to one situation of a state.
struct situation {
    const char* name;
    link_state state;
    std::vector<connecter_input> inputs;
};

connecter_input of(link_event event)
{
    return {.event = event, .failure = {}, .candidates = 0, .candidate = 0};
}

connecter_input of(link_event event, std::uint32_t candidate)
{
    connecter_input input = of(event);
    input.candidate = candidate;
    return input;
}

connecter_input found(std::uint32_t candidates)
{
    return {.event = link_event::resolved, .failure = {}, .candidates = candidates, .candidate = 0};
}

connecter_input with(link_event event, const error& failure)
{
    return {.event = event, .failure = failure, .candidates = 0, .candidate = 0};
}

using inputs = std::vector<connecter_input>;

inputs operator+(inputs first, const inputs& more)
{
    first.insert(first.end(), more.begin(), more.end());
    return first;
}

std::vector<situation> situations()
{
    using enum link_event;
    using enum link_state;
    const inputs looking_up{of(start)};
    const inputs opening = looking_up + inputs{found(1)};
    const inputs opening_one_of_two = looking_up + inputs{found(2)};
    const inputs dialling = opening + inputs{of(bound)};
    const inputs dialling_one_of_two = opening_one_of_two + inputs{of(bound)};
    const inputs opening_while_racing = dialling_one_of_two + inputs{of(stagger)};
    const inputs racing = opening_while_racing + inputs{of(bound, 1)};
    const inputs tuning_it = dialling + inputs{of(completed)};
    const inputs up = tuning_it + inputs{of(tuned)};
    const inputs waiting = looking_up + inputs{with(failed, unreachable)};
    return {
        {"fresh", idle, {}},
        {"paused", idle, {of(pause)}},
        {"stopped", idle, waiting + inputs{of(stop)}},
        {"looking up", binding, looking_up},
        {"looking up, paused", binding, looking_up + inputs{of(pause)}},
        {"lookup out of time", binding, looking_up + inputs{of(deadline)}},
        {"lookup being stopped", binding, looking_up + inputs{of(stop)}},
        {"lookup being restarted", binding, looking_up + inputs{of(stop), of(start)}},
        {"lookup being restarted, paused", binding,
         looking_up + inputs{of(stop), of(start), of(pause)}},
        {"opening the only address", binding, opening},
        {"opening the first of two", binding, opening_one_of_two},
        {"opening the second of two", binding,
         dialling_one_of_two + inputs{with(failed, unreachable)}},
        {"dialling the only address", connecting, dialling},
        {"dialling, paused", connecting, dialling + inputs{of(pause)}},
        {"dialling the first of two", connecting, dialling_one_of_two},
        {"connect out of time", connecting, dialling + inputs{of(deadline)}},
        {"connect being stopped", connecting, dialling + inputs{of(stop)}},
        {"connect out of time, then stopped", connecting,
         dialling + inputs{of(deadline), of(stop)}},
        {"connect being restarted", connecting, dialling + inputs{of(stop), of(start)}},
        {"connect being restarted, paused", connecting,
         dialling + inputs{of(stop), of(start), of(pause)}},
        {"racing, opening the second of two", connecting, opening_while_racing},
        {"racing two", connecting, racing},
        {"race with one left", connecting, racing + inputs{with(failed, unreachable)}},
        {"race out of time", connecting, racing + inputs{of(deadline)}},
        {"race being stopped", connecting, racing + inputs{of(stop)}},
        {"race being restarted", connecting, racing + inputs{of(stop), of(start)}},
        {"tuning", tuning, tuning_it},
        {"tuning, paused", tuning, tuning_it + inputs{of(pause)}},
        {"tuning the first of two", tuning, dialling_one_of_two + inputs{of(completed)}},
        {"connected", connected, up},
        {"connected, paused", connected, up + inputs{of(pause)}},
        {"connected and useful", connected, up + inputs{of(useful)}},
        {"waiting", backoff, waiting},
        {"waiting, paused", backoff, waiting + inputs{of(pause)}},
    };
}

std::vector<reconnect_options> option_sets()
{
    reconnect_options usual;
    reconnect_options stops = usual;
    stops.policy = retry_policy::stop_on_refused();
    reconnect_options stops_always = usual;
    for (std::size_t which = 0; which < failure_class_count; ++which)
        stops_always.policy.set(static_cast<failure_class>(which), retry_rule::stop);
    reconnect_options spread = usual;
    spread.spread_first_attempt = true;
    return {usual, stops, stops_always, spread};
}

bool asks_for_nothing(const connecter_actions& a)
{
    return !a.disarm && !a.cancel && !a.drop_others && !a.close_socket && !a.resolve && !a.open &&
           !a.connect && !a.tune && !a.hand_over && a.arm == never && a.arm_stagger == never &&
           a.subject == reason_subject::unchanged;
}

/// Everything that the machine shows.
auto everything(const connecter_machine& m)
{
    return std::tuple(m.fingerprint(), m.attempt(), m.retries(), m.generation(), m.next_attempt(),
                      m.delay(), m.candidate(), m.connects(), m.reason().code);
}

bool has_row(link_state from, link_event event)
{
    return std::ranges::any_of(connecter_transitions(), [&](const connecter_transition& row) {
        return row.from == from && row.event == event;
    });
}

bool has_row(link_state from, link_event event, link_state to)
{
    return std::ranges::any_of(connecter_transitions(), [&](const connecter_transition& row) {
        return row.from == from && row.event == event && row.to == to;
    });
}

} // namespace

TEST_CASE("the connecter's table names every row once and leaves no state without a way out")
{
    std::set<std::tuple<link_state, link_event, link_state>> rows;
    for (const connecter_transition& row : connecter_transitions()) {
        CHECK_MESSAGE(rows.insert({row.from, row.event, row.to}).second, name_of(row.from), " ",
                      name_of(row.event), " ", name_of(row.to));
        CHECK(row.when != nullptr);
    }
    for (std::size_t state = 0; state < link_state_count; ++state)
        CHECK(std::ranges::any_of(connecter_transitions(), [&](const connecter_transition& row) {
            return row.from == static_cast<link_state>(state) && row.to != row.from;
        }));
}

TEST_CASE("in every situation every event does what the table says, or nothing at all")
{
    std::set<std::tuple<link_state, link_event, link_state>> seen;
    std::size_t walked = 0;
    for (const reconnect_options& options : option_sets()) {
        for (const situation& where : situations()) {
            connecter_machine prepared;
            // A machine that spreads its first attempt begins in backoff.
            reconnect_options beginning = options;
            beginning.spread_first_attempt = false;
            beginning.policy = {};
            time_point now{1h};
            for (const connecter_input& input : where.inputs)
                prepared.step(beginning, {now += 1ms, 42}, input);
            INFO(std::string(where.name));
            REQUIRE(prepared.state() == where.state);
            for (std::size_t number = 0; number < link_event_count; ++number) {
                const auto event = static_cast<link_event>(number);
                for (const error& failure : {refused, unreachable}) {
                    for (std::uint32_t candidates = 0; candidates < 3; ++candidates) {
                        connecter_machine machine = prepared;
                        const auto before = everything(machine);
                        const connecter_actions actions =
                            machine.step(options, {now + 1ms, 7},
                                         {.event = event,
                                          .failure = failure,
                                          .candidates = candidates,
                                          .candidate = prepared.candidate()});
                        ++walked;
                        INFO(name_of(where.state), " ", name_of(event), " ",
                             name_of(machine.state()));
                        const bool moved = everything(machine) != before;
                        if (!has_row(where.state, event)) {
                            CHECK_FALSE(moved);
                            CHECK(asks_for_nothing(actions));
                        }
                        if (!moved && asks_for_nothing(actions))
                            continue;
                        CHECK(has_row(where.state, event, machine.state()));
                        seen.insert({where.state, event, machine.state()});
                    }
                }
            }
        }
    }
    for (const connecter_transition& row : connecter_transitions())
        CHECK_MESSAGE(seen.contains({row.from, row.event, row.to}), name_of(row.from), " ",
                      name_of(row.event), " -> ", name_of(row.to), " was never seen");
    MESSAGE(walked << " steps, " << seen.size() << " different moves, "
                   << connecter_transitions().size() << " rows");
}

TEST_CASE("the first addresses of a name with very many are tried, each once")
{
    connecter_machine machine;
    const reconnect_options options;
    const moment at{time_point{1h}, 42};
    machine.step(options, at, of(link_event::start));
    std::uint32_t opened = machine.step(options, at, found(1'000'000)).open ? 1 : 0;
    while (machine.state() == link_state::binding) {
        CHECK(machine.candidate() == opened - 1);
        opened += machine.step(options, at, with(link_event::failed, refused)).open ? 1 : 0;
    }
    CHECK(opened == connecter_machine::max_candidates);
    CHECK(machine.state() == link_state::backoff);
}

namespace {

/// What the last of these inputs leaves in `subject` and `failed_candidate`: the candidate's
/// number, -1 for no address, -2 for unchanged.
int subject_after(const inputs& given, const reconnect_options& options = {})
{
    connecter_machine machine;
    connecter_actions actions;
    for (const connecter_input& input : given)
        actions = machine.step(options, {time_point{1h}, 42}, input);
    switch (actions.subject) {
    case reason_subject::unchanged: return -2;
    case reason_subject::no_address: return -1;
    case reason_subject::candidate: return static_cast<int>(actions.failed_candidate);
    }
    return -3;
}

connecter_input failed_at(std::uint32_t candidate, const error& failure)
{
    connecter_input input = with(link_event::failed, failure);
    input.candidate = candidate;
    return input;
}

} // namespace

TEST_CASE("the machine knows which address its reason is about")
{
    using enum link_event;
    constexpr int none = -1;
    constexpr int unchanged = -2;
    const inputs looking_up{of(start)};
    const inputs racing = looking_up + inputs{found(3), of(bound, 0), of(stagger), of(bound, 1)};
    const inputs up = racing + inputs{of(completed, 1), of(tuned)};

    CHECK(subject_after(looking_up) == none);
    CHECK(subject_after(looking_up + inputs{with(failed, unreachable)}) == none);
    CHECK(subject_after(looking_up + inputs{found(0)}) == none);
    CHECK(subject_after(looking_up + inputs{of(deadline), with(failed, unreachable)}) == none);

    CHECK(subject_after(racing) == unchanged);
    CHECK(subject_after(racing + inputs{failed_at(0, refused)}) == 0);
    CHECK(subject_after(racing + inputs{failed_at(1, refused)}) == 1);
    CHECK(subject_after(racing + inputs{failed_at(0, refused), of(completed, 1)}) == unchanged);
    CHECK(subject_after(racing + inputs{of(completed, 1), failed_at(1, refused)}) == 1);
    CHECK(subject_after(racing + inputs{of(deadline)}) == unchanged);
    CHECK(subject_after(racing + inputs{of(deadline), failed_at(0, refused)}) == unchanged);
    CHECK(subject_after(racing + inputs{of(deadline), failed_at(0, refused), of(completed, 1)}) ==
          1);
    CHECK(subject_after(racing + inputs{of(completed, 0), of(deadline)}) == 0);

    CHECK(subject_after(up) == unchanged);
    CHECK(subject_after(up + inputs{with(lost, unreachable)}) == 1);
    CHECK(subject_after(up + inputs{with(lost, {errc::cancelled, phase::transfer})}) == none);
    CHECK(subject_after(up + inputs{of(stop)}) == none);
    CHECK(subject_after(up + inputs{with(lost, unreachable), of(retry_due)}) == unchanged);
    CHECK(subject_after(racing + inputs{of(stop), of(start), failed_at(0, refused),
                                        failed_at(1, refused)}) == none);
}

TEST_CASE("an address that fails less gently than an earlier one leaves the reason as it is")
{
    using enum link_event;
    const reconnect_options options{.policy = retry_policy::stop_on_refused()};
    const inputs two = {of(start), found(2), of(bound, 0), of(stagger), of(bound, 1)};
    CHECK(subject_after(two + inputs{failed_at(0, unreachable), failed_at(1, refused)}, options) ==
          -2);
    CHECK(subject_after(two + inputs{failed_at(0, refused), failed_at(1, unreachable)}, options) ==
          1);
}
