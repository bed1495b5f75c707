// SPDX-License-Identifier: MPL-2.0

// The connection's machine does what its table says.

#include "messaging/connection/connection_machine.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace {

using namespace slk::messaging;

using inputs = std::vector<connection_input>;
using row = std::tuple<connection_state, connection_event, connection_state>;

/// One way to a state, from a fresh machine.
struct situation {
    const char* name;
    connection_state state;
    inputs before;
    bool single = false; ///< a peer of bind() gets there too
};

std::vector<situation> situations()
{
    using enum connection_event;
    using enum connection_state;
    const inputs begun{{stream}};
    const auto and_then = [](inputs first, const inputs& more) {
        first.insert(first.end(), more.begin(), more.end());
        return first;
    };
    const inputs up = and_then(begun, {{handshaken}});
    return {
        {"fresh", waiting, {}, true},
        {"waiting again", waiting, and_then(up, {{lost}, {returned}})},
        {"handshaking", handshaking, begun, true},
        {"handshaking, another stream waits", handshaking, and_then(begun, {{stream}})},
        {"ready", ready, up, true},
        {"ready, another stream waits", ready, and_then(up, {{stream}})},
        {"handshake failed", ending, and_then(begun, {{lost}}), true},
        {"lost", ending, and_then(up, {{lost}}), true},
        {"lost, another stream waits", ending, and_then(up, {{lost}, {stream}})},
        {"closing at once", ending, and_then(up, {{close}}), true},
        {"draining", ending, and_then(up, {{close, true}}), true},
        {"draining, then lost", ending, and_then(up, {{close, true}, {lost}}), true},
        {"closed before a stream", closed, {{close}}, true},
        {"closed", closed, and_then(up, {{close}, {returned}}), true},
    };
}

connection_machine machine_in(const situation& where, bool single)
{
    connection_machine made(single);
    for (const connection_input& each : where.before)
        made.step(each);
    INFO(std::string(where.name));
    REQUIRE(made.state() == where.state);
    return made;
}

bool has_row(connection_state from, connection_event event)
{
    return std::ranges::any_of(connection_transitions(), [&](const connection_transition& each) {
        return each.from == from && each.event == event;
    });
}

std::set<row> table()
{
    std::set<row> rows;
    for (const connection_transition& each : connection_transitions())
        CHECK_MESSAGE(rows.insert({each.from, each.event, each.to}).second, name_of(each.from), " ",
                      name_of(each.event), " ", name_of(each.to), " is there twice");
    return rows;
}

} // namespace

TEST_CASE("the connection's table has every row once, and a way out of every state but closed")
{
    (void)table();
    for (std::size_t number = 0; number < connection_state_count; ++number) {
        const auto state = static_cast<connection_state>(number);
        const bool has_way_out =
            std::ranges::any_of(connection_transitions(), [&](const connection_transition& each) {
                return each.from == state && each.to != state;
            });
        CHECK(has_way_out == (state != connection_state::closed));
        CHECK(name_of(state) != "unknown");
    }
    for (std::size_t number = 0; number < connection_event_count; ++number)
        CHECK(name_of(static_cast<connection_event>(number)) != "unknown");
}

TEST_CASE("in every situation of a connection every event does what the table says, or nothing")
{
    const std::set<row> rows = table();
    std::set<row> seen;
    for (const situation& where : situations())
        for (const bool single : {false, true})
            for (std::size_t number = 0; number < connection_event_count; ++number)
                for (const bool drain : {false, true}) {
                    if (single && !where.single)
                        continue;
                    const auto event = static_cast<connection_event>(number);
                    connection_machine machine = machine_in(where, single);
                    const std::uint32_t before = machine.fingerprint();
                    const connection_actions actions = machine.step({event, drain});
                    INFO(std::string(where.name), " ", name_of(event), " ",
                         name_of(machine.state()));
                    const bool moved = machine.fingerprint() != before;
                    if (!has_row(where.state, event)) {
                        CHECK_FALSE(moved);
                        CHECK(actions.empty());
                    }
                    if (!moved && actions.empty())
                        continue;
                    CHECK(rows.contains({where.state, event, machine.state()}));
                    seen.insert({where.state, event, machine.state()});
                }
    for (const auto& [from, event, to] : rows)
        CHECK_MESSAGE(seen.contains({from, event, to}), name_of(from), " ", name_of(event), " -> ",
                      name_of(to), " was never seen");
}

TEST_CASE("what a connection does at each move of a usual life")
{
    using enum connection_action;
    connection_machine machine(false);
    CHECK(machine.step({connection_event::stream}) == connection_actions{begin});
    CHECK(machine.step({connection_event::handshaken}) == connection_actions{report_connected});
    CHECK(machine.step({connection_event::lost}) == connection_actions{close_stream});
    CHECK(machine.step({connection_event::stream}) == connection_actions{keep_stream});
    CHECK(machine.step({connection_event::returned}) ==
          connection_actions{report_disconnected, begin});
    CHECK(machine.step({connection_event::lost}) ==
          connection_actions{close_stream, report_failed});
    CHECK(machine.step({connection_event::returned}).empty());
    CHECK(machine.state() == connection_state::waiting);
    CHECK(machine.step({connection_event::stream}) == connection_actions{begin});
    CHECK(machine.step({connection_event::handshaken}) == connection_actions{report_connected});
    CHECK_FALSE(machine.last());
    CHECK(machine.step({connection_event::close, true}) == connection_actions{drain_stream});
    CHECK(machine.last());
    CHECK(machine.step({connection_event::close}) == connection_actions{close_stream});
    CHECK(machine.step({connection_event::returned}) ==
          connection_actions{report_disconnected, finish});
    CHECK(machine.state() == connection_state::closed);
}
