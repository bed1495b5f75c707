// SPDX-License-Identifier: MPL-2.0

// Every state that the connection's machine can reach, with a driver whose operations may come back
// at any moment.

#include "messaging/connection/connection_machine.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <set>
#include <string>
#include <tuple>

namespace {

using namespace slk::messaging;

using row = std::tuple<connection_state, connection_event, connection_state>;

enum class stream_is { absent, open, draining, drained, closed };
enum class reported { nothing, failed, connected, disconnected };

/// What the driver has, beside the machine.
struct world {
    explicit world(bool one_stream) : machine(one_stream), single(one_stream) {}

    connection_machine machine;
    bool single;
    stream_is stream = stream_is::absent;
    reported report = reported::nothing; ///< about that stream
    bool in_flight = false; ///< operations of that stream
    bool kept = false; ///< another stream waits
    bool asked_to_close = false;
    bool closed_in_handshake = false; ///< by the socket: that is not reported
    bool had_stream = false;
    bool finished = false;

    [[nodiscard]] auto key() const
    {
        return std::tuple(machine.fingerprint(), stream, report, in_flight, kept, asked_to_close,
                          closed_in_handshake, had_stream, finished);
    }
};

struct search {
    std::set<row>* rows = nullptr;
    std::set<decltype(world(false).key())> known;
    std::deque<world> unexplored;
    std::size_t moves = 0;
    std::set<std::string> complaints;

    void expect(bool holds, const world& after, connection_event event, const char* what)
    {
        if (!holds)
            complaints.insert(std::string(what) + " (after " + std::string(name_of(event)) +
                              ", in " + std::string(name_of(after.machine.state())) + ")");
    }

    /// What the driver does with the actions.
    world step(world at, const connection_input& input)
    {
        const connection_machine before = at.machine;
        const connection_state from = before.state();
        const connection_event event = input.event;
        const connection_actions actions = at.machine.step(input);
        const connection_state to = at.machine.state();
        const auto check = [&](bool holds, const char* what) { expect(holds, at, event, what); };
        const auto asks = [&](connection_action which) { return actions.has(which); };
        using enum connection_action;

        if (!actions.empty() || at.machine.fingerprint() != before.fingerprint())
            rows->insert({from, event, to});
        if (from == connection_state::closed) {
            check(actions.empty(), "asks for something after the end");
            check(at.machine.fingerprint() == before.fingerprint(), "moves after the end");
        }

        if (event == connection_event::close) {
            at.asked_to_close = true;
            at.kept = false;
            at.closed_in_handshake =
                at.closed_in_handshake || from == connection_state::handshaking;
        }
        if (event == connection_event::returned && from == connection_state::ending) {
            check(at.stream == stream_is::closed || at.stream == stream_is::drained,
                  "a stream ends that is not closed");
            at.stream = stream_is::absent;
        }
        check(!(asks(close_stream) && asks(drain_stream)), "closes and drains");
        if (asks(close_stream)) {
            // The end of a drain is not an input: it closes the stream by itself.
            check(at.stream == stream_is::open || at.stream == stream_is::draining ||
                      at.stream == stream_is::drained,
                  "closes a stream twice");
            at.stream = stream_is::closed;
        }
        if (asks(drain_stream)) {
            check(at.stream == stream_is::open, "drains a stream that is not open");
            check(from == connection_state::ready, "drains in the middle of a handshake");
            check(input.drain, "drains although that was not asked for");
            at.stream = stream_is::draining;
            at.in_flight = true;
        }
        if (asks(report_failed)) {
            check(at.report == reported::nothing, "a failed handshake was reported before");
            at.report = reported::failed;
        }
        if (asks(report_disconnected)) {
            check(at.report == reported::connected, "disconnected without connected");
            check(!at.in_flight, "reports the end while something is in flight");
            at.report = reported::disconnected;
        }
        if (at.stream == stream_is::absent && at.had_stream) {
            const bool told = at.report == reported::failed || at.report == reported::disconnected;
            check(told != at.closed_in_handshake, "a stream that is over is reported once");
        }
        if (asks(finish)) {
            check(!at.finished, "finishes twice");
            check(!at.in_flight, "finishes while something is in flight");
            at.finished = true;
        }
        if (event == connection_event::stream) {
            const bool is_wanted = !at.asked_to_close && to != connection_state::closed &&
                                   !(at.single && at.had_stream);
            check((asks(begin) || asks(keep_stream)) == is_wanted,
                  "a stream begins or waits, unless no other follows");
            at.kept = at.kept || is_wanted;
        }
        if (asks(keep_stream))
            check(at.stream != stream_is::absent, "keeps a stream that could begin");
        if (asks(begin)) {
            check(at.stream == stream_is::absent && !at.in_flight, "begins beside another stream");
            check(at.kept, "begins without a stream");
            check(!at.asked_to_close, "begins after close");
            check(!at.single || !at.had_stream, "a second stream of a peer of bind()");
            at.kept = false;
            at.stream = stream_is::open;
            at.report = reported::nothing;
            at.in_flight = true;
            at.had_stream = true;
        }
        if (asks(report_connected)) {
            check(at.report == reported::nothing, "connected was reported before");
            at.report = reported::connected;
        }
        inspect(at, event);
        return at;
    }

