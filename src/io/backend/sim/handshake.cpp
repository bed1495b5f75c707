// SPDX-License-Identifier: MPL-2.0

// Connecting, listening and accepting.

#include "io/backend/sim/network.hpp"

#include "io/backend/sim/sim_poller.hpp"

#include <algorithm>
#include <utility>

namespace slk::io::sim {

namespace {

/// As Linux: SYNs at 0, 1, 3, 7, 15, 31 and 63 seconds, and the end at 127; answers to them at 0,
/// 1, 3, 7, 15 and 31, and the end at 63.
constexpr int max_syns = 7;
constexpr int max_answers = 6;
constexpr duration first_timeout = std::chrono::seconds(1);

constexpr errc connect_errors[] = {errc::permission_denied, errc::network_unreachable,
                                   errc::host_unreachable, errc::out_of_memory};

[[nodiscard]] bool same_address(const address& a, const address& b) noexcept
{
    return a.family == b.family && a.bytes == b.bytes;
}

} // namespace

// --- sockets ---

sim_socket* network::find(socket_ref ref) noexcept
{
    if (ref.number >= sockets_.size())
        return nullptr;
    sim_socket& found = sockets_[ref.number];
    return found.at != stage::none && found.generation == ref.generation ? &found : nullptr;
}

std::uint32_t network::take_socket(std::uint32_t on)
{
    const std::uint32_t number = sockets_.take();
    sim_socket& taken = sockets_[number];
    const std::uint32_t generation = taken.generation;
    byte_queue inbox = std::move(taken.inbox);
    taken = sim_socket{};
    taken.generation = generation;
    taken.inbox = std::move(inbox);
    taken.inbox.clear();
    taken.at = stage::opened;
    taken.host = on;
    return number;
}

void network::release_socket(std::uint32_t number) noexcept
{
    sim_socket& released = sockets_[number];
    for (const std::uint32_t packet_held : released.held)
        packets_.give_back(packet_held);
    released.held.clear();
    drop_port(released);
    released.at = stage::none;
    // A handle has room for 31 bits of it; 0 is never used.
    released.generation = released.generation % 0x7fffffffu + 1;
    sockets_.give_back(number);
}

result<socket_ref> network::open(std::uint32_t on, sim_poller& owner)
{
    host& here = hosts_[on];
    const bool exhausted =
        here.limits.descriptors != 0 && here.descriptors >= here.limits.descriptors;
    if (exhausted || should_inject(fault::no_descriptor))
        return fail(system_failure(errc::too_many_descriptors, phase::open));
    const std::uint32_t number = take_socket(on);
    sockets_[number].owner = &owner;
    ++here.descriptors;
    ++open_sockets_;
    return ref_of(sockets_[number], number);
}

// --- ports ---

void network::hold_port(sim_socket& socket, std::uint16_t port)
{
    socket.port_held = port;
    ++hosts_[socket.host].ports[port];
}

void network::drop_port(sim_socket& socket) noexcept
{
    const std::uint16_t port = std::exchange(socket.port_held, std::uint16_t{0});
    if (port == 0)
        return;
    auto& ports = hosts_[socket.host].ports;
    const auto found = ports.find(port);
    if (--found->second == 0)
        ports.erase(found);
}

std::uint16_t network::ephemeral_port(host& on)
{
    const std::uint32_t first = on.limits.first_port;
    const std::uint32_t count = on.limits.last_port - first + 1u;
    if (on.next_port < first || on.next_port > on.limits.last_port)
        on.next_port = static_cast<std::uint16_t>(first + scale(random(), count - 1));
    for (std::uint32_t tries = 0; tries < count; ++tries) {
        const std::uint16_t port = on.next_port;
        on.next_port = port == on.limits.last_port ? on.limits.first_port
                                                   : static_cast<std::uint16_t>(port + 1);
        if (!on.ports.contains(port))
            return port;
    }
    return 0;
}

result<void> network::bind(sim_socket& socket, address_family family,
                           const std::optional<address>& source)
{
    if (!source) {
        socket.local = address::any(family);
        return {};
    }
    if (source->family != family)
        return fail(errc::invalid_argument, phase::bind, "the source is of another family");
    host& here = hosts_[socket.host];
    const bool ours = source->is_any() || source->is_loopback() ||
                      std::ranges::any_of(here.addresses, [&](const address& each) {
                          return same_address(each, *source);
                      });
    if (!ours)
        return fail(system_failure(errc::address_not_available, phase::bind));
    if (should_inject(fault::bind_error))
        return fail(system_failure(errc::address_in_use, phase::bind));
    if (source->port != 0) {
        if (here.ports.contains(source->port))
            return fail(system_failure(errc::address_in_use, phase::bind));
        hold_port(socket, source->port);
    }
    socket.local = *source;
    return {};
}

// --- listening ---

result<socket_ref> network::open_listener(std::uint32_t on, sim_poller& owner, const address& local,
                                          const listen_settings& settings)
{
    SLK_TRY(const socket_ref opened, open(on, owner));
    sim_socket& listening = *find(opened);
    const auto give_up = [&](const error& failure) {
        close(opened, close_mode::reset);
        return fail(error{failure.code, phase::listen, failure.native, failure.detail});
    };
    if (should_inject(fault::listen_error))
        return give_up(system_failure(errc::address_in_use, phase::listen));
    // Another listener's port conflicts only at the same address or a wildcard.
    host& here = hosts_[on];
    const auto collides = [&](socket_ref other) {
        const sim_socket& there = sockets_[other.number];
        const bool overlap =
            same_address(there.local, local) ||
            (there.local.family == local.family && (there.local.is_any() || local.is_any()));
        return there.local.port == local.port && overlap;
    };
    if (local.port != 0 && std::ranges::any_of(here.listeners, collides))
        return give_up(system_failure(errc::address_in_use, phase::listen));
    if (auto bound = bind(listening, local.family, address{local.family, 0, 0, local.bytes});
        !bound)
        return give_up(bound.error());
    const std::uint16_t port = local.port != 0 ? local.port : ephemeral_port(here);
    if (port == 0)
        return give_up(system_failure(errc::address_in_use, phase::listen));
    hold_port(listening, port);
    listening.local = local;
    listening.local.port = port;
    listening.at = stage::listening;
    listening.backlog = std::max(settings.backlog, 1);
    listening.dual_stack = settings.dual_stack;
    here.listeners.push_back(opened);
    return opened;
}

socket_ref network::listener_for(std::uint32_t on, const address& target) noexcept
{
    socket_ref wildcard;
    for (const socket_ref each : hosts_[on].listeners) {
        const sim_socket& there = sockets_[each.number];
        if (there.local.port != target.port)
            continue;
        if (same_address(there.local, target))
            return each;
        const bool both = there.dual_stack && there.local.family == address_family::ipv6;
        if (there.local.is_any() && (there.local.family == target.family || both))
            wildcard = each;
    }
    return wildcard;
}

// --- connecting ---

error network::connect(socket_ref ref, const address& target)
{
    sim_socket& socket = *find(ref);
    host& here = hosts_[socket.host];
    if (should_inject(fault::connect_error))
        return system_failure(connect_errors[scale(random(), std::size(connect_errors) - 1)],
                              phase::connect);
    if (socket.local.family == address_family::none || socket.local.is_any()) {
        const std::uint16_t port = socket.local.port;
        if (target.is_loopback()) {
            socket.local = address::loopback(target.family, port);
        } else {
            const auto mine = std::ranges::find(here.addresses, target.family, &address::family);
            if (mine == here.addresses.end())
                return system_failure(errc::network_unreachable, phase::connect);
            socket.local = *mine;
            socket.local.port = port;
        }
    }
    if (socket.local.port == 0) {
        const std::uint16_t port =
            should_inject(fault::no_port) ? std::uint16_t{0} : ephemeral_port(here);
        if (port == 0)
            return system_failure(errc::no_local_port, phase::connect);
        hold_port(socket, port);
        socket.local.port = port;
    }
    socket.remote = target;
    socket.at = stage::connecting;
    socket.black_holed = should_inject(fault::black_hole);
    send_syn(ref);
    return {};
}

void network::send_syn(socket_ref ref)
{
    sim_socket& socket = *find(ref);
    const duration timeout = first_timeout * (std::int64_t{1} << socket.syns);
    ++socket.syns;
    push(now_ + timeout, event_kind::syn_again, ref);
    const auto target = host_of(socket.host, socket.remote);
    const std::uint32_t to = target.value_or(socket.host);
    if (socket.black_holed || !is_open(socket.host, to) || should_inject(fault::syn_loss))
        return;
    push(now_ + travel_time(socket.host, to), event_kind::syn, ref);
}

void network::handle_syn_again(socket_ref ref)
{
    sim_socket* const socket = find(ref);
    if (socket != nullptr && socket->at == stage::half_open)
        return socket->syns < max_answers ? answer_syn(ref) : drop_half_open(ref);
    if (socket == nullptr || socket->at != stage::connecting)
        return;
    if (socket->syns < max_syns)
        return send_syn(ref);
    break_connection(ref, errc::timed_out);
}

void network::refuse(socket_ref ref, std::uint32_t server, errc code)
{
    const std::uint32_t client = find(ref)->host;
    if (is_open(server, client))
        push(now_ + travel_time(server, client), event_kind::no_connection, ref,
             static_cast<std::uint32_t>(code));
}

void network::handle_no_connection(socket_ref ref, errc code)
{
    const sim_socket* const socket = find(ref);
    if (socket != nullptr && socket->at == stage::connecting)
        break_connection(ref, code);
}

void network::handle_syn(socket_ref ref)
{
    sim_socket* const client = find(ref);
    if (client == nullptr || client->at != stage::connecting)
        return;
    const auto target = host_of(client->host, client->remote);
    if (!target)
        return refuse(ref, client->host, errc::host_unreachable);
    if (should_inject(fault::unreachable))
        return refuse(ref, *target, errc::host_unreachable);
    // A SYN that is repeated because its answer was lost finds the half-open socket of the first
    // one.
    if (find(client->peer) != nullptr)
        return send_answer(client->peer);
    const socket_ref listener = listener_for(*target, client->remote);
    sim_socket* const listening = find(listener);
    if (listening == nullptr) {
        // RFC 9293 section 3.5: a simultaneous open, and with one party only.
        if (client->local == client->remote) {
            client->peer = ref;
            return become_established(ref);
        }
        return refuse(ref, *target, errc::connection_refused);
    }
    if (should_inject(fault::refuse))
        return refuse(ref, *target, errc::connection_refused);
    if (listening->half_open + static_cast<int>(listening->waiting.size()) >= listening->backlog) {
        ++queue_overflows_;
        return;
    }
    const std::uint32_t number = take_socket(*target);
    sim_socket& made = sockets_[number];
    made.at = stage::half_open;
    made.local = client->remote;
    made.remote = client->local;
    made.listener = listener;
    made.peer = ref;
    client->peer = ref_of(made, number);
    ++listening->half_open;
    answer_syn(client->peer);
}

void network::answer_syn(socket_ref server)
{
    sim_socket& made = *find(server);
    push(now_ + first_timeout * (std::int64_t{1} << made.syns), event_kind::syn_again, server);
    ++made.syns;
    send_answer(server);
}

void network::send_answer(socket_ref server)
{
    const sim_socket& made = *find(server);
    const std::uint32_t to = host_of(made.host, made.remote).value_or(made.host);
    if (is_open(made.host, to) && !should_inject(fault::syn_answer_loss))
        push(now_ + travel_time(made.host, to), event_kind::syn_answer, made.peer, server.number);
}

void network::handle_syn_answer(socket_ref ref, std::uint32_t server)
{
    const sim_socket* const client = find(ref);
    if (client != nullptr && client->at == stage::connecting)
        return become_established(ref);
    // The client is gone, and answers with a reset.
    const sim_socket& made = sockets_[server];
    if (client == nullptr && made.at == stage::half_open && made.peer == ref)
        drop_half_open(ref_of(made, server));
}

void network::drop_half_open(socket_ref server)
{
    if (sim_socket* const listening = find(find(server)->listener); listening != nullptr)
        --listening->half_open;
    release_socket(server.number);
}

void network::become_established(socket_ref ref)
{
    sim_socket& client = *find(ref);
    client.at = stage::established;
    const bool met_itself = client.peer == ref;
    for (const socket_ref end : {ref, client.peer}) {
        sim_socket* const each = find(end);
        if (each == nullptr)
            continue;
        if (should_inject(fault::reset))
            each->reset_behind = scale(random(), faults_.max_offset);
        if (should_inject(fault::half_close))
            each->ends_behind = scale(random(), faults_.max_offset);
        if (met_itself)
            break;
    }
    if (!met_itself)
        transmit(ref, packet_kind::confirmed);
    notify_owner(client);
}

// --- accepting ---

void network::confirmed(socket_ref server)
{
    sim_socket& made = *find(server);
    if (made.at != stage::half_open)
        return;
    made.at = stage::established;
    sim_socket* const listening = find(made.listener);
    if (listening == nullptr)
        return close(server, close_mode::reset);
    --listening->half_open;
    listening->waiting.push_back(server);
    if (should_inject(fault::accept_gone))
        push(now_ + random_time(max_delay()), event_kind::gone, server);
    plan_accept(made.listener);
}

void network::plan_accept(socket_ref listener)
{
    sim_socket& listening = *find(listener);
    if (std::exchange(listening.accept_planned, true))
        return;
    push(std::max(now_, hosts_[listening.host].accepts_next), event_kind::accept, listener);
}

void network::handle_accept(socket_ref ref)
{
    sim_socket* const listening = find(ref);
    if (listening == nullptr)
        return;
    listening->accept_planned = false;
    notify_owner(*listening);
}

std::optional<socket_ref> network::next_waiting(socket_ref listener)
{
    sim_socket& listening = *find(listener);
    host& here = hosts_[listening.host];
    while (!listening.waiting.empty()) {
        if (now_ < here.accepts_next) {
            plan_accept(listener);
            return std::nullopt;
        }
        const socket_ref next = listening.waiting.front();
        if (find(next) != nullptr)
            return next;
        listening.waiting.pop_front();
    }
    return std::nullopt;
}

void network::accepted(socket_ref taken, sim_poller& owner)
{
    sim_socket& socket = *find(taken);
    host& here = hosts_[socket.host];
    socket.owner = &owner;
    find(socket.listener)->waiting.pop_front();
    ++here.descriptors;
    ++open_sockets_;
    if (here.limits.accepts_per_second != 0)
        here.accepts_next = std::max(now_, here.accepts_next) +
                            duration(std::chrono::seconds(1)) / here.limits.accepts_per_second;
}

/// The client resets the connection while it waits: it can still be accepted, and then shows the
/// reset.
void network::handle_gone(socket_ref ref)
{
    const sim_socket* const waiting = find(ref);
    if (waiting == nullptr || waiting->owner != nullptr || waiting->orphan)
        return;
    break_connection(waiting->peer, errc::connection_reset);
    break_connection(ref, errc::connection_reset);
}

std::size_t network::shed(socket_ref listener, std::size_t max)
{
    sim_socket& listening = *find(listener);
    std::size_t count = 0;
    for (; count < max && !listening.waiting.empty(); ++count) {
        const socket_ref next = listening.waiting.front();
        listening.waiting.pop_front();
        if (find(next) != nullptr)
            close(next, close_mode::reset);
    }
    return count;
}

// --- closing ---

void network::close(socket_ref ref, close_mode mode) noexcept
{
    sim_socket& socket = *find(ref);
    host& here = hosts_[socket.host];
    if (socket.owner != nullptr) {
        --here.descriptors;
        --open_sockets_;
        socket.owner = nullptr;
    }
    switch (socket.at) {
    case stage::none:
    case stage::opened:
    case stage::connecting: break;
    case stage::half_open:
        if (sim_socket* const listening = find(socket.listener); listening != nullptr)
            --listening->half_open;
        send_reset(socket.host, sockets_[socket.peer.number].host, ref, socket.peer);
        break;
    case stage::listening: {
        std::erase(here.listeners, ref);
        const auto waiting = std::exchange(socket.waiting, {});
        for (const socket_ref each : waiting)
            if (find(each) != nullptr)
                close(each, close_mode::reset);
        break;
    }
    case stage::established:
        if (socket.failure)
            break;
        if (mode == close_mode::reset || socket.inbox.size() > 0) {
            transmit(ref, packet_kind::reset);
            break;
        }
        if (!std::exchange(socket.end_sent, true))
            transmit(ref, packet_kind::end);
        // Packets that are held back are sent when the path opens.
        if (!socket.held.empty()) {
            socket.orphan = true;
            return;
        }
        break;
    }
    release_socket(ref.number);
}

} // namespace slk::io::sim
