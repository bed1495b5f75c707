// SPDX-License-Identifier: MPL-2.0
#include "swarm/messages/world.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace slk::swarm::messages {

using namespace std::chrono_literals;

world::world(std::uint64_t seed, const run_options& options)
    : world_base(seed, options, action_names())
{
    choose_hosts();
    for (std::uint64_t count = random_.number(1, 2); count > 0; --count)
        choose_group();
}

world::~world()
{
    for (std::size_t index = 0; index < hosts_.size(); ++index)
        stop_host(index);
}

// --- what the seed chooses ---

void world::choose_hosts()
{
    const std::size_t count = random_.number(2, 4);
    for (std::size_t index = 0; index < count; ++index) {
        socket_host& added = hosts_.emplace_back();
        added.name = "host" + std::to_string(index);
        added.addresses = {*address::parse("10.0.0." + std::to_string(index + 1), 0)};
        add_host(added);
        start_host(added);
    }
}

void world::choose_group()
{
    group& added = groups_.emplace_back();
    const std::size_t number = groups_.size() - 1;
    std::size_t binders = random_.number(1, 2);
    std::size_t connecters = random_.number(1, 3);
    switch (random_.number(0, 4)) {
    case 0: added.binder = kind::pull, added.connecter = kind::push; break;
    case 1: added.binder = kind::router, added.connecter = kind::dealer; break;
    case 2: added.binder = added.connecter = kind::dealer; break;
    case 3: added.binder = added.connecter = kind::router; break;
    default: added.binder = added.connecter = kind::pair; binders = connecters = 1;
    }
    if (random_.chance(40))
        std::swap(added.binder, added.connecter);
    added.common = choose_common_options();
    added.sends_probes = random_.chance(10);
    const std::size_t first = sockets_.size();
    for (std::size_t index = 0; index < binders + connecters; ++index) {
        socket_slot& made = sockets_.emplace_back();
        made.of = number;
        made.at = random_.index(hosts_.size());
        made.binds = index < binders;
        made.type = made.binds ? added.binder : added.connecter;
        made.port = static_cast<std::uint16_t>(5000 + sockets_.size());
        choose_own_options(made);
    }
    for (std::size_t from = first + binders; from < sockets_.size(); ++from) {
        const std::size_t sure = first + random_.index(binders);
        for (std::size_t to = first; to < first + binders; ++to)
            if (to == sure || random_.chance(70))
                add_link(from, to);
    }
    // Either side may be created first.
    std::vector<std::size_t> order;
    for (std::size_t index = first; index < sockets_.size(); ++index)
        order.insert(order.begin() + static_cast<std::ptrdiff_t>(random_.index(order.size() + 1)),
                     index);
    for (const std::size_t which : order)
        create_socket(which);
}

namespace {

struct curve_keys {
    curve_key_pair server, client;
};

/// The same in all worlds: what is encrypted has the same size with any keys.
const curve_keys& keys()
{
    static const curve_keys all{make_curve_keys().value_or(curve_key_pair{}),
                                make_curve_keys().value_or(curve_key_pair{})};
    return all;
}

} // namespace

socket_options world::choose_common_options()
{
    socket_options options;
    options.peer_timeout = random_.one_of<duration>({300ms, 1s, 3s});
    options.handshake_timeout = random_.one_of<duration>({500ms, 2s, 5s});
    options.max_pending_handshakes = random_.chance(20) ? 2 : 256;
    options.accept_zmtp_2_0 = random_.chance(10);
    options.backlog = static_cast<int>(random_.one_of<std::uint64_t>({128, 1024}));
    reconnect_options& again = options.reconnect;
    again.base = random_.one_of<duration>({0ms, 1ms, 100ms, 500ms});
    again.floor = random_.one_of<duration>({0ms, 10ms, 100ms});
    again.cap = std::max<duration>(random_.one_of<duration>({500ms, 2s, 5s}), again.base);
    again.connect_timeout = random_.one_of<duration>({2s, 5s});
    again.stable_after = random_.one_of<duration>({0ms, 100ms, 1s});
    again.spread_first_attempt = again.base > duration::zero() && random_.chance(30);
    if (random_.chance(20))
        options.tuning.send_buffer = static_cast<int>(random_.number(1000, 9000));
    if (random_.chance(20))
        options.tuning.receive_buffer = static_cast<int>(random_.number(1000, 9000));
    if (random_.chance(25)) {
        options.security.mechanism = security_mechanism::plain_client;
        options.security.own = {"username", "token"};
    } else if (random_.chance(25) && has_curve()) {
        options.security.mechanism = security_mechanism::curve_client;
        options.security.curve.own = keys().client.secret_key;
        options.security.curve.server = keys().server.public_key;
    }
    return options;
}

