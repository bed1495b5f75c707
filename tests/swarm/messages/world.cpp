// SPDX-License-Identifier: MPL-2.0
#include "swarm/messages/world.hpp"

#include "swarm/faults.hpp"

#include <algorithm>
#include <cstdio>

namespace slk::swarm::messages {

using namespace std::chrono_literals;

world::world(std::uint64_t seed, const run_options& options) : dice_(seed), options_(options)
{
    result_.seed = seed;
    result_.actions.resize(action_names().size());
    simulation_options network;
    network.seed = dice_.number(0, UINT64_MAX);
    network.faults = choose_faults(dice_);
    network.latency = dice_.one_of<duration>({20us, 200us, 2ms, 40ms});
    if (options_.log)
        network.log = [](std::string_view text) {
            std::printf("  %.*s\n", static_cast<int>(text.size()), text.data());
        };
    network_.emplace(*simulation::create(network));
    began_ = network_->now();
    settle_places();
    for (std::uint64_t count = dice_.number(1, 2); count > 0; --count)
        settle_group();
}

world::~world()
{
    for (std::size_t index = 0; index < places_.size(); ++index)
        close_place(index);
}

// --- what a seed chooses ---

void world::settle_places()
{
    const std::size_t count = dice_.number(2, 4);
    for (std::size_t index = 0; index < count; ++index) {
        place& added = places_.emplace_back();
        added.name = "host" + std::to_string(index);
        added.where = *address::parse("10.0.0." + std::to_string(index + 1), 0);
        added.id = *network_->add_host(added.name, {added.where});
        open_place(added);
    }
}

void world::settle_group()
{
    group& added = groups_.emplace_back();
    const std::size_t number = groups_.size() - 1;
    std::size_t binders = dice_.number(1, 2);
    std::size_t connecters = dice_.number(1, 3);
    switch (dice_.number(0, 4)) {
    case 0: added.binder = kind::pull, added.connecter = kind::push; break;
    case 1: added.binder = kind::router, added.connecter = kind::dealer; break;
    case 2: added.binder = added.connecter = kind::dealer; break;
    case 3: added.binder = added.connecter = kind::router; break;
    default: added.binder = added.connecter = kind::pair; binders = connecters = 1;
    }
    if (dice_.chance(40))
        std::swap(added.binder, added.connecter);
    added.common = choose_common();
    added.probes = dice_.chance(10);
    const std::size_t first = members_.size();
    for (std::size_t index = 0; index < binders + connecters; ++index) {
        member& made = members_.emplace_back();
        made.of = number;
        made.at = dice_.index(places_.size());
        made.binds = index < binders;
        made.type = made.binds ? added.binder : added.connecter;
        made.port = static_cast<std::uint16_t>(5000 + members_.size());
        choose_own(made);
    }
    for (std::size_t from = first + binders; from < members_.size(); ++from) {
        const std::size_t sure = first + dice_.index(binders);
        for (std::size_t to = first; to < first + binders; ++to)
            if (to == sure || dice_.chance(70))
                tie_up(from, to);
    }
    // Either side may be there first.
    std::vector<std::size_t> order;
    for (std::size_t index = first; index < members_.size(); ++index)
        order.insert(order.begin() + static_cast<std::ptrdiff_t>(dice_.index(order.size() + 1)),
                     index);
    for (const std::size_t which : order)
        open_member(which);
}

socket_options world::choose_common()
{
    socket_options options;
    options.peer_timeout = dice_.one_of<duration>({300ms, 1s, 3s});
    options.handshake_timeout = dice_.one_of<duration>({500ms, 2s, 5s});
    options.max_pending_handshakes = dice_.chance(20) ? 2 : 256;
    options.accept_zmtp_2_0 = dice_.chance(10);
    options.backlog = static_cast<int>(dice_.one_of<std::uint64_t>({128, 1024}));
    reconnect_options& again = options.reconnect;
    again.base = dice_.one_of<duration>({0ms, 1ms, 100ms, 500ms});
    again.floor = dice_.one_of<duration>({0ms, 10ms, 100ms});
    again.cap = std::max<duration>(dice_.one_of<duration>({500ms, 2s, 5s}), again.base);
    again.connect_timeout = dice_.one_of<duration>({2s, 5s});
    again.stable_after = dice_.one_of<duration>({0ms, 100ms, 1s});
    again.spread_first_attempt = again.base > duration::zero() && dice_.chance(30);
    if (dice_.chance(20))
        options.tuning.send_buffer = static_cast<int>(dice_.number(1000, 9000));
    if (dice_.chance(20))
        options.tuning.receive_buffer = static_cast<int>(dice_.number(1000, 9000));
    if (dice_.chance(25)) {
        options.security.mechanism = security_mechanism::plain_client;
        options.security.own = {"somebody", "knows"};
    }
    return options;
}

void world::choose_own(member& which)
{
    const group& in = groups_[which.of];
    router_options& options = which.options;
    static_cast<socket_options&>(options) = in.common;
    if (which.binds && options.security.mechanism == security_mechanism::plain_client) {
        options.security.mechanism = security_mechanism::plain_server;
        options.security.accepted = {options.security.own};
    }
    const auto mark = [&] { return dice_.one_of<std::uint32_t>({0, 1, 2, 9, 10, 100, 1000}); };
    options.send_high_water_mark = mark();
    options.receive_high_water_mark = mark();
    which.max_mark = options.send_high_water_mark;
    options.immediate = dice_.chance(25);
    options.linger = dice_.one_of<duration>({0ms, 10ms, 500ms});
    // Two ROUTERs can only speak to each other by names.
    const bool both = in.binder == kind::router && in.connecter == kind::router;
    if (both || dice_.chance(50))
        options.routing_id = "m" + std::to_string(members_.size());
    options.probe_router = in.probes && dice_.chance(50);
    options.mandatory = dice_.chance(60);
    options.handover = dice_.chance(40);
    options.notify_connect = dice_.chance(30);
    options.notify_disconnect = dice_.chance(30);
}

void world::tie_up(std::size_t from, std::size_t to)
{
    tie& added = ties_.emplace_back();
    added.from = from;
    added.to = to;
    added.text = "tcp://" + choose_target(members_[from], members_[to]) + ":" +
                 std::to_string(members_[to].port);
    if (members_[from].type == kind::router &&
        (members_[to].type == kind::router || dice_.chance(50)))
        added.how.routing_id = "tie" + std::to_string(ties_.size());
}

std::string world::choose_target(const member& from, const member& to)
{
    if (from.at == to.at && dice_.chance(40))
        return "127.0.0.1";
    const place& target = places_[to.at];
    if (dice_.chance(30))
        return target.name;
    const std::string text = to_string(target.where);
    return text.substr(0, text.rfind(':'));
}

// --- what it is made of ---

void world::open_place(place& which)
{
    which.runs.emplace(*network_->create_loop(which.id));
    which.sockets.emplace(*context::on(*which.runs));
}

/// Ends what is on the host: the sockets first, or their context.
void world::close_place(std::size_t which)
{
    place& closing = places_[which];
    if (!closing.runs)
        return;
    const std::weak_ptr<io::loop_core> core = closing.runs->core();
    const bool context_first = dice_.chance(30);
    if (context_first)
        closing.sockets.reset();
    for (std::size_t index = 0; index < members_.size(); ++index) {
        if (members_[index].at != which)
            continue;
        dice_.chance(80) ? close_member(index, 0ms) : drop_member(index);
    }
    closing.sockets.reset();
    closing.runs.reset();
    if (!core.expired())
        broken("something outlives its handle, and its loop with it");
}

void world::open_member(std::size_t which)
{
    member& opening = members_[which];
    if (opening.open || !places_[opening.at].runs)
        return;
    auto made = any_socket::create(*places_[opening.at].sockets, opening.type, opening.options);
    if (!made)
        return broken("a socket could not be made");
    opening.open.emplace(std::move(*made));
    opening.writer = static_cast<std::uint32_t>(books_.size());
    book& begun = books_.emplace_back();
    begun.of = opening.of;
    begun.by = which;
    opening.max_mark = opening.options.send_high_water_mark;
    opening.received = opening.notices = 0;
    opening.partial.clear();
    opening.last.clear();
    opening.stalled = false;
    if (opening.binds)
        bind(opening);
    for (tie& each : ties_)
        if (each.from == which)
            connect(each);
}

void world::bind(member& which)
{
    if (!which.open || !which.bound.empty())
        return;
    const auto bound = which.open->base().bind("tcp://*:" + std::to_string(which.port));
    if (bound)
        which.bound = *bound;
}

void world::connect(tie& which)
{
    member& from = members_[which.from];
    if (!from.open || which.made)
        return;
    const auto connected = from.open->base().connect(which.text, which.how);
    which.made = connected.has_value();
    // What a PAIR or a ROUTER has not read of an earlier connection may be in the way.
    if (!connected && from.type != kind::pair && from.type != kind::router)
        broken("connect() failed without a reason");
}

link_status world::link_of(const tie& which) const
{
    const member& from = members_[which.from];
    if (which.made)
        for (const endpoint_status& each : const_cast<any_socket&>(*from.open).base().endpoints())
            if (each.kind == endpoint_kind::connected && each.endpoint == which.text)
                return each.link;
    return {};
}

std::uint64_t world::connections_of(const tie& which) const
{
    return which.connections_before + link_of(which).generation;
}

/// While it still sends what is queued, it may come up again a few times.
void world::untie(tie& which, duration timeout)
{
    const link_status last = link_of(which);
    which.connections_before += last.generation + (timeout > 0ms && which.made ? 3 : 0);
    which.attempts_before += last.attempt;
    which.made = false;
}

void world::close_member(std::size_t which, duration timeout)
{
    member& closing = members_[which];
    if (!closing.open)
        return;
    socket& base = closing.open->base();
    for (tie& each : ties_)
        if (each.from == which)
            untie(each, timeout);
    const std::uint64_t before = base.counters().unsent;
    const close_report told = base.close(timeout);
    const socket_counters final = base.counters();
    if (final.unsent < before || told.unsent() > final.unsent)
        broken("close() tells of other messages than the counters");
    books_[closing.writer].final = final;
    closing.open.reset();
    closing.bound.clear();
}

/// Without a word.
void world::drop_member(std::size_t which)
{
    member& closing = members_[which];
    if (!closing.open)
        return;
    for (tie& each : ties_)
        if (each.from == which)
            untie(each, closing.options.linger);
    groups_[closing.of].unclear = true;
    closing.open.reset();
    closing.bound.clear();
}

bool world::awake(const member& which) const
{
    return which.open && network_->now() >= places_[which.at].asleep_until;
}

// --- time ---

/// What the programs do by themselves.
void world::live(unsigned eagerness)
{
    for (member& each : members_) {
        if (awake(each) && can_receive(each.type) && !each.stalled)
            dice_.chance(80) || healing_ ? (void)read(each, 100) : read_batch(each);
        if (!can_send(each.type) || !dice_.chance(eagerness))
            continue;
        for (std::uint64_t count = dice_.number(1, 4); count > 0 && awake(each); --count)
            if (!write(each, no_wait))
                break;
    }
}

/// Lets time pass, in steps after each of which everything is checked.
void world::pass(duration time)
{
    const time_point until = after(network_->now(), time);
    const duration stride = time <= 1s ? 50ms : 300ms;
    while (network_->now() < until && result_.failure.empty()) {
        network_->run_for(std::min(after(network_->now(), stride), until) - network_->now());
        undo_due();
        live(healing_ ? 0 : 30);
        check_members();
    }
}

outcome world::run()
{
    const std::uint64_t enough = options_.events;
    while (network_->events() < enough && result_.failure.empty()) {
        act();
        pass(dice_.one_of<duration>({1ms, 20ms, 300ms, 1s}));
    }
    if (result_.failure.empty())
        heal();
    for (tie& each : ties_) {
        const link_status last = link_of(each);
        result_.attempts += each.attempts_before + last.attempt;
        result_.connections += each.connections_before + last.generation;
    }
    if (result_.failure.empty())
        check_farewell();
    if (result_.failure.empty())
        check_nothing_left();
    for (const book& each : books_)
        result_.messages += static_cast<std::uint64_t>(std::ranges::count(each.arrived, true));
    result_.events = network_->events();
    result_.hash = network_->hash();
    result_.simulated = network_->now() - began_;
    for (std::size_t index = 0; index < fault_count; ++index)
        result_.strikes[index] = network_->injected(static_cast<fault>(index));
    return result_;
}

outcome run(std::uint64_t seed, const run_options& options)
{
    return world(seed, options).run();
}

} // namespace slk::swarm::messages
