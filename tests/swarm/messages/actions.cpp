// SPDX-License-Identifier: MPL-2.0

// What the script of a world may do next, and how all of it is undone.

#include "swarm/messages/world.hpp"

#include "swarm/faults.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace slk::swarm::messages {

using namespace std::chrono_literals;

namespace {

enum action : std::size_t {
    send,
    send_batch,
    send_waiting,
    receive_waiting,
    stall,
    go_on,
    change_marks,
    disconnect_peer,
    change_router,
    close_socket,
    drop_socket,
    open_socket,
    take_back,
    give_again,
    end_host,
    begin_host,
    suspend_host,
    limit_descriptors,
    no_limits,
    close_path,
    open_path,
    slow_path,
    change_faults,
    order_fault,
    action_count,
};

} // namespace

const std::vector<std::string_view>& action_names()
{
    static const std::vector<std::string_view> names{
        "send",        "send_batch",   "send_waiting",      "receive_waiting", "stall",
        "go_on",       "change_marks", "disconnect_peer",   "change_router",   "close_socket",
        "drop_socket", "open_socket",  "take_back",         "give_again",      "end_host",
        "begin_host",  "suspend_host", "limit_descriptors", "no_limits",       "close_path",
        "open_path",   "slow_path",    "change_faults",     "order_fault",
    };
    static_assert(action_count == 24);
    return names;
}

void world::did(std::size_t action)
{
    ++result_.actions[action];
    if (options_.log)
        std::printf("  script: %s\n", action_names()[action].data());
}

void world::act()
{
    const std::uint64_t kind = dice_.number(0, 99);
    const std::size_t which = dice_.index(members_.size());
    if (kind < 50)
        return act_on_letters(members_[which]);
    if (kind < 58)
        return act_on_member(which);
    if (kind < 70)
        return act_on_endpoints(which);
    if (kind < 85)
        return act_on_paths();
    act_on_machine();
}

void world::act_on_letters(member& which)
{
    if (!awake(which))
        return;
    switch (dice_.number(0, 7)) {
    case 0:
    case 1:
        if (!can_send(which.type))
            return;
        did(send);
        for (std::uint64_t count = dice_.number(1, 60); count > 0 && awake(which); --count)
            (void)write(which, no_wait);
        return;
    case 2:
        if (!can_send(which.type))
            return;
        did(send_batch);
        return write_batch(which, dice_.number(1, 30));
    case 3:
        if (!can_send(which.type))
            return;
        did(send_waiting);
        (void)write(which, dice_.one_of<duration>({1ms, 50ms, 500ms}));
        return;
    case 4:
        if (!can_receive(which.type))
            return;
        did(receive_waiting);
        (void)read(which, 1, dice_.one_of<duration>({1ms, 50ms, 500ms}));
        return;
    case 5:
        did(stall);
        which.stalled = true;
        return later([&which] { which.stalled = false; });
    case 6:
        did(go_on);
        which.stalled = false;
        return;
    default: break;
    }
    if (which.type == kind::router && dice_.chance(70)) {
        router& it = *which.open->as_router();
        if (dice_.chance(50)) {
            did(disconnect_peer);
            (void)it.disconnect_peer(choose_route(which));
            return;
        }
        did(change_router);
        it.set_handover(which.options.handover = dice_.chance(50));
        it.set_mandatory(which.options.mandatory = dice_.chance(50));
        return;
    }
    did(change_marks);
    const auto mark = [&] { return dice_.one_of<std::uint32_t>({0, 1, 3, 20, 1000}); };
    const std::uint32_t sending = mark();
    const bool unlimited = sending == 0 || which.max_mark == 0;
    which.max_mark = unlimited ? 0 : std::max(which.max_mark, sending);
    if (!which.open->base().set_send_high_water_mark(sending) ||
        !which.open->base().set_receive_high_water_mark(mark()))
        broken("a mark could not be set");
}

