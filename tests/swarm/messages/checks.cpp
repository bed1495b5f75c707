// SPDX-License-Identifier: MPL-2.0

// What must hold in every world of sockets after every step, and what in the end.

#include "swarm/messages/world.hpp"

#include "io/ledger.hpp"

#include <algorithm>
#include <cstdio>

namespace slk::swarm::messages {

using namespace std::chrono_literals;

namespace {

/// What the system and the sessions may have of a connection's messages, in one direction: the
/// buffers of both ends, and what was received and not yet looked at. Besides, there may be one
/// message of which the last byte is missing.
constexpr std::size_t bytes_of_connection = std::size_t{3 * 64} * 1024 + 80 * 1024;

} // namespace

void world::broken(const std::string& what)
{
    if (!result_.failure.empty())
        return;
    char text[200];
    const auto passed =
        std::chrono::duration_cast<std::chrono::microseconds>(network_->now() - began_);
    std::snprintf(text, sizeof text, "after %llu events, at %lld us: ",
                  static_cast<unsigned long long>(network_->events()),
                  static_cast<long long>(passed.count()));
    result_.failure = text + what + "\n" + describe();
}

std::string world::describe()
{
    std::string text;
    for (std::size_t index = 0; index < members_.size(); ++index) {
        member& each = members_[index];
        text += "  " + std::to_string(index) + ": " + std::string(name_of(each.type)) + " on " +
                places_[each.at].name + (each.open ? "" : ", closed") + "\n";
        if (!each.open)
            continue;
        for (const endpoint_status& at : each.open->base().endpoints()) {
            text += "    " + at.endpoint;
            if (at.kind == endpoint_kind::connected)
                text += std::string(at.ready ? ", ready, " : ", not ready, ") +
                        to_string(at.link, network_->now());
            text += "\n";
        }
        for (const peer_status& peer : each.open->base().peers())
            text += "    peer " + to_string(peer.address) +
                    (peer.ready ? ", ready, " : ", gone, ") + std::to_string(peer.connections) +
                    " connections, " + std::to_string(peer.queued_total) + " sent, " +
                    std::to_string(peer.queued) + " waiting, " + std::to_string(peer.received) +
                    " received; " + to_string(peer.last_reason) + "\n";
    }
    return text;
}

// --- after each step ---

void world::check_members()
{
    for (member& each : members_)
        if (awake(each))
            check_member(each);
    if (io::ledger::process_totals().violations != 0)
        broken("an operation was completed twice, or never submitted");
}

void world::check_member(member& which)
{
    const socket_counters counted = which.open->base().counters();
    const std::uint64_t sent = books_[which.writer].sent();
    if (which.options.probe_router ? counted.queued_total < sent : counted.queued_total != sent)
        return broken("a socket counts " + std::to_string(counted.queued_total) +
                      " messages sent of " + std::to_string(sent));
    if (counted.received != which.received)
        return broken("a socket counts " + std::to_string(counted.received) +
                      " messages received of " + std::to_string(which.received));
    for (const peer_status& each : which.open->base().peers()) {
        // A greeting is queued in any case.
        const std::uint64_t most = which.max_mark + (which.options.probe_router ? 1 : 0);
        if (which.max_mark != 0 && each.queued > most)
            return broken("more messages wait for a peer than the mark allows");
        if (which.options.immediate && each.connections == 0 && each.queued_total > 0)
            return broken("a message was queued for a peer who was never there");
    }
}

// --- the faults end ---

duration world::max_liveness() const
{
    duration longest{};
    for (const group& each : groups_)
        longest = std::max(longest, each.common.peer_timeout);
    return longest;
}

/// An old connection is noticed to be dead, a delay, an attempt, a handshake; and a second for what
/// was on its way.
duration world::limit() const
{
    duration longest{};
    for (const group& each : groups_) {
        const reconnect_options& again = each.common.reconnect;
        longest = std::max<duration>(longest, again.floor + again.cap + again.connect_timeout +
                                                  each.common.peer_timeout +
                                                  each.common.handshake_timeout);
    }
    return longest + 1s;
}

std::size_t world::ready_peers(std::size_t which)
{
    if (!members_[which].open)
        return 0;
    const auto peers = members_[which].open->base().peers();
    return static_cast<std::size_t>(std::ranges::count_if(peers, &peer_status::ready));
}

std::size_t world::ties_to(std::size_t which) const
{
    return static_cast<std::size_t>(std::ranges::count(ties_, which, &tie::to));
}

bool world::is_ready(const tie& which)
{
    member& from = members_[which.from];
    if (!which.made || !from.open)
        return false;
    const auto all = from.open->base().endpoints();
    return std::ranges::any_of(all, [&](const endpoint_status& each) {
        return each.kind == endpoint_kind::connected && each.endpoint == which.text && each.ready;
    });
}

bool world::all_ready()
{
    for (std::size_t index = 0; index < members_.size(); ++index)
        if (members_[index].binds && ready_peers(index) != ties_to(index))
            return false;
    return std::ranges::all_of(ties_, [&](const tie& each) { return is_ready(each); });
}

void world::become_ready(const char* complaint)
{
    const time_point began = network_->now();
    while (result_.failure.empty() && !all_ready()) {
        pass(50ms);
        if (network_->now() > after(began, limit()) && !all_ready())
            return broken(complaint);
    }
}

/// The faults end, everything is made again that the script took away.
void world::heal()
{
    healing_ = true;
    network_->heal();
    for (place& each : places_) {
        (void)network_->set_limits(each.id, {});
        for (const place& other : places_)
            network_->set_latency(each.id, other.id, 200us);
        if (!each.runs)
            open_place(each);
    }
    for (const place& each : places_)
        if (each.asleep_until > network_->now())
            network_->run_for(each.asleep_until - network_->now());
    // What the script has planned to undo is undone.
    network_->run_for(3s);
    undo_due();
    for (std::size_t index = 0; index < members_.size(); ++index) {
        open_member(index);
        if (!members_[index].open)
            return broken("a socket cannot be opened although nothing is wrong any more");
        members_[index].stalled = false;
        if (!members_[index].binds)
            continue;
        bind(members_[index]);
        if (members_[index].bound.empty())
            return broken("a socket cannot be bound although nothing is wrong any more");
    }
    for (tie& each : ties_) {
        if (!each.made)
            connect(each);
        if (!each.made)
            return broken("a socket cannot be connected although nothing is wrong any more");
    }
    become_ready("peers are not ready in time although nothing is wrong any more");
    // A connection may have been lost before, and its ends do not know it yet.
    pass(max_liveness() + 1s);
    become_ready("peers do not stay ready although nothing is wrong any more");
    if (result_.failure.empty())
        check_flow();
    if (result_.failure.empty())
        check_account();
    if (result_.failure.empty())
        check_idle();
    if (result_.failure.empty())
        check_silence();
}

/// Everything that was queued was sent, and everything that was sent has been read.
bool world::settled()
{
    std::uint64_t before = 0;
    std::uint64_t now = 0;
    for (const member& each : members_)
        before += each.received;
    pass(100ms);
    for (const member& each : members_)
        now += each.received;
    return before == now && std::ranges::none_of(members_, [](member& each) {
               if (!each.open)
                   return false;
               const auto peers = each.open->base().peers();
               return std::ranges::any_of(peers,
                                          [](const peer_status& peer) { return peer.queued > 0; });
           });
}

/// One letter to each of its peers, and some more.
void world::say_something(std::size_t index)
{
    member& which = members_[index];
    const std::size_t peers = ready_peers(index);
    if (!can_send(which.type) || peers == 0)
        return;
    std::uint64_t left = 3;
    if (which.open->as_router() == nullptr)
        left += peers;
    for (int tries = 0; left > 0 && result_.failure.empty(); ++tries) {
        if (tries > 500)
            return broken("nobody takes a message although everybody reads");
        if (which.type == kind::router) {
            for (const peer_status& each : which.open->base().peers()) {
                if (!each.ready)
                    continue;
                const letter_name name{which.writer, books_[which.writer].sent()};
                const auto answer = which.open->send({each.routing_id, 0}, write_letter(name), 5s);
                if (answer && *answer == send_outcome::queued)
                    queued(which);
                else if (which.options.mandatory || !answer ||
                         *answer == send_outcome::dropped_no_route)
                    return broken("a ROUTER does not know a peer that is ready");
            }
            --left;
            pass(10ms);
        } else if (write(which, no_wait)) {
            --left;
        } else {
            pass(20ms);
        }
    }
}

/// Messages flow again, between all of them, and none is lost any more.
void world::check_flow()
{
    std::vector<std::uint32_t> first;
    for (const book& each : books_)
        first.push_back(each.sent());
    for (std::size_t index = 0; index < members_.size(); ++index)
        say_something(index);
    for (int tries = 0; tries < 300 && result_.failure.empty() && !settled(); ++tries) {
    }
    for (std::size_t index = 0; index < first.size() && result_.failure.empty(); ++index)
        for (std::uint32_t number = first[index]; number < books_[index].sent(); ++number)
            if (!books_[index].arrived[number])
                return broken("a message is lost although nothing is wrong any more: " +
                              std::to_string(number) + " of " + std::to_string(index) + ", by " +
                              std::to_string(books_[index].by));
}

/// What has not arrived is what the sockets say they have thrown away, or what a broken connection
/// has taken with it.
void world::check_account()
{
    for (std::size_t index = 0; index < groups_.size(); ++index) {
        std::vector<std::size_t> missing; // by their bytes
        std::uint64_t explained = 0;
        for (std::size_t writer = 0; writer < books_.size(); ++writer) {
            const book& each = books_[writer];
            if (each.of != index)
                continue;
            for (std::uint32_t number = 0; number < each.sent(); ++number)
                if (!each.arrived[number])
                    missing.push_back(
                        bytes_of_letter({static_cast<std::uint32_t>(writer), number}));
            member& by = members_[each.by];
            const bool open = by.open && by.writer == writer;
            if (!each.final && !open)
                continue; // then the group is unclear
            const socket_counters counted = open ? by.open->base().counters() : *each.final;
            explained += counted.unsent + counted.discarded;
        }
        if (groups_[index].unclear || groups_[index].probes)
            continue;
        if (explained > missing.size())
            return broken("the sockets say that " + std::to_string(explained) +
                          " messages are lost, but only " + std::to_string(missing.size()) +
                          " are missing");
        std::uint64_t broken_connections = 0;
        for (const tie& each : ties_)
            if (members_[each.from].of == index)
                broken_connections += connections_of(each) - 1;
        std::ranges::sort(missing);
        const std::size_t lost = missing.size() - explained;
        std::size_t bytes = 0;
        for (std::size_t number = 0; number < lost; ++number)
            bytes += missing[number];
        const std::size_t largest = missing.empty() ? 0 : missing.back();
        if (bytes > 2 * broken_connections * (bytes_of_connection + largest))
            return broken(std::to_string(lost) + " messages are lost, with " +
                          std::to_string(bytes) + " bytes, and nobody says so; " +
                          std::to_string(broken_connections) + " connections have broken");
    }
}

/// A good connection stays, also when nothing is said.
void world::check_idle()
{
    std::vector<std::uint64_t> before;
    for (const tie& each : ties_)
        before.push_back(connections_of(each));
    pass(3 * max_liveness() + 1s);
    for (std::size_t index = 0; index < ties_.size() && result_.failure.empty(); ++index)
        if (connections_of(ties_[index]) != before[index])
            return broken("a good connection was given up");
    if (result_.failure.empty() && !all_ready())
        broken("a good peer was given up");
}

/// A peer that is silent is given up in time, by both sides; the others are not.
void world::check_silence()
{
    tie& chosen = ties_[dice_.index(ties_.size())];
    const std::size_t here = members_[chosen.from].at;
    const std::size_t there = members_[chosen.to].at;
    if (here == there)
        return;
    const auto between = [&](const tie& each) {
        const std::size_t from = members_[each.from].at;
        const std::size_t to = members_[each.to].at;
        return (from == here && to == there) || (from == there && to == here);
    };
    network_->partition(places_[here].id, places_[there].id);
    network_->partition(places_[there].id, places_[here].id);
    // Some have nothing to say, and some more than the system takes.
    if (dice_.chance(50))
        for (member& each : members_)
            for (int count = 0; count < 40 && can_send(each.type) && write(each, no_wait);
                 ++count) {
            }
    const duration peer_timeout = groups_[members_[chosen.from].of].common.peer_timeout;
    pass(peer_timeout + 10ms);
    if (result_.failure.empty() && is_ready(chosen))
        return broken("a silent peer was not given up in time by who has connected");
    std::size_t cut = 0;
    for (const tie& each : ties_)
        cut += each.to == chosen.to && between(each) ? 1 : 0;
    if (result_.failure.empty() && ready_peers(chosen.to) != ties_to(chosen.to) - cut)
        return broken("a silent peer was not given up in time by who has bound");
    for (const tie& each : ties_)
        if (result_.failure.empty() && !between(each) && !is_ready(each))
            return broken("a good peer was given up with a silent one");
    network_->heal();
    // Those who were more patient may give up yet: what was held back takes a second.
    pass(max_liveness() + 1s);
    if (result_.failure.empty())
        become_ready("peers do not come back after a silence");
    for (int tries = 0; tries < 100 && result_.failure.empty() && !settled(); ++tries) {
    }
}

// --- the end ---

/// Whoever is closed first has all of his last letters delivered.
void world::check_farewell()
{
    std::vector<std::size_t> order;
    for (std::size_t index = 0; index < members_.size(); ++index) {
        order.insert(order.begin() + static_cast<std::ptrdiff_t>(dice_.index(order.size() + 1)),
                     index);
        (void)members_[index].open->base().set_receive_high_water_mark(0);
    }
    for (const std::size_t index : order) {
        member& leaving = members_[index];
        const bool all_there = std::ranges::all_of(ties_, [&](const tie& each) {
            return (each.from != index && each.to != index) ||
                   (members_[each.from].open && members_[each.to].open);
        });
        if (all_there)
            say_something(index);
        if (!result_.failure.empty())
            return;
        const std::uint64_t before = leaving.open->base().counters().unsent;
        const std::uint32_t writer = leaving.writer;
        const time_point began = network_->now();
        close_member(index, all_there ? 10s : 0s);
        if (all_there && network_->now() > after(began, 10s))
            return broken("close() has taken longer than it may");
        pass(100ms);
        if (!all_there || !result_.failure.empty())
            continue;
        if (books_[writer].final->unsent != before)
            return broken("close() has unsent messages although everybody reads");
    }
}

void world::check_nothing_left()
{
    network_->run_for(2s);
    if (network_->open_sockets() != 0)
        broken("sockets of the system stay open although all sockets are closed");
    for (std::size_t index = 0; index < places_.size(); ++index)
        close_place(index);
    if (network_->open_sockets() != 0)
        broken("sockets stay open although every loop has ended");
}

} // namespace slk::swarm::messages