void world::choose_own_options(socket_slot& which)
{
    const group& in = groups_[which.of];
    router_options& options = which.options;
    options = in.common;
    if (which.binds && options.security.mechanism == security_mechanism::plain_client) {
        options.security.mechanism = security_mechanism::plain_server;
        if (random_.chance(50))
            options.security.accepted = {options.security.own};
        else
            options.security.authenticator = [this](const authentication_request& who) {
                return keep_request(who);
            };
    }
    if (which.binds && options.security.mechanism == security_mechanism::curve_client) {
        options.security.mechanism = security_mechanism::curve_server;
        options.security.curve.own = keys().server.secret_key;
        options.security.curve.server = {};
        options.security.curve.accepted = {keys().client.public_key};
    }
    const auto mark = [&] { return random_.one_of<std::uint32_t>({0, 1, 2, 9, 10, 100, 1000}); };
    options.send_high_water_mark = mark();
    options.receive_high_water_mark = mark();
    which.max_mark = options.send_high_water_mark;
    options.immediate = random_.chance(25);
    options.requeue = random_.chance(50);
    options.linger = random_.one_of<duration>({0ms, 10ms, 500ms});
    // A ROUTER can send to another ROUTER only by its routing id.
    const bool both = in.binder == kind::router && in.connecter == kind::router;
    if (both || random_.chance(50))
        options.routing_id = "m" + std::to_string(sockets_.size());
    const bool routes = which.type == kind::router;
    const bool probes = in.sends_probes && random_.chance(50);
    options.probe_router = probes && (routes || which.type == kind::dealer);
    options.mandatory = random_.chance(60);
    options.handover = random_.chance(40) && routes;
    options.notify_connect = random_.chance(30) && routes;
    options.notify_disconnect = random_.chance(30) && routes;
}

void world::add_link(std::size_t from, std::size_t to)
{
    link_slot& added = links_.emplace_back();
    added.from = from;
    added.to = to;
    added.endpoint = "tcp://" + choose_target(sockets_[from], sockets_[to]) + ":" +
                     std::to_string(sockets_[to].port);
    if (sockets_[from].type == kind::router &&
        (sockets_[to].type == kind::router || random_.chance(50)))
        added.options.routing_id = "via" + std::to_string(links_.size());
}

std::string world::choose_target(const socket_slot& from, const socket_slot& to)
{
    if (from.at == to.at && random_.chance(40))
        return "127.0.0.1";
    const socket_host& target = hosts_[to.at];
    if (random_.chance(30))
        return target.name;
    const std::string text = to_string(target.addresses.front());
    return text.substr(0, text.rfind(':'));
}

// --- hosts, sockets and links ---

void world::start_host(socket_host& which)
{
    which.loop.emplace(*network_->create_loop(which.id));
    which.context.emplace(*context::on(*which.loop));
}

/// Destroys everything on the host: the sockets first, or their context.
void world::stop_host(std::size_t which)
{
    socket_host& closing = hosts_[which];
    if (!closing.loop)
        return;
    const std::weak_ptr<io::loop_core> core = closing.loop->core();
    const bool context_first = random_.chance(30);
    if (context_first)
        closing.context.reset();
    for (std::size_t index = 0; index < sockets_.size(); ++index) {
        if (sockets_[index].at != which)
            continue;
        random_.chance(80) ? close_socket(index, 0ms) : destroy_socket(index);
    }
    closing.context.reset();
    closing.loop.reset();
    if (!core.expired())
        report_failure("an object outlives its handle, and keeps its loop alive");
}

void world::create_socket(std::size_t which)
{
    socket_slot& slot = sockets_[which];
    if (slot.handle || !hosts_[slot.at].loop)
        return;
    auto made = any_socket::create(*hosts_[slot.at].context, slot.type, slot.options);
    if (!made)
        return report_failure("a socket could not be created");
    slot.handle.emplace(std::move(*made));
    slot.sender = static_cast<std::uint32_t>(records_.size());
    send_record& record = records_.emplace_back();
    record.of = slot.of;
    record.by = which;
    slot.max_mark = slot.options.send_high_water_mark;
    slot.received = slot.router_events = 0;
    slot.partial.clear();
    slot.last.clear();
    slot.receiving_stopped = false;
    if (slot.binds)
        bind(slot);
    for (link_slot& each : links_)
        if (each.from == which)
            connect(each);
}

void world::bind(socket_slot& which)
{
    if (!which.handle || !which.bound.empty())
        return;
    const auto bound = which.handle->base().bind("tcp://*:" + std::to_string(which.port));
    if (bound)
        which.bound = *bound;
}