void world::act_on_member(std::size_t which)
{
    member& chosen = members_[which];
    if (!chosen.open || !awake(chosen)) {
        did(open_socket);
        return open_member(which);
    }
    if (dice_.chance(80)) {
        did(close_socket);
        close_member(which, dice_.one_of<duration>({0ms, 10ms, 1s}));
    } else {
        did(drop_socket);
        drop_member(which);
    }
    later([this, which] { open_member(which); });
}

/// unbind and bind, disconnect and connect.
void world::act_on_endpoints(std::size_t which)
{
    member& chosen = members_[which];
    if (!awake(chosen))
        return;
    const duration timeout = dice_.one_of<duration>({0ms, 10ms, 1s});
    if (chosen.binds) {
        if (chosen.bound.empty()) {
            did(give_again);
            return bind(chosen);
        }
        did(take_back);
        const std::string text = std::exchange(chosen.bound, {});
        if (!chosen.open->base().unbind(text, timeout))
            broken("unbind() did not know what bind() has answered");
        return later([this, &chosen] { bind(chosen); });
    }
    std::vector<tie*> mine;
    for (tie& each : ties_)
        if (each.from == which)
            mine.push_back(&each);
    tie& one = *mine[dice_.index(mine.size())];
    if (!one.made) {
        did(give_again);
        return connect(one);
    }
    did(take_back);
    untie(one, timeout);
    if (!chosen.open->base().disconnect(one.text, timeout))
        broken("disconnect() did not know what connect() was given");
    later([this, &one] { connect(one); });
}

void world::act_on_paths()
{
    const host_id from = places_[dice_.index(places_.size())].id;
    const host_id to = places_[dice_.index(places_.size())].id;
    switch (dice_.number(0, 4)) {
    case 0:
    case 1:
    case 2: {
        did(close_path);
        const bool both = dice_.chance(50);
        network_->partition(from, to);
        if (both)
            network_->partition(to, from);
        return later([this, from, to] {
            network_->heal(from, to);
            network_->heal(to, from);
        });
    }
    case 3:
        did(open_path);
        network_->heal(from, to);
        return network_->heal(to, from);
    default: did(slow_path); return network_->set_latency(from, to, dice_.time(1us, 100ms));
    }
}

void world::act_on_machine()
{
    const std::size_t index = dice_.index(places_.size());
    place& which = places_[index];
    const std::size_t chosen =
        dice_.one_of<std::size_t>({end_host, begin_host, suspend_host, limit_descriptors, no_limits,
                                   change_faults, order_fault, order_fault});
    if (network_->now() < which.asleep_until)
        return;
    did(chosen);
    const auto begin = [this, index] {
        if (!places_[index].runs)
            open_place(places_[index]);
        for (std::size_t each = 0; each < members_.size(); ++each)
            if (members_[each].at == index)
                open_member(each);
    };
    switch (chosen) {
    case end_host: close_place(index); return later(begin);
    case begin_host: return begin();
    case suspend_host: {
        const duration time = dice_.one_of<duration>({1ms, 500ms, 3s});
        network_->suspend(which.id, time);
        which.asleep_until = after(network_->now(), time);
        return;
    }
    case limit_descriptors: {
        host_limits limits;
        limits.descriptors = static_cast<std::uint32_t>(dice_.number(1, 12));
        (void)network_->set_limits(which.id, limits);
        return later([this, &which] { (void)network_->set_limits(which.id, {}); });
    }
    case change_faults: return network_->set_faults(choose_faults(dice_));
    case order_fault:
        return network_->inject(static_cast<fault>(dice_.index(fault_count)),
                                static_cast<std::uint32_t>(dice_.number(1, 5)));
    default: (void)network_->set_limits(which.id, {}); return;
    }
}

/// Most of what the script has done passes by itself; not in the middle of a call.
void world::later(std::function<void()> undo)
{
    if (dice_.chance(80))
        network_->at(after(network_->now(), dice_.one_of<duration>({50ms, 1s, 3s})),
                     [this, undo = std::move(undo)] { due_.push_back(undo); });
}

void world::undo_due()
{
    for (const auto& each : std::exchange(due_, {}))
        each();
}

} // namespace slk::swarm::messages
