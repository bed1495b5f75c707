// SPDX-License-Identifier: MPL-2.0

// What the script of a world may do next, and how all of it is undone.

#include "swarm/faults.hpp"
#include "swarm/world.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace slk::swarm {

using namespace std::chrono_literals;

namespace {

enum action : std::size_t {
    start,
    stop,
    retry_now,
    pause_link,
    resume_link,
    confirm_useful,
    drop_link,
    make_link,
    say,
    close_stream,
    reset_stream,
    finish_stream,
    drain_stream,
    close_listener,
    open_listener,
    end_loop,
    begin_loop,
    suspend_host,
    jump_clock,
    limit_descriptors,
    limit_ports,
    limit_accepts,
    no_limits,
    close_path,
    open_path,
    slow_path,
    change_name,
    remove_name,
    change_faults,
    order_fault,
    action_count,
};

} // namespace

const std::vector<std::string_view>& action_names()
{
    static const std::vector<std::string_view> names{
        "start",         "stop",           "retry_now",     "pause",
        "resume",        "confirm_useful", "drop_link",     "make_link",
        "say",           "close_stream",   "reset_stream",  "finish_stream",
        "drain_stream",  "close_listener", "open_listener", "end_loop",
        "begin_loop",    "suspend_host",   "jump_clock",    "limit_descriptors",
        "limit_ports",   "limit_accepts",  "no_limits",     "close_path",
        "open_path",     "slow_path",      "change_name",   "remove_name",
        "change_faults", "order_fault",
    };
    static_assert(action_count == 30);
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
    if (kind < 35)
        return act_on_link(lines_[dice_.index(lines_.size())]);
    if (kind < 60)
        return act_on_conversation();
    if (kind < 75)
        return act_on_host(places_[dice_.index(places_.size())]);
    if (kind < 85)
        return act_on_paths();
    if (kind < 92)
        return act_on_names();
    act_on_machine();
}

void world::act_on_link(line& which)
{
    if (!which.keeps) {
        did(make_link);
        return make_line(which);
    }
    const std::size_t chosen = dice_.chance(90) ? dice_.number(start, confirm_useful) : drop_link;
    did(chosen);
    switch (chosen) {
    case start: ++which.kicks; return which.keeps->start();
    case stop: return which.keeps->stop();
    case retry_now: ++which.kicks; return which.keeps->retry_now();
    case pause_link: return which.keeps->pause();
    case resume_link: ++which.kicks; return which.keeps->resume();
    case confirm_useful: return which.keeps->confirm_useful();
    default: return drop_line(which);
    }
}

void world::act_on_conversation()
{
    if (talks_.empty())
        return;
    auto each = talks_.begin();
    std::advance(each, static_cast<std::ptrdiff_t>(dice_.index(talks_.size())));
    conversation& talk = *each->talk;
    if (talk.over())
        return;
    const std::size_t chosen = dice_.number(say, drain_stream);
    did(chosen);
    switch (chosen) {
    case say:
        if (talk.how() == manner::speak)
            talk.say(dice_.number(1, 20000));
        return;
    case close_stream: return talk.close();
    case reset_stream: return talk.reset();
    case finish_stream: return talk.shutdown_send();
    default: return talk.drain(dice_.one_of<duration>({1ms, 100ms, 3s}));
    }
}

void world::act_on_host(place& which)
{
    const auto index = static_cast<std::size_t>(
        std::ranges::find(places_, which.name, &place::name) - places_.begin());
    post& listening = posts_[dice_.index(posts_.size())];
    switch (dice_.number(0, 3)) {
    case 0:
        if (which.runs) {
            did(end_loop);
            close_loop(index);
            return later([this, index] { begin_host(index); });
        }
        [[fallthrough]];
    case 1: did(begin_loop); return begin_host(index);
    case 2:
        did(close_listener);
        listening.open.reset();
        return later([this, &listening] { open_post(listening); });
    default: did(open_listener); return open_post(listening);
    }
}

void world::begin_host(std::size_t index)
{
    if (!places_[index].runs)
        open_loop(index);
    for (post& each : posts_)
        if (each.at == index)
            open_post(each);
    for (line& each : lines_)
        if (each.from == index)
            make_line(each);
}

void world::act_on_paths()
{
    const host_id from = places_[dice_.index(places_.size())].id;
    const host_id to = places_[dice_.index(places_.size())].id;
    switch (dice_.number(0, 3)) {
    case 0:
    case 1:
        did(close_path);
        network_->partition(from, to);
        return later([this, from, to] { network_->heal(from, to); });
    case 2: did(open_path); return network_->heal(from, to);
    default: did(slow_path); return network_->set_latency(from, to, dice_.time(1us, 300ms));
    }
}

