// SPDX-License-Identifier: MPL-2.0
#include "swarm/links/world.hpp"

#include <algorithm>
#include <utility>

namespace slk::swarm::links {

using namespace std::chrono_literals;

world::world(std::uint64_t seed, const run_options& options)
    : world_base(seed, options, action_names())
{
    choose_hosts();
    choose_listeners();
    choose_links();
}

world::~world()
{
    for (std::size_t index = 0; index < hosts_.size(); ++index)
        destroy_loop(index);
}

// --- what the seed chooses ---

void world::choose_hosts()
{
    const std::size_t count = random_.number(2, 5);
    for (std::size_t index = 0; index < count; ++index) {
        link_host& added = hosts_.emplace_back();
        added.name = "host" + std::to_string(index);
        // Addresses of both families, so that every host can reach every other one.
        const std::uint64_t addresses = random_.number(2, 4);
        for (std::uint64_t number = 0; number < addresses; ++number) {
            const bool ipv6 = number == 0 || (number > 1 && random_.chance(40));
            const std::string text = (ipv6 ? "2001:db8::" : "10.0.") + std::to_string(index + 1) +
                                     (ipv6 ? ":" : ".") + std::to_string(number + 1);
            added.addresses.push_back(*address::parse(text, 0));
        }
        add_host(added);
        create_loop(index);
    }
}

void world::choose_listeners()
{
    const std::size_t count = random_.number(1, 4);
    for (std::size_t index = 0; index < count; ++index) {
        listener_slot& added = listeners_.emplace_back();
        added.at = random_.index(hosts_.size());
        added.where = address::any(address_family::ipv6, static_cast<std::uint16_t>(5000 + index));
        added.accepted_role = random_.one_of(
            {end_role::echo, end_role::echo, end_role::echo, end_role::silent, end_role::unreading,
             end_role::half_close, end_role::close, end_role::reset});
        create_listener(added);
    }
}

void world::choose_links()
{
    const std::size_t count = random_.number(1, 8);
    for (std::size_t index = 0; index < count; ++index) {
        link_slot& added = links_.emplace_back();
        added.from = random_.index(hosts_.size());
        added.to = random_.index(listeners_.size());
        added.connected_role =
            random_.one_of({end_role::client, end_role::client, end_role::client, end_role::silent,
                            end_role::unreading, end_role::half_close, end_role::reset});
        added.stops_itself = random_.chance(10);
        added.options = choose_options(added.from, added.to);
        create_link(added);
    }
}

/// Returns a numeric address, a name or, for the same host, the loopback.
std::string world::choose_target(std::size_t from, std::size_t to)
{
    const link_host& target = hosts_[listeners_[to].at];
    if (listeners_[to].at == from && random_.chance(40))
        return random_.one_of<const char*>({"localhost", "127.0.0.1", "[::1]"});
    if (random_.chance(60))
        return target.name;
    address chosen = target.addresses[random_.index(target.addresses.size())];
    const std::string text = to_string(chosen);
    return text.substr(0, text.rfind(':'));
}

link_options world::choose_options(std::size_t from, std::size_t to)
{
    link_options options;
    const std::string text =
        "tcp://" + choose_target(from, to) + ":" + std::to_string(listeners_[to].where.port);
    options.to = *endpoint::parse(text);
    reconnect_options& again = options.reconnect;
    again.base = random_.one_of<duration>({0ms, 1ms, 100ms, 500ms, reconnect_never});
    again.floor = random_.one_of<duration>({0ms, 10ms, 100ms, 900ms});
    again.cap = std::max<duration>(random_.one_of<duration>({500ms, 2s, 5s}), again.base);
    again.connect_timeout = random_.one_of<duration>({2s, 5s, 8s});
    again.address_stagger = random_.one_of<duration>({100ms, 250ms, 500ms});
    again.stable_after = random_.one_of<duration>({0ms, 100ms, 1s});
    again.useful_when =
        random_.one_of({usefulness::first_receive, usefulness::connected, usefulness::confirmed});
    again.spread_first_attempt = again.base > duration::zero() && random_.chance(30);
    if (random_.chance(20))
        again.policy = retry_policy::stop_on_refused();
    for (std::size_t which = 0; which < failure_class_count; ++which)
        if (random_.chance(5))
            again.policy.set(
                static_cast<failure_class>(which),
                random_.one_of({retry_rule::retry, retry_rule::retry_slowly, retry_rule::stop}));
    if (random_.chance(50))
        options.tuning.keep_alive = keep_alive_options{true, 2s, 1s, 3};
    if (random_.chance(50))
        options.tuning.user_timeout = 4s;
    if (random_.chance(20))
        options.tuning.send_buffer = static_cast<int>(random_.number(1, 4096));
    if (random_.chance(20))
        options.tuning.receive_buffer = static_cast<int>(random_.number(1, 4096));
    return options;
}

// --- loops, listeners, links and connections ---

void world::create_loop(std::size_t which)
{
    hosts_[which].loop.emplace(*network_->create_loop(hosts_[which].id));
}

/// Destroys everything on the host: the loop first, or the handles first.
void world::destroy_loop(std::size_t which)
{
    link_host& closing = hosts_[which];
    if (!closing.loop)
        return;
    const std::weak_ptr<io::loop_core> core = closing.loop->core();
    const bool loop_first = random_.chance(50);
    if (loop_first)
        closing.loop.reset();
    for (link_slot& each : links_)
        if (each.from == which)
            destroy_link(each);
    for (listener_slot& each : listeners_)
        if (each.at == which)
            each.handle.reset();
    for (held_end& each : ends_)
        if (each.at == which && !each.end->finished())
            each.end->close();
    closing.loop.reset();
    // The handlers of streams that were closed before are destroyed with the loop, without a call.
    std::erase_if(ends_, [&](const held_end& each) { return each.at == which; });
    if (!core.expired())
        report_failure("an object outlives its handle, and keeps its loop alive");
}

void world::create_listener(listener_slot& which)
{
    if (which.handle || !hosts_[which.at].loop)
        return;
    listener_options options;
    options.at.host = "::";
    options.at.port = which.where.port;
    options.dual_stack = true;
    options.accepts = static_cast<int>(random_.number(1, 16));
    // Handshakes that began while faults were injected may fill a small backlog for a minute.
    options.backlog = static_cast<int>(random_.one_of<std::uint64_t>({128, 1024}));
    auto made = listener::create(
        *hosts_[which.at].loop, options,
        {.accepted = [this,
                      &which](stream connection) { add_accepted(which, std::move(connection)); },
         .failed = {}});
    if (made)
        which.handle.emplace(std::move(*made));
}

void world::create_link(link_slot& which)
{
    if (which.handle || !hosts_[which.from].loop)
        return;
    link_handlers on;
    on.connected = [this, &which](stream connection) {
        add_connected(which, std::move(connection));
    };
    on.state_changed = [this, &which](const link_transition& move, const link_status& status) {
        check_transition(which, move, status);
    };
    auto made = link::create(*hosts_[which.from].loop, which.options, on);
    if (!made)
        return report_failure_at(which, "a link could not be created");
    which.handle.emplace(std::move(*made));
    which.last_state = link_state::idle;
    which.last_number = which.last_attempt = which.last_generation = which.timed_attempt = 0;
    which.created = network_->now();
    which.extra_attempts = 1;
    which.handle->start();
}

void world::destroy_link(link_slot& which)
{
    if (!which.handle)
        return;
    check_attempts(which);
    which.attempts_before += which.handle->status().attempt;
    which.connections_before += which.handle->status().generation;
    which.handle.reset();
    which.end = nullptr;
    // Its sockets stay open until their operations have been cancelled.
    suspend_checks(hosts_[which.from], 2s);
}

void world::suspend_checks(link_host& which, duration time)
{
    const time_point awake = std::max(which.asleep_until, network_->now());
    which.unchecked_until = std::max(which.unchecked_until, after(awake, time));
}

void world::add_connected(link_slot& which, stream connection)
{
    add_end(which.from, &which, std::move(connection),
            healing_ ? end_role::client : which.connected_role);
}

void world::add_accepted(listener_slot& which, stream connection)
{
    add_end(which.at, nullptr, std::move(connection),
            healing_ ? end_role::echo : which.accepted_role);
}

void world::add_end(std::size_t at, link_slot* of, stream connection, end_role role)
{
    held_end& added = ends_.emplace_back();
    added.at = at;
    added.of = of;
    const auto received = [this, of, &added] {
        if (healing_ && of != nullptr && of->end == added.end.get())
            of->healed = true;
    };
    const auto failed = [this, of](const char* what) {
        of != nullptr ? report_failure_at(*of, what) : report_failure(what);
    };
    added.end = std::make_unique<connection_end>(
        std::move(connection), role,
        connection_end::events{.check_failed = failed, .received = received});
    if (of != nullptr)
        of->end = added.end.get();
    added.end->begin();
}

void world::destroy_finished_ends()
{
    for (auto each = ends_.begin(); each != ends_.end();) {
        if (!each->end->can_be_destroyed()) {
            ++each;
            continue;
        }
        result_.bytes += each->end->bytes_received();
        if (each->of != nullptr && each->of->end == each->end.get())
            each->of->end = nullptr;
        each = ends_.erase(each);
    }
}

// --- time ---

duration world::choose_pause()
{
    return random_.one_of<duration>({1ms, 20ms, 300ms, 1s, 5s});
}

duration world::stride_of(duration time) const
{
    return time <= 1s ? 100ms : 500ms;
}

void world::run_until(time_point end)
{
    while (network_->step(end) && ok())
        check_now();
    network_->run_for(end - network_->now());
}

/// The programs send to the echoes at times, and all of them after the faults.
void world::after_stride()
{
    destroy_finished_ends();
    for (held_end& each : ends_)
        if (each.end->role() == end_role::client && !each.end->finished() &&
            (healing_ || random_.chance(60)))
            each.end->send_bytes(healing_ ? 8
                                          : random_.one_of<std::size_t>({1, 16, 16, 300, 3000}));
}

void world::count_links()
{
    for (link_slot& each : links_) {
        if (each.handle) {
            each.attempts_before += each.handle->status().attempt;
            each.connections_before += each.handle->status().generation;
        }
        result_.attempts += each.attempts_before;
        result_.connections += each.connections_before;
    }
}

outcome run(std::uint64_t seed, const run_options& options)
{
    return world(seed, options).run();
}

} // namespace slk::swarm::links
