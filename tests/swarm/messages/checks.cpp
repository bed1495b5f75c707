// SPDX-License-Identifier: MPL-2.0

// What must hold in every world after every step, and what at the end.

#include "swarm/messages/world.hpp"

#include "io/ledger.hpp"

#include <algorithm>
#include <cstdio>

namespace slk::swarm::messages {

using namespace std::chrono_literals;

namespace {

/// How many bytes of messages a lost connection may take with it, in one direction: the system's
/// buffers of both ends, and bytes that were received and not parsed yet. One more message may have
/// been sent except for its last byte.
constexpr std::size_t bytes_of_connection = std::size_t{3 * 64} * 1024 + 80 * 1024;

} // namespace

std::string world::describe()
{
    std::string text;
    for (std::size_t index = 0; index < sockets_.size(); ++index) {
        socket_slot& each = sockets_[index];
        text += "  " + std::to_string(index) + ": " + std::string(name_of(each.type)) + " on " +
                hosts_[each.at].name + (each.handle ? "" : ", closed") + "\n";
        if (!each.handle)
            continue;
        for (const endpoint_status& at : each.handle->base().endpoints()) {
            text += "    " + at.endpoint;
            if (at.kind == endpoint_kind::connected)
                text += std::string(at.ready ? ", ready, " : ", not ready, ") +
                        to_string(at.link, network_->now());
            text += "\n";
        }
        for (const peer_status& peer : each.handle->base().peers())
            text += "    peer " + to_string(peer.address) +
                    (peer.ready ? ", ready, " : ", not connected, ") +
                    std::to_string(peer.connections) + " connections, " +
                    std::to_string(peer.queued_total) + " queued in total, " +
                    std::to_string(peer.queued) + " queued, " + std::to_string(peer.received) +
                    " received; " + to_string(peer.last_reason) + "\n";
    }
    return text;
}

// --- after each step ---

void world::check_sockets()
{
    for (socket_slot& each : sockets_)
        if (awake(each))
            check_socket(each);
    if (io::ledger::process_totals().violations != 0)
        report_failure("an operation was completed twice, or never submitted");
}

void world::check_socket(socket_slot& which)
{
    const socket_counters counted = which.handle->base().counters();
    const std::uint64_t sent = records_[which.sender].sent();
    if (which.options.probe_router ? counted.queued_total < sent : counted.queued_total != sent)
        return report_failure("a socket counts " + std::to_string(counted.queued_total) +
                              " sent messages, and not " + std::to_string(sent));
    if (counted.received != which.received)
        return report_failure("a socket counts " + std::to_string(counted.received) +
                              " received messages, and not " + std::to_string(which.received));
    for (const peer_status& each : which.handle->base().peers()) {
        // The probe is queued even when the queue is full.
        const std::uint64_t max = which.max_mark + (which.options.probe_router ? 1 : 0);
        if (which.max_mark != 0 && each.queued > max)
            return report_failure("more messages are queued for a peer than the mark allows");
        if (which.options.immediate && each.connections == 0 && each.queued_total > 0)
            return report_failure("a message was queued for a peer that was never ready");
    }
}

// --- after the faults ---

duration world::max_peer_timeout() const
{
    duration longest{};
    for (const group& each : groups_)
        longest = std::max(longest, each.common.peer_timeout);
    return longest;
}

/// The time within which a peer must be ready again: the old connection times out, then a delay, an
/// attempt and a handshake, and one second for packets on their way.
duration world::recovery_time() const
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
    if (!sockets_[which].handle)
        return 0;
    const auto peers = sockets_[which].handle->base().peers();
    return static_cast<std::size_t>(std::ranges::count_if(peers, &peer_status::ready));
}

std::size_t world::links_to(std::size_t which) const
{
    return static_cast<std::size_t>(std::ranges::count(links_, which, &link_slot::to));
}

