// SPDX-License-Identifier: MPL-2.0

// How the sockets of a world send and receive, and how each received message is checked.

#include "swarm/messages/world.hpp"

#include <algorithm>
#include <array>

namespace slk::swarm::messages {

using namespace std::chrono_literals;

// --- sending ---

/// ROUTER only: returns a present or an earlier peer, at times one that does not exist.
peer_id world::choose_peer(socket_slot& which)
{
    if (which.handle->as_router() == nullptr)
        return {};
    std::vector<peer_id> known;
    for (const peer_status& each : which.handle->base().peers())
        if (each.generation != 0)
            known.push_back({each.routing_id, random_.chance(50) ? each.generation : 0});
    if (known.empty() || random_.chance(5))
        return {"unknown", 0};
    return known[random_.index(known.size())];
}

/// Returns whether a call may fail with that error. `wait_errors`: those injected before the call.
bool world::may_fail(const socket_slot& which, const error& why, const timeout& limit,
                     std::uint64_t wait_errors) const
{
    if (why == errc::would_block)
        return limit.max_wait == no_wait;
    if (why == errc::timed_out && limit.max_wait > no_wait)
        return true;
    if (why == errc::no_route || why == errc::peer_replaced)
        return which.type == kind::router && which.options.mandatory;
    return network_->injected(fault::wait_error) > wait_errors;
}

void world::count_queued(socket_slot& which)
{
    records_[which.sender].arrived.push_back(false);
    network_->note(which.sender);
}

bool world::send_next(socket_slot& which, const timeout& limit)
{
    const message_id id{which.sender, records_[which.sender].sent()};
    multipart whole = make_message(id);
    const std::uint64_t wait_errors = network_->injected(fault::wait_error);
    const bool alone = which.type != kind::router && whole.size() == 1 && random_.chance(50);
    const peer_id to = choose_peer(which);
    const auto sent = alone ? which.handle->send(std::move(whole[0]), limit)
                            : which.handle->send(to, std::move(whole), limit);
    if (sent && *sent == send_outcome::queued) {
        count_queued(which);
        return true;
    }
    if (sent ? which.type != kind::router || which.options.mandatory
             : !may_fail(which, sent.error(), limit, wait_errors))
        report_failure("send() failed without a reason: " +
                       (sent ? std::string(name_of(*sent)) : to_string(sent.error())));
    return false;
}

void world::send_batch(socket_slot& which, std::size_t max)
{
    std::vector<message> batch;
    message_id id{which.sender, records_[which.sender].sent()};
    for (; batch.size() < max && part_count(id) == 1; ++id.number)
        batch.push_back(std::move(make_message(id)[0]));
    if (batch.empty() || which.type == kind::router)
        return (void)send_next(which, no_wait);
    const std::uint64_t wait_errors = network_->injected(fault::wait_error);
    const auto sent = which.handle->send_batch(batch, no_wait);
    if (!sent && !may_fail(which, sent.error(), no_wait, wait_errors))
        report_failure("send_batch() failed without a reason: " + to_string(sent.error()));
    for (std::size_t count = sent.value_or(0); count > 0; --count)
        count_queued(which);
}

// --- receiving ---

std::size_t world::receive_some(socket_slot& which, std::size_t max, const timeout& limit)
{
    while (!which.partial.empty()) {
        const std::size_t before = which.partial.size();
        receive_batch(which);
        if (which.partial.size() == before)
            return 0;
    }
    for (std::size_t count = 0; count < max; ++count) {
        peer_id from;
        multipart whole;
        const std::uint64_t wait_errors = network_->injected(fault::wait_error);
        const auto event = which.handle->receive(from, whole, limit);
        if (!event) {
            if (!may_fail(which, event.error(), limit, wait_errors))
                report_failure("receive() failed without a reason: " + to_string(event.error()));
            return count;
        }
        switch (*event) {
        case router_event::message: check_received(which, whole, from); break;
        case router_event::connected:
        case router_event::disconnected: {
            ++which.router_events;
            const bool asked_for = *event == router_event::connected
                                       ? which.options.notify_connect
                                       : which.options.notify_disconnect;
            if (!asked_for || whole.size() != 1 || !whole[0].empty())
                report_failure("a router event was not asked for, or has a body");
        }
        }
    }
    return max;
}

void world::receive_batch(socket_slot& which)
{
    if (which.type == kind::router)
        return (void)receive_some(which, 5);
    std::array<message, 5> parts;
    const std::uint64_t wait_errors = network_->injected(fault::wait_error);
    const auto count = which.handle->receive_batch(
        std::span(parts).first(random_.number(1, parts.size())), no_wait);
    if (!count) {
        if (!may_fail(which, count.error(), no_wait, wait_errors))
            report_failure("receive_batch() failed without a reason: " + to_string(count.error()));
        return;
    }
    for (std::size_t index = 0; index < *count; ++index) {
        const bool more = parts[index].more();
        which.partial.add(std::move(parts[index]));
        if (!more)
            check_received(which, std::exchange(which.partial, {}), {});
    }
}

void world::check_received(socket_slot& which, const multipart& whole, const peer_id& from)
{
    ++which.received;
    if (groups_[which.of].sends_probes && whole.size() == 1 && whole[0].empty())
        return;
    const auto id = id_of(whole);
    if (!id || id->sender >= records_.size())
        return report_failure("a received message has no known sender");
    send_record& record = records_[id->sender];
    if (record.of != which.of)
        return report_failure("a message was received by another group");
    if (id->number >= record.sent())
        return report_failure("a message was received that was not sent");
    if (!matches(whole, *id))
        return report_failure("a received message differs from the one that was sent");
    if (record.arrived[id->number])
        return report_failure("a message was received twice: number " + std::to_string(id->number) +
                              " of sender " + std::to_string(id->sender));
    record.arrived[id->number] = true;
    ++result_.messages;
    result_.bytes += byte_count(*id);
    network_->note(std::uint64_t{id->sender} << 32 | id->number);
    check_order(which, *id, from);
}

/// The messages of one connection are received in order. Those of two connections, one of which has
/// ended, may be received alternately. With requeue, what was queued for another peer comes behind
/// later messages.
void world::check_order(socket_slot& which, message_id id, const peer_id& from)
{
    std::vector<std::uint32_t>& last = which.last[{id.sender, from.generation}];
    // The highest of the lower numbers: the connection that this message continues.
    std::uint32_t* previous = nullptr;
    for (std::uint32_t& each : last)
        if (each < id.number && (previous == nullptr || *previous < each))
            previous = &each;
    if (previous != nullptr) {
        *previous = id.number;
        return;
    }
    last.push_back(id.number);
    std::uint64_t allowed = 0;
    const std::size_t by = records_[id.sender].by;
    for (const link_slot& each : links_)
        if ((&sockets_[each.from] == &which && each.to == by) ||
            (each.from == by && &sockets_[each.to] == &which))
            allowed += connections_of(each);
    if (which.type == kind::router)
        allowed = 1;
    const socket_slot& sending = sockets_[by];
    if (sending.options.requeue && sending.type != kind::router)
        for (const link_slot& each : links_)
            if (each.from == by || each.to == by)
                allowed += connections_of(each) + 1;
    if (last.size() > allowed)
        report_failure("messages of one peer were received in another order");
}

} // namespace slk::swarm::messages
