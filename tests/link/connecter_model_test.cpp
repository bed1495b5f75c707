// SPDX-License-Identifier: MPL-2.0
// Every state that the connecter's machine can reach, with the worst poller and timer that the
// rules of the poller allow.

#include "link/connecter_machine.hpp"
#include "support/sanitized.hpp"

#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <deque>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace {

using namespace std::chrono_literals;
using namespace slk;
using namespace slk::link_detail;

enum class timer { none, deadline, retry };
enum class question { none, open, tune };

struct world {
    connecter_machine machine;
    bool looking_up = false;
    unsigned racing = 0;       ///< a bit for each candidate whose connect is in flight
    std::uint32_t begun = 0;   ///< candidates opened in this cycle
    std::uint32_t candidates = 0;
    bool cancelled = false;    ///< what is in flight
    bool socket = false;       ///< the one that connected
    bool handed_over = false;
    bool staggering = false;
    timer armed = timer::none;
    question asked = question::none;
    time_point now{1h};

    [[nodiscard]] auto key() const
    {
        return std::tuple(machine.fingerprint(), machine.attempt() == 0, looking_up, racing, begun,
                          candidates, cancelled, socket, handed_over, staggering, armed, asked);
    }
    [[nodiscard]] bool in_flight() const { return looking_up || racing != 0; }
};

using row = std::tuple<link_state, link_event, link_state>;

struct search {
    reconnect_options options;
    std::uint32_t max_candidates = 1;
    std::set<row>* rows = nullptr;
    std::set<decltype(world{}.key())> known;
    std::deque<world> waiting;
    std::size_t moves = 0;
    std::size_t stale_events = 0;
    std::set<std::string> complaints;

    void expect(bool holds, const world& after, link_event event, const char* what)
    {
        if (!holds)
            complaints.insert(std::string(what) + " (after " + std::string(name_of(event)) +
                              ", in " + std::string(name_of(after.machine.state())) + ")");
    }

    static bool asks_for_nothing(const connecter_actions& todo)
    {
        return !todo.disarm && !todo.cancel && !todo.drop_others && !todo.close_socket &&
               !todo.resolve && !todo.open && !todo.connect && !todo.tune && !todo.hand_over &&
               todo.arm == never && todo.arm_stagger == never;
    }

    /// Performs the machine's actions, as the driver does.
    world step(world at, connecter_input input, duration later = 1ms)
    {
        const connecter_machine before = at.machine;
        at.now += later;
        const connecter_actions todo = at.machine.step(options, {at.now, 1u << 30}, input);
        const link_event event = input.event;
        const auto check = [&](bool holds, const char* what) { expect(holds, at, event, what); };

        if (!asks_for_nothing(todo) || at.machine.fingerprint() != before.fingerprint())
            rows->insert({before.state(), event, at.machine.state()});

        if (todo.disarm)
            at.armed = timer::none;
        if (todo.cancel) {
            check(at.in_flight(), "cancels what is not in flight");
            check(!at.cancelled, "cancels twice");
            at.cancelled = true;
        }
        if (todo.drop_others) {
            check(at.racing != 0, "drops what is not in flight");
            check(at.socket, "drops the losers of a race without a winner");
            at.racing = 0;
        }
        if (todo.close_socket) {
            at.socket = false;
            at.handed_over = false;
            at.asked = question::none;
        }
        if (todo.arm != never) {
            check(todo.arm >= at.now, "arms the timer in the past");
            at.armed = at.machine.state() == link_state::backoff ? timer::retry : timer::deadline;
        }
        check(todo.resolve + todo.open + todo.connect + todo.tune + todo.hand_over <= 1,
              "asks for two steps at once");
        if (todo.resolve) {
            check(!at.in_flight(), "looks up while something is in flight");
            at.looking_up = true;
            at.cancelled = false;
            at.staggering = false;
            at.begun = 0;
            at.candidates = 0;
        }
        if (todo.open) {
            check(!at.socket, "opens another socket although one is connected");
            check(at.asked == question::none, "two questions");
            check(at.machine.candidate() == at.begun, "a candidate twice, or left out");
            check(at.begun < at.candidates, "a candidate that does not exist");
            at.asked = question::open;
            ++at.begun;
        }
        if (todo.connect) {
            const unsigned bit = 1u << at.machine.candidate();
            check((at.racing & bit) == 0, "connects a socket twice");
            at.racing |= bit;
            at.cancelled = false;
        }
        if (todo.arm_stagger != never) {
            check(todo.arm_stagger == at.now + options.address_stagger, "a wrong stagger");
            at.staggering = true;
        }
        if (todo.tune) {
            check(at.socket, "tunes without a socket");
            at.asked = question::tune;
        }
        if (todo.hand_over) {
            check(at.socket && !at.handed_over, "hands over what it has not");
            check(at.machine.state() == link_state::connected, "hands over unconnected");
            at.handed_over = true;
        }
        check(at.machine.generation() == before.generation() + (todo.hand_over ? 1 : 0),
              "one generation per connection");
        check(at.machine.attempt() == before.attempt() + (todo.resolve ? 1 : 0),
              "an attempt is one lookup");
        if (todo.resolve)
            check(before.state() == link_state::idle || before.state() == link_state::backoff ||
                      (before.ending() && event != link_event::deadline),
                  "an attempt begins inside another");
        inspect(at, event);
        return at;
    }