bool world::is_ready(const link_slot& which)
{
    socket_slot& from = sockets_[which.from];
    if (!which.connected || !from.handle)
        return false;
    const auto all = from.handle->base().endpoints();
    return std::ranges::any_of(all, [&](const endpoint_status& each) {
        return each.kind == endpoint_kind::connected && each.endpoint == which.endpoint &&
               each.ready;
    });
}

bool world::all_ready()
{
    for (std::size_t index = 0; index < sockets_.size(); ++index)
        if (sockets_[index].binds && ready_peers(index) != links_to(index))
            return false;
    return std::ranges::all_of(links_, [&](const link_slot& each) { return is_ready(each); });
}

void world::wait_until_ready(const char* complaint)
{
    const time_point began = network_->now();
    while (ok() && !all_ready()) {
        pass(50ms);
        if (network_->now() > after(began, recovery_time()) && !all_ready())
            return report_failure(complaint);
    }
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
            run_until(each.asleep_until);
    // The longest time after which an action is undone.
    run_until(network_->now() + 3s);
    undo_due();
    restore_endpoints();
    if (!ok())
        return;
    wait_until_ready("peers are not ready in time after the faults");
    // A connection may have been lost before the faults ended, unnoticed by its ends.
    pass(max_peer_timeout() + 1s);
    wait_until_ready("peers do not stay ready after the faults");
    for (const auto check : {&world::check_delivery, &world::check_losses, &world::check_idle,
                             &world::check_silent_peer})
        if (ok())
            (this->*check)();
}

/// Creates, binds and connects all sockets again.
void world::restore_endpoints()
{
    for (std::size_t index = 0; index < sockets_.size(); ++index) {
        create_socket(index);
        if (!sockets_[index].handle)
            return report_failure("a socket cannot be created after the faults");
        sockets_[index].receiving_stopped = false;
        if (!sockets_[index].binds)
            continue;
        bind(sockets_[index]);
        if (sockets_[index].bound.empty())
            return report_failure("a socket cannot be bound after the faults");
    }
    for (link_slot& each : links_) {
        if (!each.connected)
            connect(each);
        if (!each.connected)
            return report_failure("a socket cannot be connected after the faults");
    }
}

/// Returns whether nothing is queued, and nothing was received within 100 ms.
bool world::is_quiet()
{
    std::uint64_t before = 0;
    std::uint64_t now = 0;
    for (const socket_slot& each : sockets_)
        before += each.received;
    pass(100ms);
    for (const socket_slot& each : sockets_)
        now += each.received;
    return before == now && std::ranges::none_of(sockets_, [](socket_slot& each) {
               if (!each.handle)
                   return false;
               const auto peers = each.handle->base().peers();
               return std::ranges::any_of(peers,
                                          [](const peer_status& peer) { return peer.queued > 0; });
           });
}

/// Sends at least one message to each of the socket's peers.
void world::send_to_all_peers(std::size_t index)
{
    socket_slot& which = sockets_[index];
    const std::size_t peers = ready_peers(index);
    if (!can_send(which.type) || peers == 0)
        return;
    std::uint64_t left = 3;
    if (which.handle->as_router() == nullptr)
        left += peers;
    for (int tries = 0; left > 0 && ok(); ++tries) {
        if (tries > 500)
            return report_failure("a message cannot be sent although every peer receives");
        if (which.type == kind::router) {
            send_to_ready_peers(which);
            if (!ok())
                return;
            --left;
            pass(10ms);
        } else if (send_next(which, no_wait)) {
            --left;
        } else {
            pass(20ms);
        }
    }
}

void world::send_to_ready_peers(socket_slot& router)
{
    for (const peer_status& each : router.handle->base().peers())
        if (each.ready && ok())
            send_to_ready_peer(router, {each.routing_id, 0});
}

