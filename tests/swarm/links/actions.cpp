// SPDX-License-Identifier: MPL-2.0

// The actions of the script, and how the world is healed after them.

#include "swarm/links/world.hpp"

#include "swarm/faults.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace slk::swarm::links {

using namespace std::chrono_literals;

namespace action {

enum : std::size_t {
    start,
    stop,
    retry_now,
    pause,
    resume,
    confirm_useful,
    destroy_link,
    create_link,
    send,
    close_stream,
    reset_stream,
    shutdown_send,
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
    inject_fault,
    count,
};

} // namespace action

const std::vector<std::string_view>& action_names()
{
    static const std::vector<std::string_view> names{
        "start",          "stop",          "retry_now",    "pause",          "resume",
        "confirm_useful", "destroy_link",  "create_link",  "send",           "close_stream",
        "reset_stream",   "shutdown_send", "drain_stream", "close_listener", "open_listener",
        "end_loop",       "begin_loop",    "suspend_host", "jump_clock",     "limit_descriptors",
        "limit_ports",    "limit_accepts", "no_limits",    "close_path",     "open_path",
        "slow_path",      "change_name",   "remove_name",  "change_faults",  "inject_fault",
    };
    static_assert(action::count == 30);
    return names;
}

/// Most actions are undone after some time.
void world::undo_later(std::function<void()> undo)
{
    world_base::undo_later(std::move(undo), 10s);
}

void world::act()
{
    const std::uint64_t kind = random_.number(0, 99);
    if (kind < 35)
        return act_on_link(links_[random_.index(links_.size())]);
    if (kind < 60)
        return act_on_end();
    if (kind < 75)
        return act_on_host(hosts_[random_.index(hosts_.size())]);
    if (kind < 85)
        return act_on_paths();
    if (kind < 92)
        return act_on_names();
    act_on_machine();
}

void world::act_on_link(link_slot& which)
{
    if (!which.handle) {
        count_action(action::create_link);
        return create_link(which);
    }
    const std::size_t chosen = random_.chance(90)
                                   ? random_.number(action::start, action::confirm_useful)
                                   : action::destroy_link;
    count_action(chosen);
    switch (chosen) {
    case action::start: ++which.extra_attempts; return which.handle->start();
    case action::stop: return which.handle->stop();
    case action::retry_now: ++which.extra_attempts; return which.handle->retry_now();
    case action::pause: return which.handle->pause();
    case action::resume: ++which.extra_attempts; return which.handle->resume();
    case action::confirm_useful: return which.handle->confirm_useful();
    default: return destroy_link(which);
    }
}

void world::act_on_end()
{
    if (ends_.empty())
        return;
    auto each = ends_.begin();
    std::advance(each, static_cast<std::ptrdiff_t>(random_.index(ends_.size())));
    connection_end& end = *each->end;
    if (end.finished())
        return;
    const std::size_t chosen = random_.number(action::send, action::drain_stream);
    count_action(chosen);
    switch (chosen) {
    case action::send:
        if (end.role() == end_role::client)
            end.send_bytes(random_.number(1, 20000));
        return;
    case action::close_stream: return end.close();
    case action::reset_stream: return end.reset();
    case action::shutdown_send: return end.shutdown_send();
    default: return end.drain(random_.one_of<duration>({1ms, 100ms, 3s}));
    }
}

void world::act_on_host(link_host& which)
{
    const auto index = static_cast<std::size_t>(
        std::ranges::find(hosts_, which.name, &link_host::name) - hosts_.begin());
    listener_slot& listening = listeners_[random_.index(listeners_.size())];
    switch (random_.number(0, 3)) {
    case 0:
        if (which.loop) {
            count_action(action::end_loop);
            destroy_loop(index);
            return undo_later([this, index] { restart_host(index); });
        }
        [[fallthrough]];
    case 1: count_action(action::begin_loop); return restart_host(index);
    case 2:
        count_action(action::close_listener);
        listening.handle.reset();
        return undo_later([this, &listening] { create_listener(listening); });
    default: count_action(action::open_listener); return create_listener(listening);
    }
}

void world::restart_host(std::size_t index)
{
    if (!hosts_[index].loop)
        create_loop(index);
    for (listener_slot& each : listeners_)
        if (each.at == index)
            create_listener(each);
    for (link_slot& each : links_)
        if (each.from == index)
            create_link(each);
}

