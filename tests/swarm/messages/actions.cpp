// SPDX-License-Identifier: MPL-2.0

// The actions of the script.

#include "swarm/messages/world.hpp"

#include "swarm/faults.hpp"

#include <algorithm>
#include <utility>

namespace slk::swarm::messages {

using namespace std::chrono_literals;

namespace action {

enum : std::size_t {
    send,
    send_batch,
    send_waiting,
    receive_waiting,
    stop_receiving,
    resume_receiving,
    change_marks,
    disconnect_peer,
    change_router,
    close_socket,
    destroy_socket,
    create_socket,
    unbind_or_disconnect,
    bind_or_connect,
    end_host,
    begin_host,
    suspend_host,
    limit_descriptors,
    no_limits,
    close_path,
    open_path,
    slow_path,
    change_faults,
    inject_fault,
    count,
};

} // namespace action

const std::vector<std::string_view>& action_names()
{
    static const std::vector<std::string_view> names{
        "send",
        "send_batch",
        "send_waiting",
        "receive_waiting",
        "stop_receiving",
        "resume_receiving",
        "change_marks",
        "disconnect_peer",
        "change_router",
        "close_socket",
        "destroy_socket",
        "create_socket",
        "unbind_or_disconnect",
        "bind_or_connect",
        "end_host",
        "begin_host",
        "suspend_host",
        "limit_descriptors",
        "no_limits",
        "close_path",
        "open_path",
        "slow_path",
        "change_faults",
        "inject_fault",
    };
    static_assert(action::count == 24);
    return names;
}

void world::act()
{
    const std::uint64_t kind = random_.number(0, 99);
    const std::size_t which = random_.index(sockets_.size());
    if (kind < 50)
        return act_on_messages(sockets_[which]);
    if (kind < 58)
        return act_on_socket(which);
    if (kind < 70)
        return act_on_endpoints(which);
    if (kind < 85)
        return act_on_paths();
    act_on_machine();
}

void world::act_on_messages(socket_slot& which)
{
    if (!awake(which))
        return;
    switch (random_.number(0, 7)) {
    case 0:
    case 1:
        if (!can_send(which.type))
            return;
        count_action(action::send);
        for (std::uint64_t count = random_.number(1, 60); count > 0 && awake(which); --count)
            (void)send_next(which, no_wait);
        return;
    case 2:
        if (!can_send(which.type))
            return;
        count_action(action::send_batch);
        return send_batch(which, random_.number(1, 30));
    case 3:
        if (!can_send(which.type))
            return;
        count_action(action::send_waiting);
        (void)send_next(which, random_.one_of<duration>({1ms, 50ms, 500ms}));
        return;
    case 4:
        if (!can_receive(which.type))
            return;
        count_action(action::receive_waiting);
        (void)receive_some(which, 1, random_.one_of<duration>({1ms, 50ms, 500ms}));
        return;
    case 5:
        count_action(action::stop_receiving);
        which.receiving_stopped = true;
        return undo_later([&which] { which.receiving_stopped = false; });
    case 6:
        count_action(action::resume_receiving);
        which.receiving_stopped = false;
        return;
    default: break;
    }
    if (which.type == kind::router && random_.chance(70))
        return act_on_router(which);
    count_action(action::change_marks);
    change_marks(which);
}

void world::act_on_router(socket_slot& which)
{
    router& chosen = *which.handle->as_router();
    if (random_.chance(50)) {
        count_action(action::disconnect_peer);
        (void)chosen.disconnect_peer(choose_peer(which));
        return;
    }
    count_action(action::change_router);
    (void)chosen.set_handover(which.options.handover = random_.chance(50));
    (void)chosen.set_mandatory(which.options.mandatory = random_.chance(50));
}

void world::change_marks(socket_slot& which)
{
    const auto mark = [&] { return random_.one_of<std::uint32_t>({0, 1, 3, 20, 1000}); };
    const std::uint32_t send_mark = mark();
    const bool unlimited = send_mark == 0 || which.max_mark == 0;
    which.max_mark = unlimited ? 0 : std::max(which.max_mark, send_mark);
    if (!which.handle->base().set_send_high_water_mark(send_mark) ||
        !which.handle->base().set_receive_high_water_mark(mark()))
        report_failure("a mark could not be set");
}

void world::act_on_socket(std::size_t which)
{
    socket_slot& chosen = sockets_[which];
    if (!chosen.handle || !awake(chosen)) {
        count_action(action::create_socket);
        return create_socket(which);
    }
    if (random_.chance(80)) {
        count_action(action::close_socket);
        close_socket(which, random_.one_of<duration>({0ms, 10ms, 1s}));
    } else {
        count_action(action::destroy_socket);
        destroy_socket(which);
    }
    undo_later([this, which] { create_socket(which); });
}

/// unbind() and bind(), disconnect() and connect().
void world::act_on_endpoints(std::size_t which)
{
    socket_slot& chosen = sockets_[which];
    if (!awake(chosen))
        return;
    const duration timeout = random_.one_of<duration>({0ms, 10ms, 1s});
    if (chosen.binds) {
        if (chosen.bound.empty()) {
            count_action(action::bind_or_connect);
            return bind(chosen);
        }
        count_action(action::unbind_or_disconnect);
        const std::string endpoint = std::exchange(chosen.bound, {});
        if (!chosen.handle->base().unbind(endpoint, timeout))
            report_failure("unbind() failed for the endpoint that bind() returned");
        return undo_later([this, &chosen] { bind(chosen); });
    }
    std::vector<link_slot*> mine;
    for (link_slot& each : links_)
        if (each.from == which)
            mine.push_back(&each);
    link_slot& one = *mine[random_.index(mine.size())];
    if (!one.connected) {
        count_action(action::bind_or_connect);
        return connect(one);
    }
    count_action(action::unbind_or_disconnect);
    count_disconnect(one, timeout);
    if (!chosen.handle->base().disconnect(one.endpoint, timeout))
        report_failure("disconnect() failed for the endpoint that connect() was given");
    undo_later([this, &one] { connect(one); });
}

void world::act_on_paths()
{
    const host_id from = hosts_[random_.index(hosts_.size())].id;
    const host_id to = hosts_[random_.index(hosts_.size())].id;
    switch (random_.number(0, 4)) {
    case 0:
    case 1:
    case 2: {
        count_action(action::close_path);
        const bool both = random_.chance(50);
        network_->partition(from, to);
        if (both)
            network_->partition(to, from);
        return undo_later([this, from, to] {
            network_->heal(from, to);
            network_->heal(to, from);
        });
    }
    case 3:
        count_action(action::open_path);
        network_->heal(from, to);
        return network_->heal(to, from);
    default:
        count_action(action::slow_path);
        return network_->set_latency(from, to, random_.time(1us, 100ms));
    }
}

void world::act_on_machine()
{
    const std::size_t index = random_.index(hosts_.size());
    socket_host& which = hosts_[index];
    const std::size_t chosen = random_.one_of<std::size_t>(
        {action::end_host, action::begin_host, action::suspend_host, action::limit_descriptors,
         action::no_limits, action::change_faults, action::inject_fault, action::inject_fault});
    if (network_->now() < which.asleep_until)
        return;
    count_action(chosen);
    switch (chosen) {
    case action::end_host:
        stop_host(index);
        return undo_later([this, index] { restart_host(index); });
    case action::begin_host: return restart_host(index);
    case action::suspend_host: return suspend(which, random_.one_of<duration>({1ms, 500ms, 3s}));
    case action::limit_descriptors: {
        host_limits limits;
        limits.descriptors = static_cast<std::uint32_t>(random_.number(1, 12));
        (void)network_->set_limits(which.id, limits);
        return undo_later([this, &which] { (void)network_->set_limits(which.id, {}); });
    }
    case action::change_faults: return network_->set_faults(choose_faults(random_));
    case action::inject_fault: return inject_any_fault();
    default: (void)network_->set_limits(which.id, {}); return;
    }
}

void world::restart_host(std::size_t index)
{
    if (!hosts_[index].loop)
        start_host(hosts_[index]);
    for (std::size_t each = 0; each < sockets_.size(); ++each)
        if (sockets_[each].at == index)
            create_socket(each);
}

/// Most actions are undone after some time. A call of a socket may be waiting then, so that the
/// network only notes what is due.
void world::undo_later(std::function<void()> undo)
{
    world_base::undo_later([this, undo = std::move(undo)] { due_.push_back(undo); }, 3s);
}

void world::undo_due()
{
    for (const auto& each : std::exchange(due_, {}))
        each();
}

} // namespace slk::swarm::messages