/// A peer that is at its mark takes the message after it has received others. For this the programs
/// must run: nobody receives during a call that waits.
void world::send_to_ready_peer(socket_slot& router, const peer_id& to)
{
    for (int tries = 0; ok(); ++tries) {
        const message_id id{router.sender, records_[router.sender].sent()};
        const auto sent = router.handle->send(to, make_message(id), no_wait);
        if (sent && *sent == send_outcome::queued)
            return count_queued(router);
        if (!router.options.mandatory && sent && *sent == send_outcome::dropped_full)
            return;
        if (sent || sent.error() != errc::would_block || tries == 500)
            return report_failure("a ROUTER cannot send to a peer that is ready: " +
                                  (sent ? std::string(name_of(*sent)) : to_string(sent.error())));
        pass(20ms);
    }
}

/// Each socket can send to all its peers, and no message is lost any more.
void world::check_delivery()
{
    std::vector<std::uint32_t> first;
    for (const send_record& each : records_)
        first.push_back(each.sent());
    for (std::size_t index = 0; index < sockets_.size(); ++index)
        send_to_all_peers(index);
    for (int tries = 0; tries < 300 && ok() && !is_quiet(); ++tries) {
    }
    for (std::size_t index = 0; index < first.size() && ok(); ++index)
        for (std::uint32_t number = first[index]; number < records_[index].sent(); ++number)
            if (!records_[index].arrived[number])
                return report_failure("a message is lost after the faults: number " +
                                      std::to_string(number) + " of sender " +
                                      std::to_string(index) + ", socket " +
                                      std::to_string(records_[index].by));
}

/// Every message that did not arrive was counted as lost by a socket, or may have been lost with a
/// connection.
void world::check_losses()
{
    for (std::size_t index = 0; index < groups_.size() && ok(); ++index)
        check_losses_of(index);
}

void world::check_losses_of(std::size_t index)
{
    std::vector<std::size_t> missing; // the sizes of the messages
    std::uint64_t counted_as_lost = 0;
    for (std::size_t sender = 0; sender < records_.size(); ++sender) {
        const send_record& each = records_[sender];
        if (each.of != index)
            continue;
        for (std::uint32_t number = 0; number < each.sent(); ++number)
            if (!each.arrived[number])
                missing.push_back(byte_count({static_cast<std::uint32_t>(sender), number}));
        socket_slot& by = sockets_[each.by];
        const bool open = by.handle && by.sender == sender;
        if (!each.final && !open)
            continue; // destroyed without close()
        const socket_counters counted = each.final ? *each.final : by.handle->base().counters();
        counted_as_lost += counted.unsent + counted.discarded;
    }
    // Without all counters, or with messages that are in no record, the numbers cannot be compared.
    if (groups_[index].losses_unknown || groups_[index].sends_probes)
        return;
    if (counted_as_lost > missing.size())
        return report_failure("the sockets count " + std::to_string(counted_as_lost) +
                              " messages as lost, but only " + std::to_string(missing.size()) +
                              " are missing");
    std::uint64_t lost_connections = 0;
    for (const link_slot& each : links_)
        if (sockets_[each.from].of == index)
            lost_connections += connections_of(each) - 1;
    std::ranges::sort(missing);
    const std::size_t lost = missing.size() - counted_as_lost;
    std::size_t bytes = 0;
    for (std::size_t number = 0; number < lost; ++number)
        bytes += missing[number];
    const std::size_t max_size = missing.empty() ? 0 : missing.back();
    if (bytes > 2 * lost_connections * (bytes_of_connection + max_size))
        report_failure(std::to_string(lost) + " messages of " + std::to_string(bytes) +
                       " bytes are lost and no socket counts them; " +
                       std::to_string(lost_connections) + " connections were lost");
}

/// An idle connection that works is kept.
void world::check_idle()
{
    std::vector<std::uint64_t> before;
    for (const link_slot& each : links_)
        before.push_back(connections_of(each));
    pass(3 * max_peer_timeout() + 1s);
    for (std::size_t index = 0; index < links_.size() && ok(); ++index)
        if (connections_of(links_[index]) != before[index])
            return report_failure("a connection that works was closed");
    if (ok() && !all_ready())
        report_failure("a peer whose connection works is not ready");
}

