// SPDX-License-Identifier: MPL-2.0

// What must hold in every world after every event, and what in the end.

#include "swarm/world.hpp"

#include "io/ledger.hpp"
#include "io/loop_core.hpp"
#include "link/connecter_machine.hpp"

#include <algorithm>
#include <cstdio>

namespace slk::swarm {

using namespace std::chrono_literals;

namespace {

bool is_legal(const link_transition& move)
{
    return std::ranges::any_of(link_detail::connecter_transitions(), [&](const auto& row) {
        return row.from == move.from && row.event == move.event && row.to == move.to;
    });
}

/// The longest that a backoff may last.
duration max_delay(const reconnect_options& options)
{
    return options.floor + options.cap + 20ms;
}

} // namespace

void world::broken(const char* what, const line* where)
{
    if (!result_.failure.empty())
        return;
    char text[200];
    const auto passed =
        std::chrono::duration_cast<std::chrono::microseconds>(network_->now() - began_);
    std::snprintf(text, sizeof text, "after %llu events, at %lld us: %s",
                  static_cast<unsigned long long>(network_->events()),
                  static_cast<long long>(passed.count()), what);
    result_.failure = text;
    if (where != nullptr)
        result_.failure += ", at the link to " + to_string(where->options.to);
    result_.failure += "\n" + recorders();
}

std::string world::recorders() const
{
    std::string text;
    for (const line& each : lines_) {
        text += "  from " + places_[each.from].name + ": ";
        text += each.keeps ? each.keeps->report() : std::string("dropped\n");
    }
    return text;
}

// --- each move ---

void world::moved(line& which, const link_transition& move, const link_status& status)
{
    network_->note(static_cast<std::uint64_t>(move.from) << 16 |
                   static_cast<std::uint64_t>(move.to) << 8 |
                   static_cast<std::uint64_t>(move.event));
    if (options_.log)
        std::printf("  %s: %s\n", places_[which.from].name.c_str(),
                    to_string(move, began_).c_str());
    if (!is_legal(move))
        broken("a move is not in the table", &which);
    if (move.from != which.seen)
        broken("a move does not begin where the one before it ended", &which);
    if (move.number != which.seen_number + 1)
        broken("the moves are not numbered one after the other", &which);
    if (status.state != move.to)
        broken("the status given with a move is another one's", &which);
    const bool begins = move.to == link_state::binding &&
                        (move.event == link_event::start || move.event == link_event::retry_due ||
                         move.event == link_event::retry_now);
    if (begins && status.attempt != which.seen_attempt + 1)
        broken("an attempt is not numbered one more than the last", &which);
    if (status.attempt < which.seen_attempt)
        broken("the number of attempts went down", &which);
    if (move.to == link_state::connected && status.generation != which.seen_generation + 1)
        broken("a connection is not numbered one more than the last", &which);
    if (move.to == link_state::backoff && move.delay > max_delay(which.options.reconnect))
        broken("a delay is longer than its options allow", &which);
    if (move.to == link_state::idle && move.event != link_event::stop && !move.reason)
        broken("a link gave up without a reason", &which);
    which.seen = move.to;
    which.seen_number = move.number;
    which.seen_attempt = status.attempt;
    which.seen_generation = status.generation;

    if (which.stops_itself && dice_.chance(5)) {
        which.keeps->stop();
        if (dice_.chance(50)) {
            ++which.kicks;
            which.keeps->start();
        }
    }
    // The program wants its link, whatever its policy says.
    if (healing_ && move.to == link_state::idle && which.keeps) {
        ++which.kicks;
        which.keeps->start();
    }
}

// --- after each event ---

void world::check_everything()
{
    for (line& each : lines_)
        if (each.keeps)
            check_line(each);
    for (std::size_t index = 0; index < places_.size(); ++index)
        if (places_[index].runs)
            check_sockets(index);
    if (io::ledger::process_totals().violations != 0)
        broken("an operation was completed twice, or never submitted");
}

void world::check_line(line& which)
{
    const link_status status = which.keeps->status();
    if (status.state != which.seen)
        return broken("the status tells another state than the last move", &which);
    const bool has_peer = status.peer.family != address_family::none;
    const bool resting = status.state == link_state::idle || status.state == link_state::backoff;
    if (resting && has_peer)
        return broken("a link that rests has a peer", &which);
    if (status.state == link_state::connected && (!has_peer || !status.local.port))
        return broken("a connected link does not say to whom", &which);
    const bool planned = status.next_attempt != never;
    if (planned != (status.state == link_state::backoff && !status.paused))
        return broken("a next attempt is planned, and should not be, or the other way round",
                      &which);

    // Nothing gets stuck. A host whose clock has just been moved needs a moment.
    const place& here = places_[which.from];
    const time_point clock = here.runs->core()->options().time->now();
    if (status.attempt != which.timed_attempt) {
        which.timed_attempt = status.attempt;
        which.attempt_began = clock;
    }
    if (network_->now() < here.unsettled_until)
        return;
    const reconnect_options& options = which.options.reconnect;
    const duration slack = 3 * 300ms + here.jumped_back; // late wakes, completions and cancels
    if (planned && status.next_attempt > after(clock, max_delay(options) + slack))
        return broken("the next attempt is further away than any delay", &which);
    if (planned && clock > after(status.next_attempt, slack))
        return broken("the next attempt is overdue", &which);
    const bool trying = !resting && status.state != link_state::connected;
    if (trying && clock > after(which.attempt_began, options.connect_timeout + slack))
        return broken("an attempt outlives its deadline", &which);
}

/// No socket is open that nobody knows of.
void world::check_sockets(std::size_t at)
{
    const std::uint32_t open = places_[at].runs->core()->io().open_sockets();
    if (open == 0 || network_->now() < places_[at].unsettled_until)
        return;
    std::uint32_t known = 0;
    bool exact = true;
    for (const line& each : lines_) {
        if (each.from != at || !each.keeps)
            continue;
        switch (each.seen) {
        case link_state::idle:
        case link_state::backoff: break;
        case link_state::binding:
        case link_state::connecting: known += link_detail::connecter_machine::max_at_once; break;
        case link_state::tuning:
        case link_state::connected: known += 1; break;
        }
    }
    for (const post& each : posts_)
        if (each.at == at) {
            known += each.open ? 1 : 0;
            known += 16; // accepted, and the completion is on its way, even of a closed listener
            exact = false;
        }
    for (const held_conversation& each : talks_)
        known += each.at == at && each.of == nullptr && !each.talk->at_rest() ? 1 : 0;
    if (open > known)
        broken(exact ? "a socket is open that nobody has"
                     : "more sockets are open than there may be");
}

/// Each attempt but those that somebody asked for waits for a delay.
void world::check_attempts(const line& which)
{
    const reconnect_options& options = which.options.reconnect;
    const duration lived = network_->now() - which.created + places_[which.from].jumped_back;
    const std::uint64_t attempts = which.keeps->status().attempt;
    std::uint64_t allowed = which.kicks + 1;
    if (options.base == duration::zero())
        allowed += static_cast<std::uint64_t>(lived / 10ms);
    else if (options.floor > duration::zero())
        allowed += static_cast<std::uint64_t>(lived / options.floor);
    else if (options.base > duration::zero())
        allowed += 100 + 4 * static_cast<std::uint64_t>(lived / options.base);
    if (attempts > allowed)
        broken("more attempts were made than the delays allow", &which);
}

// --- in the end ---

void world::check_all_up()
{
    const auto late = [&](const line& each) {
        const reconnect_options& options = each.options.reconnect;
        const duration allowed = options.connect_timeout + options.floor + options.cap + 1s +
                                 places_[each.from].jumped_back;
        return network_->now() > after(healed_at_, allowed);
    };
    const auto up = [](const line& each) { return each.up; };
    while (result_.failure.empty() && !std::ranges::all_of(lines_, up)) {
        pass(100ms);
        for (const line& each : lines_)
            if (!each.up && late(each))
                return broken("a link is not up in time although nothing is wrong any more", &each);
    }
}

void world::check_nothing_left()
{
    for (std::size_t index = 0; index < places_.size(); ++index) {
        io::poller* const poller =
            places_[index].runs ? &places_[index].runs->core()->io() : nullptr;
        if (poller != nullptr)
            result_.completions += poller->operations().submissions() - poller->outstanding();
        close_loop(index);
    }
    if (network_->open_sockets() != 0)
        broken("sockets stay open although every loop has ended");
}

} // namespace slk::swarm
