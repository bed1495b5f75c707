// SPDX-License-Identifier: MPL-2.0
#include "zmtp/session_machine.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace {

using namespace slk;
using namespace slk::zmtp;
using namespace std::chrono_literals;

constexpr error broken{errc::protocol_error, phase::none, 0, "a test"};
constexpr time_point start_time{1h};

/// Options and the way to a situation, from a fresh machine.
struct situation {
    const char* name;
    session_state state;
    session_options options;
    std::vector<session_input> inputs;
};

session_input of(session_event event)
{
    session_input input;
    input.event = event;
    input.failure = broken;
    return input;
}

session_input speaking(session_event event, version speaks)
{
    session_input input = of(event);
    input.speaks = speaks;
    return input;
}

session_input telling(command_name command, duration ttl = {})
{
    session_input input = of(session_event::command);
    input.command = command;
    input.ttl = ttl;
    return input;
}

std::vector<situation> situations()
{
    using enum session_event;
    session_options null;
    null.handshake_timeout = 10s;
    session_options staged = null;
    staged.accept_2_0 = true;
    session_options client = null;
    client.security = mechanism::plain;
    session_options staged_client = client;
    staged_client.accept_2_0 = true;
    session_options server = client;
    server.as_server = true;
    session_options curve_client = client;
    curve_client.security = mechanism::curve;
    session_options curve_server = curve_client;
    curve_server.as_server = true;
    session_options choosing_curve = curve_server;
    choosing_curve.ask_about_peer = true;
    session_options staged_curve = curve_client;
    staged_curve.accept_2_0 = true;
    session_options asking = null;
    asking.ask_with_null = true;
    session_options choosing = null;
    choosing.ask_about_peer = true;
    choosing.ready_last = true;
    choosing.accept_2_0 = true;
    session_options choosing_server = server;
    choosing_server.ask_about_peer = true;
    session_options choosing_late = null;
    choosing_late.ask_about_peer = true;
    session_options raw;
    raw.raw = true;
    session_options choosing_raw = raw;
    choosing_raw.ask_about_peer = true;
    session_options beating = null;
    beating.heartbeat_interval = 1s;
    beating.heartbeat_timeout = 5s;
    session_options asking_often = beating;
    asking_often.heartbeat_interval = 2ms;
    asking_often.heartbeat_timeout = 1ms;
    using inputs = std::vector<session_input>;
    const inputs greeting{of(start)};
    const inputs met{of(start), of(session_event::greeted)};
    const inputs up{of(start), of(session_event::greeted), telling(command_name::ready)};
    return {
        {"fresh", session_state::idle, null, {}},
        {"fresh and raw", session_state::idle, raw, {}},
        {"fresh and raw, to choose", session_state::idle, choosing_raw, {}},
        {"the owner admits a raw peer", session_state::admitting, choosing_raw, greeting},
        {"ready and raw", session_state::ready, raw, greeting},
        {"greeting", session_state::greeting, null, greeting},
        {"greeting a PLAIN server", session_state::greeting, client, greeting},
        {"greeting a PLAIN client", session_state::greeting, server, greeting},
        {"greeting in stages", session_state::greeting, staged, greeting},
        {"greeting in stages with PLAIN", session_state::greeting, staged_client, greeting},
        {"greeting in stages, signed", session_state::greeting, staged, {of(start), of(signature)}},
        {"with a 2.0 peer",
         session_state::awaiting_identity,
         staged,
         {of(start), of(signature), speaking(revision, version::v2_0)}},
        {"awaiting READY", session_state::awaiting_ready, null, met},
        {"greeting, to ask with NULL", session_state::greeting, asking, greeting},
        {"the owner decides with NULL", session_state::authenticating, asking, met},
        {"awaiting READY, accepted",
         session_state::awaiting_ready,
         asking,
         {of(start), of(session_event::greeted), of(accepted)}},
        {"awaiting HELLO", session_state::awaiting_hello, server, met},
        {"the owner decides",
         session_state::authenticating,
         server,
         {of(start), of(session_event::greeted), telling(command_name::hello)}},
        {"awaiting INITIATE",
         session_state::awaiting_initiate,
         server,
         {of(start), of(session_event::greeted), telling(command_name::hello), of(accepted)}},
        {"greeting a CURVE server", session_state::greeting, curve_client, greeting},
        {"greeting in stages with CURVE", session_state::greeting, staged_curve, greeting},
        {"awaiting HELLO of CURVE", session_state::awaiting_hello, curve_server, met},
        {"awaiting INITIATE of CURVE",
         session_state::awaiting_initiate,
         curve_server,
         {of(start), of(session_event::greeted), telling(command_name::hello)}},
        {"the owner decides with CURVE",
         session_state::authenticating,
         curve_server,
         {of(start), of(session_event::greeted), telling(command_name::hello),
          telling(command_name::initiate)}},
        {"the owner decides with CURVE, to choose",
         session_state::authenticating,
         choosing_curve,
         {of(start), of(session_event::greeted), telling(command_name::hello),
          telling(command_name::initiate)}},
        {"awaiting WELCOME of CURVE", session_state::awaiting_welcome, curve_client, met},
        {"awaiting WELCOME", session_state::awaiting_welcome, client, met},
        {"awaiting READY of PLAIN",
         session_state::awaiting_ready,
         client,
         {of(start), of(session_event::greeted), telling(command_name::welcome)}},
        {"choosing a 2.0 peer",
         session_state::awaiting_identity,
         choosing,
         {of(start), of(signature), speaking(revision, version::v2_0)}},
        {"awaiting READY, to choose", session_state::awaiting_ready, choosing, met},
        {"awaiting INITIATE, to choose",
         session_state::awaiting_initiate,
         choosing_server,
         {of(start), of(session_event::greeted), telling(command_name::hello), of(accepted)}},
        {"the owner admits the peer", session_state::admitting, choosing, up},
        {"the owner admits the peer after its own READY", session_state::admitting, choosing_late,
         up},
        {"ready", session_state::ready, null, up},
        {"ready, with heartbeats", session_state::ready, beating, up},
        {"ready, with a PING that waits",
         session_state::ready,
         asking_often,
         {of(start), of(session_event::greeted), telling(command_name::ready), of(received),
          of(timer)}},
        {"ready, paused",
         session_state::ready,
         beating,
         {of(start), of(session_event::greeted), telling(command_name::ready), of(paused)}},
        {"ready, after a PING with a TTL",
         session_state::ready,
         null,
         {of(start), of(session_event::greeted), telling(command_name::ready),
          telling(command_name::ping, 1s)}},
        {"ready with a 2.0 peer",
         session_state::ready,
         staged,
         {of(start), of(signature), speaking(revision, version::v2_0), of(identity)}},
        {"failed", session_state::failed, null, {of(start), of(violation)}},
    };
}