    /// The invariants of every state.
    void inspect(const world& at, link_event event)
    {
        const connecter_machine& machine = at.machine;
        const auto check = [&](bool holds, const char* what) { expect(holds, at, event, what); };
        check(machine.awaiting() == at.in_flight(), "awaiting is in flight");
        check(machine.connects() == static_cast<unsigned>(std::popcount(at.racing)),
              "miscounts its connects");
        check(machine.connects() <= connecter_machine::max_at_once, "races too many");
        check(machine.ending() == at.cancelled, "ending is cancelled");
        switch (machine.state()) {
        case link_state::idle: check(at.armed == timer::none, "idle with a timer"); [[fallthrough]];
        case link_state::backoff:
            check(!at.socket, "at rest with a socket");
            check(!at.in_flight(), "at rest with an operation");
            check(at.asked == question::none, "at rest with a question");
            if (machine.state() == link_state::backoff)
                check(at.armed == (machine.paused() ? timer::none : timer::retry),
                      "backoff has its timer unless paused");
            break;
        case link_state::connected:
            check(at.armed == timer::none, "connected with a timer");
            check(at.socket && at.handed_over, "connected without a stream");
            check(!at.in_flight(), "connected with an operation");
            break;
        case link_state::binding:
        case link_state::connecting:
        case link_state::tuning:
            check(!at.handed_over, "handed over too early");
            check(at.in_flight() || at.asked != question::none,
                  "an attempt that waits for nothing");
            check(at.armed != timer::retry, "a retry timer inside an attempt");
            if (options.connect_timeout > duration::zero() && !at.cancelled)
                check(at.armed == timer::deadline, "an attempt without a deadline");
            check(at.socket == (machine.state() == link_state::tuning), "a socket and its state");
            check((at.racing != 0) == (machine.state() == link_state::connecting),
                  "connecting is having connects in flight");
            if (machine.state() == link_state::connecting && !at.cancelled &&
                at.asked == question::none && at.begun < at.candidates &&
                machine.connects() < connecter_machine::max_at_once)
                check(at.staggering, "the next address has no date");
            break;
        }
        if (machine.state() == link_state::idle)
            return;
        const bool way_out = at.in_flight() || at.asked != question::none ||
                             at.armed != timer::none || at.handed_over || machine.paused();
        check(way_out, "a state without a way out");
    }

    void visit(world next)
    {
        ++moves;
        if (known.insert(next.key()).second)
            waiting.push_back(std::move(next));
    }