void world::act_on_paths()
{
    const host_id from = hosts_[random_.index(hosts_.size())].id;
    const host_id to = hosts_[random_.index(hosts_.size())].id;
    switch (random_.number(0, 3)) {
    case 0:
    case 1:
        count_action(action::close_path);
        network_->partition(from, to);
        return undo_later([this, from, to] { network_->heal(from, to); });
    case 2: count_action(action::open_path); return network_->heal(from, to);
    default:
        count_action(action::slow_path);
        return network_->set_latency(from, to, random_.time(1us, 300ms));
    }
}

void world::act_on_names()
{
    const link_host& which = hosts_[random_.index(hosts_.size())];
    undo_later([this, &which] { network_->set_name(which.name, which.addresses); });
    if (random_.chance(30)) {
        count_action(action::remove_name);
        return network_->remove_name(which.name);
    }
    // Addresses of the host itself, of another host, or of no host at all.
    count_action(action::change_name);
    std::vector<address> addresses;
    for (std::uint64_t count = random_.number(1, 6); count > 0; --count) {
        const link_host& other = random_.chance(60) ? which : hosts_[random_.index(hosts_.size())];
        addresses.push_back(
            random_.chance(25)
                ? *address::parse(random_.chance(50) ? "192.0.2.1" : "2001:db8::dead", 0)
                : other.addresses[random_.index(other.addresses.size())]);
    }
    network_->set_name(which.name, addresses);
}

void world::act_on_machine()
{
    link_host& which = hosts_[random_.index(hosts_.size())];
    const std::size_t chosen = random_.one_of<std::size_t>(
        {action::suspend_host, action::jump_clock, action::limit_descriptors, action::limit_ports,
         action::limit_accepts, action::no_limits, action::change_faults, action::inject_fault});
    count_action(chosen);
    host_limits limits;
    switch (chosen) {
    case action::suspend_host:
        suspend(which, random_.one_of<duration>({1ms, 500ms, 3s, 30s}));
        return skip_delays(which);
    case action::jump_clock: jump_clock(which); return skip_delays(which);
    case action::limit_descriptors:
        limits.descriptors = static_cast<std::uint32_t>(random_.number(1, 12));
        break;
    case action::limit_ports:
        limits.first_port = 40000;
        limits.last_port = static_cast<std::uint16_t>(40000 + random_.number(0, 5));
        break;
    case action::limit_accepts:
        limits.accepts_per_second = static_cast<std::uint32_t>(random_.number(2, 200));
        break;
    case action::change_faults: return network_->set_faults(choose_faults(random_));
    case action::inject_fault: return inject_any_fault();
    default: break;
    }
    (void)network_->set_limits(which.id, limits);
    undo_later([this, &which] { (void)network_->set_limits(which.id, {}); });
}

void world::jump_clock(link_host& which)
{
    // A loop whose clock goes back does nothing until it has caught up.
    const bool back = random_.chance(30) && which.jumped_back < 200ms;
    const duration by = back ? duration(-50ms) : random_.one_of<duration>({1ms, 1s, 100s});
    if (back)
        which.jumped_back += 50ms;
    network_->jump_clock(which.id, by);
}

/// After a wake or a jump of the clock, delays may end early.
void world::skip_delays(link_host& which)
{
    suspend_checks(which, 2s);
    for (link_slot& each : links_)
        ++each.extra_attempts;
}

void world::heal()
{
    reset_network();
    for (std::size_t index = 0; index < hosts_.size(); ++index) {
        link_host& each = hosts_[index];
        network_->set_name(each.name, each.addresses);
        if (!each.loop)
            create_loop(index);
    }
    for (const link_host& each : hosts_)
        if (each.unchecked_until > network_->now())
            network_->run_for(each.unchecked_until - network_->now());
    destroy_finished_ends();

    healing_ = true;
    healed_at_ = network_->now();
    for (held_end& each : ends_) {
        const end_role needed = each.of != nullptr ? end_role::client : end_role::echo;
        if (each.end->role() != needed && !each.end->finished())
            each.end->close();
    }
    for (listener_slot& each : listeners_) {
        create_listener(each);
        if (!each.handle)
            return report_failure("a listener cannot be created after the faults");
    }
    for (link_slot& each : links_) {
        each.stops_itself = false;
        create_link(each);
        ++each.extra_attempts;
        each.handle->resume();
        each.handle->start();
    }
    check_all_healed();
}

} // namespace slk::swarm::links