void world::connect(link_slot& which)
{
    socket_slot& from = sockets_[which.from];
    if (!from.handle || which.connected)
        return;
    const auto connected = from.handle->base().connect(which.endpoint, which.options);
    which.connected = connected.has_value();
    // A PAIR or a ROUTER refuses while it still holds messages of an earlier connection.
    if (!connected && from.type != kind::pair && from.type != kind::router)
        report_failure("connect() failed without a reason");
}

link_status world::link_of(const link_slot& which) const
{
    const socket_slot& from = sockets_[which.from];
    if (which.connected)
        for (const endpoint_status& each : const_cast<any_socket&>(*from.handle).base().endpoints())
            if (each.kind == endpoint_kind::connected && each.endpoint == which.endpoint)
                return each.link;
    return {};
}

std::uint64_t world::connections_of(const link_slot& which) const
{
    return which.connections_before + link_of(which).generation;
}

/// A link that still sends what is queued may reconnect: three more connections are allowed for.
void world::count_disconnect(link_slot& which, duration timeout)
{
    const link_status last = link_of(which);
    which.connections_before += last.generation + (timeout > 0ms && which.connected ? 3 : 0);
    which.attempts_before += last.attempt;
    which.connected = false;
}

void world::close_socket(std::size_t which, duration timeout)
{
    socket_slot& slot = sockets_[which];
    if (!slot.handle)
        return;
    socket& base = slot.handle->base();
    for (link_slot& each : links_)
        if (each.from == which)
            count_disconnect(each, timeout);
    const std::uint64_t before = base.counters().unsent;
    const close_report report = base.close(timeout);
    const socket_counters final = base.counters();
    if (final.unsent < before || report.unsent() > final.unsent)
        report_failure("the report of close() differs from the counters");
    records_[slot.sender].final = final;
    slot.handle.reset();
    slot.bound.clear();
}

/// Destroys a socket without close(): the number of its lost messages is unknown.
void world::destroy_socket(std::size_t which)
{
    socket_slot& slot = sockets_[which];
    if (!slot.handle)
        return;
    for (link_slot& each : links_)
        if (each.from == which)
            count_disconnect(each, slot.options.linger);
    groups_[slot.of].losses_unknown = true;
    slot.handle.reset();
    slot.bound.clear();
}

bool world::awake(const socket_slot& which) const
{
    return which.handle && network_->now() >= hosts_[which.at].asleep_until;
}

// --- time ---

/// What the programs of the world do between the actions of the script.
void world::send_and_receive(unsigned send_percent)
{
    for (socket_slot& each : sockets_) {
        if (awake(each) && can_receive(each.type) && !each.receiving_stopped)
            random_.chance(80) || healing_ ? (void)receive_some(each, 100) : receive_batch(each);
        if (!can_send(each.type) || !random_.chance(send_percent))
            continue;
        for (std::uint64_t count = random_.number(1, 4); count > 0 && awake(each); --count)
            if (!send_next(each, no_wait))
                break;
    }
}

/// Answers at once, later, or not at all.
std::optional<authentication_answer> world::keep_request(const authentication_request& who)
{
    if (who.password != "token")
        report_failure("a password was not the right one");
    if (random_.chance(30))
        return authentication_answer::accepted;
    const duration delay = random_.one_of<duration>({0ms, 1ms, 30ms, 200ms});
    kept_.push_back({who.answer_later(), network_->now() + (healing_ ? 0ms : delay)});
    return std::nullopt;
}

void world::answer_kept()
{
    for (std::size_t left = kept_.size(); left > 0; --left) {
        kept_request next = std::move(kept_.front());
        kept_.pop_front();
        if (next.at > network_->now() && next.asked.is_awaited())
            kept_.push_back(std::move(next));
        else if (healing_ || random_.chance(80))
            (void)next.asked.answer(authentication_answer::accepted);
        else if (random_.chance(50))
            (void)next.asked.answer(authentication_answer::try_again);
    }
}

duration world::choose_pause()
{
    return random_.one_of<duration>({1ms, 20ms, 300ms, 1s});
}

duration world::stride_of(duration time) const
{
    return time <= 1s ? 50ms : 300ms;
}

void world::run_until(time_point end)
{
    (void)network_->run_until(
        [this] {
            answer_kept();
            return false;
        },
        end - network_->now());
}

void world::after_stride()
{
    undo_due();
    send_and_receive(healing_ ? 0 : 30);
    check_sockets();
}

void world::count_links()
{
    for (const link_slot& each : links_) {
        const link_status last = link_of(each);
        result_.attempts += each.attempts_before + last.attempt;
        result_.connections += each.connections_before + last.generation;
    }
}

outcome run(std::uint64_t seed, const run_options& options)
{
    return world(seed, options).run();
}

} // namespace slk::swarm::messages