    static connecter_input of(link_event event, errc failure = errc::ok,
                              std::uint32_t candidates = 0)
    {
        return {.event = event,
                .failure = {failure, phase::connect},
                .candidates = candidates,
                .candidate = 0};
    }

    /// Every outcome of the operations in flight: either may come, whether cancelled or not.
    std::vector<world> completions(const world& from)
    {
        std::vector<world> all;
        if (from.looking_up) {
            world back = from;
            back.looking_up = false;
            back.cancelled = false;
            for (std::uint32_t count = 0; count <= max_candidates; ++count) {
                back.candidates = count;
                all.push_back(step(back, of(link_event::resolved, errc::ok, count)));
            }
            for (const errc why : {errc::name_not_found, errc::name_lookup_failed, errc::cancelled})
                all.push_back(step(back, of(link_event::failed, why)));
        }
        for (std::uint32_t candidate = 0; candidate < max_candidates; ++candidate) {
            if ((from.racing >> candidate & 1) == 0)
                continue;
            world back = from;
            back.racing &= ~(1u << candidate);
            back.cancelled = from.cancelled && back.racing != 0;
            connecter_input input = of(link_event::failed);
            input.candidate = candidate;
            for (const errc why : failures) {
                input.failure.code = why;
                all.push_back(step(back, input));
            }
            expect(!back.socket, back, link_event::completed, "two sockets are connected");
            back.socket = true;
            input = of(link_event::completed);
            input.candidate = candidate;
            all.push_back(step(back, input));
        }
        return all;
    }

    void explore(const world& from)
    {
        using enum link_event;
        // The driver opens a socket inside the step that asks for it. While others race, nothing
        // else is tried in between; when it is alone, the model is the stricter one.
        if (from.asked == question::open && from.racing != 0)
            return try_outcomes(from);
        // A stagger that is no longer armed is a late timer.
        for (const link_event event : {start, stop, pause, resume, retry_now, woke, stagger}) {
            world next = from;
            next.staggering = from.staggering && event != stagger;
            visit(step(next, of(event)));
        }
        for (const world& next : completions(from))
            visit(next);
        if (from.armed != timer::none) {
            world fired = from;
            fired.armed = timer::none;
            const bool waiting_to_retry = from.machine.state() == link_state::backoff;
            visit(step(fired, of(waiting_to_retry ? retry_due : deadline)));
        }
        if (from.asked != question::none)
            try_outcomes(from);
        if (from.handed_over) {
            visit(step(from, of(useful)));
            for (const errc why : {errc::connection_reset, errc::end_of_stream, errc::cancelled})
                for (const duration lived : {duration(1ms), duration(1h)})
                    visit(step(from, of(lost, why), lived));
        }
        ignore_stale(from);
        end(from);
    }

    /// Stale completions and timers, as after a driver's mistake: they change nothing and ask for
    /// nothing.
    void ignore_stale(const world& from)
    {
        using enum link_event;
        const link_state state = from.machine.state();
        const bool resting = state == link_state::idle || state == link_state::backoff ||
                             state == link_state::connected;
        const std::pair<link_event, bool> stale[] = {
            {resolved, !from.looking_up},
            {bound, from.asked != question::open},
            {tuned, from.asked != question::tune},
            {completed, from.racing == 0},
            {failed, !from.in_flight() && from.asked == question::none},
            {deadline, resting},
            {retry_due, state != link_state::backoff},
            {useful, state != link_state::connected},
            {lost, state != link_state::connected},
        };
        for (const auto& [event, over] : stale) {
            if (!over)
                continue;
            world after = from;
            connecter_input input =
                of(event, event == failed || event == lost ? errc::timed_out : errc::ok);
            input.candidates = max_candidates;
            ++stale_events;
            expect(asks_for_nothing(after.machine.step(options, {after.now, 1u << 30}, input)),
                   after, event, "does something for a stale event");
            expect(after.machine.fingerprint() == from.machine.fingerprint(), after, event,
                   "is moved by a stale event");
        }
    }

