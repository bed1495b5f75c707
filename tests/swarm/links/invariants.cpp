// SPDX-License-Identifier: MPL-2.0

// What must hold in every world after every event, and what at the end.

#include "swarm/links/world.hpp"

#include "io/ledger.hpp"
#include "io/loop_core.hpp"
#include "link/connecter_machine.hpp"

#include <algorithm>
#include <cstdio>

namespace slk::swarm::links {

using namespace std::chrono_literals;

namespace {

bool is_legal(const link_transition& move)
{
    return std::ranges::any_of(link_detail::connecter_transitions(), [&](const auto& row) {
        return row.from == move.from && row.event == move.event && row.to == move.to;
    });
}

/// The longest delay of a backoff.
duration max_delay(const reconnect_options& options)
{
    return options.floor + options.cap + 20ms;
}

} // namespace

void world::report_failure_at(const link_slot& which, const std::string& what)
{
    report_failure(what + ", at the link to " + to_string(which.options.to));
}

/// The transitions of all links.
std::string world::describe()
{
    std::string text;
    for (const link_slot& each : links_) {
        text += "  from " + hosts_[each.from].name + ": ";
        text += each.handle ? each.handle->report() : std::string("destroyed\n");
    }
    return text;
}

// --- after each transition ---

void world::check_transition(link_slot& which, const link_transition& move,
                             const link_status& status)
{
    network_->note(static_cast<std::uint64_t>(move.from) << 16 |
                   static_cast<std::uint64_t>(move.to) << 8 |
                   static_cast<std::uint64_t>(move.event));
    if (options_.log)
        std::printf("  %s: %s\n", hosts_[which.from].name.c_str(), to_string(move, began_).c_str());
    if (!is_legal(move))
        report_failure_at(which, "a transition is not in the table");
    if (move.from != which.last_state)
        report_failure_at(which,
                          "a transition does not begin in the state where the last one ended");
    if (move.number != which.last_number + 1)
        report_failure_at(which, "the transitions are not numbered consecutively");
    if (status.state != move.to)
        report_failure_at(which, "the status given with a transition has another state");
    const bool begins = move.to == link_state::binding &&
                        (move.event == link_event::start || move.event == link_event::retry_due ||
                         move.event == link_event::retry_now);
    if (begins && status.attempt != which.last_attempt + 1)
        report_failure_at(which, "the number of an attempt is not the next one");
    if (status.attempt < which.last_attempt)
        report_failure_at(which, "the number of attempts decreased");
    if (move.to == link_state::connected && status.generation != which.last_generation + 1)
        report_failure_at(which, "the generation of a connection is not the next one");
    if (move.to == link_state::backoff && move.delay > max_delay(which.options.reconnect))
        report_failure_at(which, "a delay is longer than the options allow");
    if (move.to == link_state::idle && move.event != link_event::stop && !move.reason)
        report_failure_at(which, "a link became idle without a reason");
    which.last_state = move.to;
    which.last_number = move.number;
    which.last_attempt = status.attempt;
    which.last_generation = status.generation;

    if (which.stops_itself && random_.chance(5)) {
        which.handle->stop();
        if (random_.chance(50)) {
            ++which.extra_attempts;
            which.handle->start();
        }
    }
    // A policy may stop the link; the program starts it again.
    if (healing_ && move.to == link_state::idle && which.handle) {
        ++which.extra_attempts;
        which.handle->start();
    }
}

// --- after each event ---

void world::check_now()
{
    for (link_slot& each : links_)
        if (each.handle)
            check_link(each);
    for (std::size_t index = 0; index < hosts_.size(); ++index)
        if (hosts_[index].loop)
            check_sockets(index);
    if (io::ledger::process_totals().violations != 0)
        report_failure("an operation was completed twice, or never submitted");
}

void world::check_link(link_slot& which)
{
    const link_status status = which.handle->status();
    if (status.state != which.last_state)
        return report_failure_at(which, "the status has another state than the last transition");
    const bool has_peer = status.peer.family != address_family::none;
    const bool resting = status.state == link_state::idle || status.state == link_state::backoff;
    if (resting && has_peer)
        return report_failure_at(which, "a link without a connection has a peer");
    if (status.state == link_state::connected && (!has_peer || !status.local.port))
        return report_failure_at(which, "a connected link has no peer or no local address");
    const bool planned = status.next_attempt != never;
    if (planned != (status.state == link_state::backoff && !status.paused))
        return report_failure_at(
            which,
            "an attempt is planned although the link is not in backoff, or none is although it is");

    // No attempt and no delay takes longer than it may.
    const link_host& here = hosts_[which.from];
    const time_point clock = here.loop->core()->options().time->now();
    if (status.attempt != which.timed_attempt) {
        which.timed_attempt = status.attempt;
        which.attempt_began = clock;
    }
    if (network_->now() < here.unchecked_until)
        return;
    const reconnect_options& options = which.options.reconnect;
    const duration slack =
        3 * 300ms + here.jumped_back; // wakes, completions and cancels that are late
    if (planned && status.next_attempt > after(clock, max_delay(options) + slack))
        return report_failure_at(which, "the next attempt is planned later than any delay allows");
    if (planned && clock > after(status.next_attempt, slack))
        return report_failure_at(which, "the next attempt is overdue");
    const bool trying = !resting && status.state != link_state::connected;
    if (trying && clock > after(which.attempt_began, options.connect_timeout + slack))
        return report_failure_at(which, "an attempt lasts longer than its deadline");
}

/// No socket is open without an owner.
void world::check_sockets(std::size_t at)
{
    const std::uint32_t open = hosts_[at].loop->core()->io().open_sockets();
    if (open == 0 || network_->now() < hosts_[at].unchecked_until)
        return;
    std::uint32_t known = 0;
    bool exact = true;
    for (const link_slot& each : links_) {
        if (each.from != at || !each.handle)
            continue;
        switch (each.last_state) {
        case link_state::idle:
        case link_state::backoff: break;
        case link_state::binding:
        case link_state::connecting: known += link_detail::connecter_machine::max_at_once; break;
        case link_state::tuning:
        case link_state::connected: known += 1; break;
        }
    }
    for (const listener_slot& each : listeners_)
        if (each.at == at) {
            known += each.handle ? 1 : 0;
            known += 16; // accepted, but not completed yet, also of a closed listener
            exact = false;
        }
    for (const held_end& each : ends_)
        known += each.at == at && each.of == nullptr && !each.end->can_be_destroyed() ? 1 : 0;
    if (open > known)
        report_failure(exact ? "a socket without an owner is open"
                             : "more sockets are open than their owners may have");
}

/// Each attempt waits for a delay, except those that the script has asked for.
void world::check_attempts(const link_slot& which)
{
    const reconnect_options& options = which.options.reconnect;
    const duration age = network_->now() - which.created + hosts_[which.from].jumped_back;
    const std::uint64_t attempts = which.handle->status().attempt;
    std::uint64_t allowed = which.extra_attempts + 1;
    if (options.base == duration::zero())
        allowed += static_cast<std::uint64_t>(age / 10ms);
    else if (options.floor > duration::zero())
        allowed += static_cast<std::uint64_t>(age / options.floor);
    else if (options.base > duration::zero())
        allowed += 100 + 4 * static_cast<std::uint64_t>(age / options.base);
    if (attempts > allowed)
        report_failure_at(which, "more attempts were made than the delays allow");
}

// --- at the end ---

void world::check_all_healed()
{
    const auto late = [&](const link_slot& each) {
        const reconnect_options& options = each.options.reconnect;
        const duration allowed = options.connect_timeout + options.floor + options.cap + 1s +
                                 hosts_[each.from].jumped_back;
        return network_->now() > after(healed_at_, allowed);
    };
    const auto healed = [](const link_slot& each) { return each.healed; };
    while (ok() && !std::ranges::all_of(links_, healed)) {
        pass(100ms);
        for (const link_slot& each : links_)
            if (!each.healed && late(each))
                return report_failure_at(each,
                                         "a link does not carry an echo in time after the faults");
    }
}

void world::check_end()
{
    for (std::size_t index = 0; index < hosts_.size(); ++index) {
        io::poller* const poller = hosts_[index].loop ? &hosts_[index].loop->core()->io() : nullptr;
        if (poller != nullptr)
            result_.completions += poller->operations().submissions() - poller->outstanding();
        destroy_loop(index);
    }
    if (network_->open_sockets() != 0)
        report_failure("sockets are open although every loop has ended");
}

} // namespace slk::swarm::links