/// Both sides close a connection in time whose path was cut, and keep the others.
void world::check_silent_peer()
{
    link_slot& chosen = links_[random_.index(links_.size())];
    const std::size_t here = sockets_[chosen.from].at;
    const std::size_t there = sockets_[chosen.to].at;
    if (here == there)
        return;
    const auto between = [&](const link_slot& each) {
        const std::size_t from = sockets_[each.from].at;
        const std::size_t to = sockets_[each.to].at;
        return (from == here && to == there) || (from == there && to == here);
    };
    network_->partition(hosts_[here].id, hosts_[there].id);
    network_->partition(hosts_[there].id, hosts_[here].id);
    // Some sockets have nothing to send, and some more than the system takes.
    if (random_.chance(50))
        for (socket_slot& each : sockets_)
            for (int count = 0; count < 40 && can_send(each.type) && send_next(each, no_wait);
                 ++count) {
            }
    const duration peer_timeout = groups_[sockets_[chosen.from].of].common.peer_timeout;
    // The programs receive often meanwhile. One that does not for as long as its peer_timeout,
    // while as many messages of it have arrived as were sent to it, counts as dead: they may have
    // been the answers to all that it was sent.
    const time_point end = after(network_->now(), peer_timeout + 10ms);
    while (ok() && network_->now() < end)
        pass(std::min<duration>(end - network_->now(), 500ms));
    if (ok() && is_ready(chosen))
        return report_failure("the connecting side did not notice a silent peer in time");
    std::size_t cut = 0;
    for (const link_slot& each : links_)
        cut += each.to == chosen.to && between(each) ? 1 : 0;
    if (ok() && ready_peers(chosen.to) != links_to(chosen.to) - cut)
        return report_failure("the bound side did not notice a silent peer in time");
    for (const link_slot& each : links_)
        if (ok() && !between(each) && !is_ready(each))
            return report_failure(
                "a peer whose connection works is not ready while another one is silent");
    network_->heal();
    // Sockets with a longer peer_timeout may still time out; packets that were held back arrive
    // within a second.
    pass(max_peer_timeout() + 1s);
    if (ok())
        wait_until_ready("peers are not ready in time after a silence");
    for (int tries = 0; tries < 100 && ok() && !is_quiet(); ++tries) {
    }
}

// --- at the end ---

/// close() delivers everything that is queued while the peers receive.
void world::check_close()
{
    std::vector<std::size_t> order;
    for (std::size_t index = 0; index < sockets_.size(); ++index) {
        order.insert(order.begin() + static_cast<std::ptrdiff_t>(random_.index(order.size() + 1)),
                     index);
        (void)sockets_[index].handle->base().set_receive_high_water_mark(0);
    }
    for (const std::size_t index : order) {
        socket_slot& closing = sockets_[index];
        const bool peers_open = std::ranges::all_of(links_, [&](const link_slot& each) {
            return (each.from != index && each.to != index) ||
                   (sockets_[each.from].handle && sockets_[each.to].handle);
        });
        if (peers_open)
            send_to_all_peers(index);
        if (!ok())
            return;
        const std::uint64_t before = closing.handle->base().counters().unsent;
        const std::uint32_t sender = closing.sender;
        const time_point began = network_->now();
        close_socket(index, peers_open ? 10s : 0s);
        if (peers_open && network_->now() > after(began, 10s))
            return report_failure("close() took longer than its timeout");
        pass(100ms);
        if (!peers_open || !ok())
            continue;
        if (records_[sender].final->unsent != before)
            return report_failure("close() left messages unsent although every peer receives");
    }
}

void world::check_end()
{
    check_close();
    if (ok())
        check_nothing_left();
}

void world::check_nothing_left()
{
    run_until(network_->now() + 2s);
    if (network_->open_sockets() != 0)
        report_failure("system sockets are open although all sockets are closed");
    for (std::size_t index = 0; index < hosts_.size(); ++index)
        stop_host(index);
    if (network_->open_sockets() != 0)
        report_failure("system sockets are open although every loop has ended");
}

} // namespace slk::swarm::messages
