// SPDX-License-Identifier: MPL-2.0

// What must hold in every world of publishers and subscribers after every step, and what at the
// end.

#include "swarm/topics/world.hpp"

#include "io/ledger.hpp"

#include <algorithm>

namespace slk::swarm::topics {

using namespace std::chrono_literals;

std::string world::describe()
{
    std::string text;
    for (slot* const each : all_slots()) {
        text += "  port " + std::to_string(each->port) + " on " + hosts_[each->at].name +
                (each->is_extended ? ", extended" : "") + (each->handle ? "" : ", closed") + "\n";
        if (!each->handle)
            continue;
        for (const peer_status& peer : base(*each).peers())
            text += "    peer " + to_string(peer.address) +
                    (peer.ready ? ", ready, " : ", not connected, ") +
                    std::to_string(peer.subscriptions) + " subscriptions, " +
                    std::to_string(peer.queued_total) + " queued in total, " +
                    std::to_string(peer.queued) + " queued, " + std::to_string(peer.dropped) +
                    " dropped, " + std::to_string(peer.received) + " received; " +
                    to_string(peer.last_reason) + "\n";
    }
    for (const subscriber& each : subscribers_) {
        text += "  port " + std::to_string(each.port) + " wants";
        for (const std::string& topic : each.topics)
            text += " '" + topic + "'";
        for (const std::string& pattern : each.patterns)
            text += " pattern '" + pattern + "'";
        text += "\n";
    }
    for (const subscriber& each : subscribers_)
        if (!each.expected.empty())
            text += "  port " + std::to_string(each.port) + " misses " +
                    std::to_string(each.expected.size()) +
                    ", the first: " + std::to_string(each.expected.begin()->first) + " " +
                    std::to_string(each.expected.begin()->second) + "\n";
    return text;
}

void world::check_sockets()
{
    for (publisher& each : publishers_) {
        if (!awake(each))
            continue;
        const std::uint32_t mark = each.options.send_high_water_mark;
        for (const peer_status& peer : base(each).peers())
            if (mark != 0 && peer.queued > mark)
                return report_failure("more messages are queued for a peer than the mark allows");
    }
    for (subscriber& each : subscribers_)
        if (awake(each) && base(each).counters().received != each.received)
            return report_failure("a subscriber counts another number of received messages");
    if (io::ledger::process_totals().violations != 0)
        report_failure("an operation was completed twice, or never submitted");
}

/// As in the worlds of sockets: the old connection times out, then a delay, an attempt and a
/// handshake.
duration world::recovery_time() const
{
    const socket_options& any = publishers_.front().options;
    return any.reconnect.floor + any.reconnect.cap + any.reconnect.connect_timeout +
           any.peer_timeout + any.handshake_timeout + 1s;
}

/// Different topics that publishers are told, with those that patterns begin with.
std::uint32_t world::topics_of(const subscriber& which)
{
    std::set<std::string> all(which.topics.begin(), which.topics.end());
    for (const std::string& each : which.patterns)
        all.insert(each.substr(0, each.find_first_of("*?[")));
    return static_cast<std::uint32_t>(all.size());
}

/// Whether each publisher has all subscribers as ready peers, and knows all of their topics.
bool world::all_known()
{
    std::vector<std::uint32_t> wanted;
    for (const subscriber& each : subscribers_)
        wanted.push_back(topics_of(each));
    std::ranges::sort(wanted);
    return std::ranges::all_of(publishers_, [&](publisher& each) {
        std::vector<std::uint32_t> known;
        for (const peer_status& peer : base(each).peers())
            if (peer.ready)
                known.push_back(peer.subscriptions);
        std::ranges::sort(known);
        // With what was taken back while a connection was lost it may be more.
        return keeps_topics_ ? std::ranges::equal(known, wanted, std::ranges::greater_equal())
                             : known == wanted;
    });
}

void world::heal()
{
    healing_ = true;
    reset_network();
    for (socket_host& each : hosts_)
        if (!each.loop)
            start_host(each);
    for (const socket_host& each : hosts_)
        if (each.asleep_until > network_->now())
            network_->run_for(each.asleep_until - network_->now());
    // The longest time after which an action is undone.
    network_->run_for(3s);
    undo_due();
    for (publisher& each : publishers_) {
        // From now on every message is to arrive.
        each.options.expires_after = duration::zero();
        if (each.handle && !base(each).set_options(each.options))
            report_failure("the options of a publisher cannot be changed");
        create(each);
    }
    for (subscriber& each : subscribers_) {
        create(each);
        each.receiving_stopped = false;
    }
    // What binds may have found its port in use, or no descriptor.
    const auto bind_again = [&](slot& each) {
        if (each.handle && base(each).endpoints().empty() &&
            !base(each).bind("tcp://*:" + std::to_string(each.port)))
            report_failure("a socket cannot be bound after the faults");
    };
    if (publishers_bind_)
        std::ranges::for_each(publishers_, bind_again);
    else
        std::ranges::for_each(subscribers_, bind_again);
    // A connection may have been lost before the faults ended, unnoticed by its ends.
    pass(publishers_.front().options.peer_timeout + 1s);
    for (const time_point began = network_->now(); ok() && !all_known(); pass(50ms))
        if (network_->now() > after(began, recovery_time()))
            return report_failure("a publisher does not know all subscriptions after the faults");
    if (ok())
        check_delivery();
    if (ok())
        check_losses();
}

/// Each message is published when the one before it has arrived: none is dropped.
void world::check_delivery()
{
    pass(2s); // what is on its way
    deliveries_counted_ = true;
    for (int round = 0; round < 10 && ok(); ++round) {
        for (publisher& each : publishers_)
            publish(each);
        const auto are_missing = [&] {
            return std::ranges::any_of(
                subscribers_, [](const subscriber& each) { return !each.expected.empty(); });
        };
        for (int tries = 0; tries < 100 && ok() && are_missing(); ++tries)
            pass(20ms);
        if (ok() && are_missing())
            report_failure("a message does not reach a subscriber that wants it");
    }
    deliveries_counted_ = false;
}

/// All messages that were queued for subscribers were received, were thrown away, or are reported
/// as lost.
void world::check_losses()
{
    for (publisher& each : publishers_)
        close(each, 10s);
    pass(1s);
    const bool is_exact = !has_closed_subscriber_;
    for (subscriber& each : subscribers_)
        if (each.handle)
            receive_all(each);
    for (subscriber& each : subscribers_)
        close(each, 0ms);
    if (received_ + discarded_ > queued_)
        return report_failure(
            "more messages were received than were queued: " + std::to_string(received_) + " and " +
            std::to_string(discarded_) + " of " + std::to_string(queued_));
    // A subscriber that is closed leaves what its system has received, and nobody counts that.
    if (is_exact && queued_ - received_ - discarded_ > lost_)
        report_failure(std::to_string(queued_ - received_ - discarded_) +
                       " messages are missing, and " + std::to_string(lost_) +
                       " are reported as lost");
}

void world::check_end()
{
    network_->run_for(2s);
    if (network_->open_sockets() != 0)
        report_failure("system sockets are open although all sockets are closed");
    for (std::size_t index = 0; index < hosts_.size(); ++index)
        stop_host(index);
    if (network_->open_sockets() != 0)
        report_failure("system sockets are open although every loop has ended");
}

} // namespace slk::swarm::topics