    /// What holds in every state.
    void inspect(const world& at, connection_event event)
    {
        const auto check = [&](bool holds, const char* what) { expect(holds, at, event, what); };
        check(at.machine.has_stream() == (at.stream == stream_is::open), "a stream and its state");
        check(at.finished == (at.machine.state() == connection_state::closed),
              "finished is closed");
        check(!at.asked_to_close || at.machine.last(), "another stream after close");
        switch (at.machine.state()) {
        case connection_state::waiting:
        case connection_state::closed:
            check(at.stream == stream_is::absent, "a stream at rest");
            check(!at.in_flight, "an operation at rest");
            check(!at.kept, "a stream that nothing waits for");
            break;
        case connection_state::handshaking:
            check(at.report == reported::nothing, "a report in the middle of a handshake");
            break;
        case connection_state::ready:
            check(at.report == reported::connected, "ready without a report");
            break;
        case connection_state::ending:
            check(at.stream != stream_is::absent && at.stream != stream_is::open,
                  "ending with an open stream");
            break;
        }
    }

    void visit(const world& next)
    {
        ++moves;
        if (known.insert(next.key()).second)
            unexplored.push_back(next);
    }

    void explore(const world& from)
    {
        using enum connection_event;
        for (const connection_event event : {stream, handshaken, lost, close})
            for (const bool drain : {false, true})
                visit(step(from, {event, drain}));
        if (from.in_flight) {
            world back = from;
            back.in_flight = false;
            if (back.stream == stream_is::draining)
                back.stream = stream_is::drained;
            visit(back);
        } else if (from.stream == stream_is::open) {
            world again = from;
            again.in_flight = true;
            visit(again);
        }
        // The driver reports only what is true; anywhere else the event is late.
        if (from.machine.state() != connection_state::ending || !from.in_flight)
            visit(step(from, {returned}));
        end(from);
    }

    /// close, and everything comes back: closed.
    void end(const world& from)
    {
        world last = step(from, {connection_event::close});
        if (last.stream == stream_is::draining)
            last.stream = stream_is::drained;
        last.in_flight = false;
        const world over = step(last, {connection_event::returned});
        expect(over.machine.state() == connection_state::closed, over, connection_event::returned,
               "close does not lead to closed");
    }

    void run(bool single)
    {
        visit(world(single));
        while (!unexplored.empty()) {
            const world next = unexplored.front();
            unexplored.pop_front();
            explore(next);
        }
    }
};

} // namespace

TEST_CASE("no reachable state of a connection breaks a promise of its machine")
{
    std::set<row> rows;
    std::size_t states = 0;
    std::size_t moves = 0;
    for (const bool single : {false, true}) {
        search all;
        all.rows = &rows;
        all.run(single);
        states += all.known.size();
        moves += all.moves;
        for (const std::string& complaint : all.complaints)
            FAIL_CHECK(std::string(single ? "a peer of bind(): " : "a peer of connect(): ")
                       << complaint);
    }
    std::set<row> table;
    for (const connection_transition& each : connection_transitions()) {
        table.insert({each.from, each.event, each.to});
        CHECK_MESSAGE(rows.contains({each.from, each.event, each.to}), name_of(each.from), " ",
                      name_of(each.event), " -> ", name_of(each.to), " was never reached");
    }
    for (const auto& [from, event, to] : rows)
        CHECK_MESSAGE(table.contains({from, event, to}), name_of(from), " ", name_of(event), " -> ",
                      name_of(to), " is not in the table");
    MESSAGE(states << " states, " << moves << " moves, " << rows.size() << " rows seen");
}