void world::act_on_names()
{
    const place& which = places_[dice_.index(places_.size())];
    later([this, &which] { network_->set_name(which.name, which.addresses); });
    if (dice_.chance(30)) {
        did(remove_name);
        return network_->remove_name(which.name);
    }
    // Some of its addresses, some of nobody, some of a host where nothing may listen.
    did(change_name);
    std::vector<address> addresses;
    for (std::uint64_t count = dice_.number(1, 6); count > 0; --count) {
        const place& other = dice_.chance(60) ? which : places_[dice_.index(places_.size())];
        addresses.push_back(
            dice_.chance(25) ? *address::parse(dice_.chance(50) ? "192.0.2.1" : "2001:db8::dead", 0)
                             : other.addresses[dice_.index(other.addresses.size())]);
    }
    network_->set_name(which.name, addresses);
}

void world::act_on_machine()
{
    place& which = places_[dice_.index(places_.size())];
    const std::size_t chosen =
        dice_.one_of<std::size_t>({suspend_host, jump_clock, limit_descriptors, limit_ports,
                                   limit_accepts, no_limits, change_faults, order_fault});
    did(chosen);
    host_limits limits;
    switch (chosen) {
    case suspend_host: {
        const duration time = dice_.one_of<duration>({1ms, 500ms, 3s, 30s});
        network_->suspend(which.id, time);
        which.asleep_until = after(std::max(which.asleep_until, network_->now()), time);
        unsettle(which, 2s);
        break;
    }
    case jump_clock: {
        // A clock that goes back stands still for the loop until it has caught up.
        const bool back = dice_.chance(30) && which.jumped_back < 200ms;
        const duration by = back ? duration(-50ms) : dice_.one_of<duration>({1ms, 1s, 100s});
        if (back)
            which.jumped_back += 50ms;
        network_->jump_clock(which.id, by);
        unsettle(which, 2s);
        break;
    }
    case limit_descriptors:
        limits.descriptors = static_cast<std::uint32_t>(dice_.number(1, 12));
        break;
    case limit_ports:
        limits.first_port = 40000;
        limits.last_port = static_cast<std::uint16_t>(40000 + dice_.number(0, 5));
        break;
    case limit_accepts:
        limits.accepts_per_second = static_cast<std::uint32_t>(dice_.number(2, 200));
        break;
    case change_faults: return network_->set_faults(choose_faults(dice_));
    case order_fault:
        return network_->inject(static_cast<fault>(dice_.index(fault_count)),
                                static_cast<std::uint32_t>(dice_.number(1, 5)));
    default: break;
    }
    if (chosen == suspend_host || chosen == jump_clock) {
        for (line& each : lines_)
            ++each.kicks; // a wake or a jump may end a delay early
        return;
    }
    (void)network_->set_limits(which.id, limits);
    later([this, &which] { (void)network_->set_limits(which.id, {}); });
}

/// Most of what goes wrong passes by itself.
void world::later(std::function<void()> undo)
{
    if (dice_.chance(80))
        network_->at(after(network_->now(), dice_.one_of<duration>({50ms, 1s, 10s})),
                     std::move(undo));
}

/// The faults end, everything is made again that the script took away, and all speak.
void world::heal()
{
    network_->heal();
    for (std::size_t index = 0; index < places_.size(); ++index) {
        place& each = places_[index];
        (void)network_->set_limits(each.id, {});
        network_->set_name(each.name, each.addresses);
        for (const place& other : places_)
            network_->set_latency(each.id, other.id, 200us);
        if (!each.runs)
            open_loop(index);
    }
    // A host that sleeps has not been healed before it wakes.
    for (const place& each : places_)
        if (each.unsettled_until > network_->now())
            network_->run_for(each.unsettled_until - network_->now());
    sweep();

    healing_ = true;
    healed_at_ = network_->now();
    for (held_conversation& each : talks_) {
        const bool goes_on =
            each.talk->how() == (each.of != nullptr ? manner::speak : manner::echo);
        if (!goes_on && !each.talk->over())
            each.talk->close();
    }
    for (post& each : posts_) {
        open_post(each);
        if (!each.open)
            return broken("a listener cannot be opened although nothing is wrong any more");
    }
    for (line& each : lines_) {
        each.stops_itself = false;
        make_line(each);
        ++each.kicks;
        each.keeps->resume();
        each.keeps->start();
    }
    check_all_up();
}

} // namespace slk::swarm