/// The different inputs of one event.
std::vector<session_input> variants(session_event event)
{
    std::vector<session_input> all;
    for (const version speaks : {version::v1_0, version::v2_0, version::v3_0, version::v3_1})
        for (unsigned command = 0; command <= static_cast<unsigned>(command_name::pong); ++command)
            for (const duration ttl : {duration{}, duration{1s}})
                for (const int status : {0, 300, 400}) {
                    session_input input = telling(static_cast<command_name>(command), ttl);
                    input.event = event;
                    input.speaks = speaks;
                    input.failure.native = status;
                    all.push_back(input);
                }
    return all;
}

auto everything(const session_machine& machine)
{
    return std::tuple(machine.state(), machine.due(), machine.speaks(), machine.reason().code,
                      machine.reason().phase);
}

bool has_row(session_state from, session_event event)
{
    return std::ranges::any_of(session_transitions(), [&](const session_transition& row) {
        return row.from == from && row.event == event;
    });
}

bool has_row(session_state from, session_event event, session_state to)
{
    return std::ranges::any_of(session_transitions(), [&](const session_transition& row) {
        return row.from == from && row.event == event && row.to == to;
    });
}

} // namespace

TEST_CASE("the session's table names every row once, and only failed has no way out")
{
    std::set<std::tuple<session_state, session_event, session_state>> rows;
    for (const session_transition& row : session_transitions()) {
        CHECK_MESSAGE(rows.insert({row.from, row.event, row.to}).second, name_of(row.from), " ",
                      name_of(row.event), " ", name_of(row.to));
        CHECK(row.when != nullptr);
    }
    for (std::size_t number = 0; number < session_state_count; ++number) {
        const auto state = static_cast<session_state>(number);
        const bool leaves =
            std::ranges::any_of(session_transitions(), [&](const session_transition& row) {
                return row.from == state && row.to != state;
            });
        CHECK(leaves == (state != session_state::failed));
        CHECK_FALSE(name_of(state).empty());
    }
}

TEST_CASE("in every situation of a session every event does what the table says, or nothing")
{
    std::set<std::tuple<session_state, session_event, session_state>> seen;
    std::size_t walked = 0;
    for (const situation& where : situations()) {
        session_machine prepared;
        time_point now = start_time;
        for (const session_input& input : where.inputs)
            prepared.step(where.options, now += 1ms, input);
        INFO(std::string(where.name));
        REQUIRE(prepared.state() == where.state);
        for (std::size_t number = 0; number < session_event_count; ++number) {
            const auto event = static_cast<session_event>(number);
            for (const session_input& input : variants(event)) {
                for (const duration later : {duration{1ms}, duration{1500ms}, duration{1h}}) {
                    session_machine machine = prepared;
                    const session_actions actions = machine.step(where.options, now + later, input);
                    ++walked;
                    const bool did =
                        everything(machine) != everything(prepared) || !actions.send.empty();
                    INFO(name_of(where.state), " ", name_of(event), " ", name_of(machine.state()));
                    if (!did)
                        continue;
                    CHECK(has_row(where.state, event));
                    CHECK(has_row(where.state, event, machine.state()));
                    seen.insert({where.state, event, machine.state()});
                    if (machine.state() != session_state::failed)
                        continue;
                    CHECK(machine.reason());
                    CHECK(machine.reason().detail != nullptr);
                    CHECK(machine.due() == never);
                    CHECK(
                        machine.reason().phase ==
                        (where.state == session_state::ready ? phase::transfer : phase::handshake));
                }
            }
        }
    }
    for (const session_transition& row : session_transitions())
        CHECK_MESSAGE(seen.contains({row.from, row.event, row.to}), name_of(row.from), " ",
                      name_of(row.event), " -> ", name_of(row.to), " was never seen");
    MESSAGE(walked << " steps, " << seen.size() << " different moves, "
                   << session_transitions().size() << " rows");
}