    /// Both outcomes of the pending step.
    void try_outcomes(const world& from)
    {
        world answered = from;
        answered.asked = question::none;
        connecter_input good =
            of(from.asked == question::open ? link_event::bound : link_event::tuned);
        good.candidate = from.machine.candidate();
        visit(step(answered, good));
        for (const errc why : failures)
            visit(step(answered, of(link_event::failed, why)));
    }

    /// After a stop and the completions of all operations: idle, with nothing left.
    void end(const world& from)
    {
        std::vector<world> ends{step(from, of(link_event::stop))};
        while (!ends.empty()) {
            const world last = ends.back();
            ends.pop_back();
            if (last.in_flight())
                for (world& next : completions(last))
                    ends.push_back(std::move(next));
            else
                expect(last.machine.state() == link_state::idle, last, link_event::stop,
                       "stop and completion do not lead to idle");
        }
    }

    void run()
    {
        visit(world{});
        while (!waiting.empty()) {
            const world next = waiting.front();
            waiting.pop_front();
            explore(next);
        }
    }

    static constexpr std::array failures{errc::connection_refused, errc::timed_out,
                                         errc::permission_denied, errc::cancelled};
};

struct option_set {
    const char* name;
    reconnect_options options;
};

std::vector<option_set> named_option_sets()
{
    const reconnect_options usual;
    std::vector<option_set> sets{{"default", usual}};
    const auto add = [&](const char* name, auto change) {
        reconnect_options changed = usual;
        change(changed);
        sets.push_back({name, changed});
    };
    add("stop on refused", [](auto& o) { o.policy = retry_policy::stop_on_refused(); });
    add("never", [](auto& o) { o.base = reconnect_never; });
    add("immediate", [](auto& o) { o.base = 0ms; });
    add("spread first", [](auto& o) { o.spread_first_attempt = true; });
    add("no deadline", [](auto& o) { o.connect_timeout = 0ms; });
    add("slow", [](auto& o) {
        for (std::size_t which = 0; which < failure_class_count; ++which)
            o.policy.set(static_cast<failure_class>(which), retry_rule::retry_slowly);
    });
    add("useful when connected", [](auto& o) { o.useful_when = usefulness::connected; });
    add("spread, never, no deadline", [](auto& o) {
        o.spread_first_attempt = true;
        o.base = reconnect_never;
        o.connect_timeout = 0ms;
    });
    return sets;
}

} // namespace

TEST_CASE("no reachable state of the connecter leaks a socket, an operation or a timer")
{
    std::set<row> rows;
    std::size_t states = 0;
    std::size_t moves = 0;
    std::size_t stale = 0;
    for (const auto& [name, options] : named_option_sets()) {
        // Three candidates have many more states than two, and the same kinds of moves.
        for (std::uint32_t candidates = 1; candidates <= (testing::slow_build ? 2u : 3u);
             ++candidates) {
            search all;
            all.options = options;
            all.max_candidates = candidates;
            all.rows = &rows;
            all.run();
            states += all.known.size();
            moves += all.moves;
            stale += all.stale_events;
            for (const std::string& complaint : all.complaints)
                FAIL_CHECK(std::string(name) << ", " << candidates << " candidates: " << complaint);
        }
    }
    std::set<row> table;
    for (const connecter_transition& line : connecter_transitions()) {
        table.insert({line.from, line.event, line.to});
        CHECK_MESSAGE(rows.contains({line.from, line.event, line.to}), name_of(line.from), " ",
                      name_of(line.event), " -> ", name_of(line.to), " was never reached");
    }
    for (const auto& [from, event, to] : rows)
        CHECK_MESSAGE(table.contains({from, event, to}), name_of(from), " ", name_of(event), " -> ",
                      name_of(to), " is not in the table");
    MESSAGE(states << " states, " << moves << " transitions, " << stale << " stale events, "
                   << rows.size() << " rows seen");
}
