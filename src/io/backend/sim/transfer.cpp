// SPDX-License-Identifier: MPL-2.0

// Bytes, ends and resets of established connections, and the paths that lose them.

#include "io/backend/sim/network.hpp"

#include "io/backend/sim/sim_poller.hpp"

#include <algorithm>
#include <utility>

namespace slk::io::sim {

namespace {

/// The minimum delay of a retransmission (RFC 6298 requires 1 s; systems use 200 ms).
constexpr duration retransmission = std::chrono::milliseconds(200);
/// The time after which the system gives up a connection with unacknowledged data: 15
/// retransmissions.
constexpr duration patience_of_the_system = std::chrono::seconds(924);

constexpr errc transfer_errors[] = {errc::out_of_memory, errc::connection_aborted, errc::timed_out,
                                    errc::network_down};

} // namespace

void byte_queue::take(std::span<std::byte> into) noexcept
{
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(begin_), into.size(), into.begin());
    begin_ += into.size();
    if (begin_ == bytes_.size()) {
        clear();
    } else if (begin_ > 64 * 1024 && begin_ > bytes_.size() / 2) {
        bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin_));
        begin_ = 0;
    }
}

/// The owner finds out what this means for its operations.
void network::notify_owner(sim_socket& socket)
{
    if (socket.owner != nullptr)
        socket.owner->serve(socket.id);
}

// --- sending ---

error network::send(socket_ref ref, std::span<const std::span<const std::byte>> buffers,
                    std::size_t& taken)
{
    sim_socket& socket = *find(ref);
    if (socket.failure)
        return system_failure(socket.failure.code, phase::transfer);
    if (socket.end_sent)
        return system_failure(errc::broken_pipe, phase::transfer);
    const std::size_t room = room_for(socket);
    if (socket.outstanding >= room)
        return {errc::would_block, phase::transfer};
    if (should_inject(fault::transfer_error))
        return break_transfer(ref);
    std::size_t offered = 0;
    for (const std::span<const std::byte> buffer : buffers)
        offered += buffer.size();
    taken = std::min(offered, room - socket.outstanding);
    if (taken > 1 && should_inject(fault::short_send))
        taken = 1;
    socket.outstanding += taken;
    socket.unacknowledged += taken;
    transmit(ref, packet_kind::data, buffers, taken);
    return {};
}

/// The bytes that both ends may hold.
std::size_t network::room_for(const sim_socket& socket) noexcept
{
    const sim_socket* const peer = find(socket.peer);
    return socket.send_room + (peer != nullptr ? peer->receive_room : sim_socket::default_room);
}

/// Fails a send or receive without a cause. Its caller is in the middle of serving the socket, so
/// the other operations on it are notified later.
error network::break_transfer(socket_ref ref)
{
    sim_socket& socket = *find(ref);
    transmit(ref, packet_kind::reset);
    fail_socket(socket, transfer_errors[scale(random(), std::size(transfer_errors) - 1)]);
    socket.inbox.clear();
    push(now_, event_kind::broken, ref);
    return socket.failure;
}

void network::handle_broken(socket_ref ref)
{
    if (sim_socket* const socket = find(ref); socket != nullptr)
        notify_owner(*socket);
}

void network::transmit(socket_ref from, packet_kind kind,
                       std::span<const std::span<const std::byte>> buffers, std::size_t size)
{
    sim_socket& sender = *find(from);
    const std::uint32_t number = packets_.take();
    packet& made = packets_[number];
    made.kind = kind;
    made.from = from;
    made.to = sender.peer;
    made.from_host = sender.host;
    made.to_host = other_host(sender);
    made.bytes.clear();
    for (const std::span<const std::byte> buffer : buffers) {
        const auto part = buffer.first(std::min(buffer.size(), size - made.bytes.size()));
        made.bytes.insert(made.bytes.end(), part.begin(), part.end());
    }
    if (kind == packet_kind::reset) {
        // A lost reset is not repeated.
        if (!is_open(made.from_host, made.to_host))
            return packets_.give_back(number);
        return launch(number);
    }
    if (!sender.held.empty() || !is_open(made.from_host, made.to_host))
        return hold(sender, from, number);
    if (!is_open(made.to_host, made.from_host))
        watch_stall(sender, from);
    launch(number);
}

std::uint32_t network::other_host(const sim_socket& socket) const noexcept
{
    return host_of(socket.host, socket.remote).value_or(socket.host);
}

bool network::is_between(const sim_socket& socket, std::uint32_t a, std::uint32_t b) const noexcept
{
    const std::uint32_t other = other_host(socket);
    return (socket.host == a && other == b) || (socket.host == b && other == a);
}

bool network::path_is_whole(const sim_socket& socket) const noexcept
{
    const std::uint32_t other = other_host(socket);
    return is_open(socket.host, other) && is_open(other, socket.host);
}

/// An acknowledgement takes no time, but it needs a working path back.
void network::acknowledge(sim_socket& receiver, std::size_t size)
{
    receiver.unconfirmed += size;
    sim_socket* const sender = find(receiver.peer);
    if (sender == nullptr || !is_open(receiver.host, sender->host))
        return;
    const std::size_t confirmed = std::exchange(receiver.unconfirmed, 0);
    sender->unacknowledged -= std::min(sender->unacknowledged, confirmed);
}

/// Packets arrive in the order in which they were sent.
void network::launch(std::uint32_t number)
{
    packet& sent = packets_[number];
    time_point arrival = now_ + travel_time(sent.from_host, sent.to_host);
    if (should_inject(fault::loss))
        arrival += retransmission + random_time(max_delay());
    sim_socket* const sender = find(sent.from);
    if (sender != nullptr)
        arrival = sender->last_arrival = std::max(arrival, sender->last_arrival);
    if (sent.bytes.size() > 1 && should_inject(fault::split)) {
        const std::uint32_t rest = packets_.take();
        packet& second = packets_[rest];
        packet& first = packets_[number];
        const std::size_t cut = 1 + scale(random(), first.bytes.size() - 2);
        second.kind = first.kind;
        second.from = first.from;
        second.to = first.to;
        second.from_host = first.from_host;
        second.to_host = first.to_host;
        second.bytes.assign(first.bytes.begin() + static_cast<std::ptrdiff_t>(cut),
                            first.bytes.end());
        first.bytes.resize(cut);
        push(arrival, event_kind::segment, first.to, number);
        arrival += random_time(max_delay());
        if (sender != nullptr)
            sender->last_arrival = arrival;
        push(arrival, event_kind::segment, second.to, rest);
        return;
    }
    push(arrival, event_kind::segment, sent.to, number);
}

// --- arriving ---

void network::handle_segment(std::uint32_t number)
{
    packet arrived = std::move(packets_[number]);
    arrive(arrived);
    // The bytes' memory is reused.
    packets_[number] = std::move(arrived);
    packets_.give_back(number);
}

void network::arrive(const packet& what)
{
    sim_socket* const receiver = find(what.to);
    const bool closed = receiver == nullptr || receiver->orphan || receiver->failure;
    if (what.kind == packet_kind::reset) {
        if (receiver != nullptr && receiver->orphan)
            release_socket(what.to.number);
        else if (!closed)
            break_connection(what.to, errc::connection_reset);
        return;
    }
    if (closed) {
        // The receiver is closed: the sender gets a reset, unless it has finished.
        if (what.kind != packet_kind::end)
            send_reset(what.to_host, what.from_host, what.to, what.from);
        return;
    }
    acknowledge(*receiver, what.bytes.size());
    if (what.kind == packet_kind::confirmed)
        return confirmed(what.to);
    if (what.kind == packet_kind::end) {
        receiver->end_received = true;
        return notify_owner(*receiver);
    }
    if (receiver->end_received) {
        // A middle box has ended this direction: it answers for the receiver.
        receiver->unannounced += what.bytes.size();
        return announce_room(*receiver);
    }
    const std::uint64_t cut = std::min(receiver->reset_behind, receiver->ends_behind);
    const auto passing = static_cast<std::size_t>(
        std::min<std::uint64_t>(what.bytes.size(), cut - receiver->arrived));
    receiver->inbox.append(std::span(what.bytes).first(passing));
    receiver->arrived += passing;
    receiver->unannounced += what.bytes.size() - passing;
    if (receiver->arrived < cut)
        return notify_owner(*receiver);
    if (cut == receiver->ends_behind) {
        receiver->end_received = true;
        announce_room(*receiver);
        return notify_owner(*receiver);
    }
    const socket_ref peer = receiver->peer;
    break_connection(what.to, errc::connection_reset);
    if (const sim_socket* const other = find(peer); other != nullptr && !other->failure)
        send_reset(what.to_host, what.from_host, what.to, peer);
}

void network::send_reset(std::uint32_t from_host, std::uint32_t to_host, socket_ref from,
                         socket_ref to)
{
    if (find(to) == nullptr || !is_open(from_host, to_host))
        return;
    const std::uint32_t number = packets_.take();
    packet& made = packets_[number];
    made.kind = packet_kind::reset;
    made.from = from;
    made.to = to;
    made.from_host = from_host;
    made.to_host = to_host;
    made.bytes.clear();
    push(now_ + latency(from_host, to_host), event_kind::segment, to, number);
}

void network::break_connection(socket_ref ref, errc code)
{
    sim_socket* const socket = find(ref);
    if (socket == nullptr || socket->failure)
        return;
    fail_socket(*socket, code);
    if (socket->orphan)
        return release_socket(ref.number);
    if (socket->at == stage::half_open)
        return close(ref, close_mode::reset);
    notify_owner(*socket);
}

void network::fail_socket(sim_socket& socket, errc code)
{
    const bool connecting = socket.at == stage::connecting;
    // RFC 9293 section 3.5.2: a reset in answer to a SYN is a refusal.
    if (connecting && code == errc::connection_reset)
        code = errc::connection_refused;
    socket.failure = system_failure(code, connecting ? phase::connect : phase::transfer);
    for (const std::uint32_t packet_held : socket.held)
        packets_.give_back(packet_held);
    socket.held.clear();
}

// --- receiving ---

error network::receive(socket_ref ref, std::span<std::byte> buffer, std::size_t& received)
{
    sim_socket& socket = *find(ref);
    received = 0;
    if (socket.inbox.size() > 0) {
        if (buffer.empty())
            return {};
        if (should_inject(fault::transfer_error))
            return break_transfer(ref);
        received = std::min(buffer.size(), socket.inbox.size());
        if (received > 1 && should_inject(fault::short_receive))
            received = 1;
        socket.inbox.take(buffer.first(received));
        socket.unannounced += received;
        announce_room(socket);
        return {};
    }
    if (socket.failure)
        return system_failure(socket.failure.code, phase::transfer);
    return socket.end_received ? error{} : error{errc::would_block, phase::transfer};
}

void network::announce_room(sim_socket& socket)
{
    const sim_socket* const sender = find(socket.peer);
    if (socket.announcing || sender == nullptr || !is_open(socket.host, sender->host))
        return;
    socket.announcing = true;
    push(now_ + latency(socket.host, sender->host), event_kind::window, socket.peer);
}

void network::handle_window(socket_ref ref)
{
    sim_socket* const sender = find(ref);
    if (sender == nullptr)
        return;
    sim_socket* const reader = find(sender->peer);
    if (reader == nullptr)
        return;
    reader->announcing = false;
    sender->outstanding -= std::min(sender->outstanding, std::exchange(reader->unannounced, 0));
    notify_owner(*sender);
}

result<void> network::end(socket_ref ref)
{
    sim_socket& socket = *find(ref);
    if (socket.at != stage::established || socket.failure)
        return fail(system_failure(errc::not_connected, phase::close));
    if (!std::exchange(socket.end_sent, true))
        transmit(ref, packet_kind::end);
    return {};
}

// --- what a system knows about the peer ---

bool network::peer_has_finished(socket_ref ref) noexcept
{
    const sim_socket* const socket = find(ref);
    return socket == nullptr || socket->end_received;
}

bool network::peer_may_have_finished(socket_ref ref) noexcept
{
    const sim_socket* const socket = find(ref);
    return socket == nullptr || socket->end_received ||
           socket->inbox.size() >= socket->receive_room / 8;
}

bool network::peer_acknowledges(socket_ref ref) noexcept
{
    const sim_socket* const socket = find(ref);
    if (socket == nullptr)
        return true;
    // A host that sleeps does not acknowledge anything.
    if (is_suspended(hosts_[other_host(*socket)]))
        return false;
    // A sender without room asks for it, and gets no answer.
    const bool waits = socket->unacknowledged > 0 || !socket->held.empty() ||
                       socket->outstanding >= room_for(*socket);
    return !waits || path_is_whole(*socket);
}

// --- paths that are closed ---

void network::hold(sim_socket& socket, socket_ref ref, std::uint32_t number)
{
    socket.held.push_back(number);
    watch_stall(socket, ref);
}

/// Its packets are not acknowledged, so it gives up some time.
void network::watch_stall(sim_socket& socket, socket_ref ref)
{
    // The oldest one counts.
    if (std::exchange(socket.giving_up, true))
        return;
    const duration limit =
        socket.user_timeout > duration::zero() ? socket.user_timeout : patience_of_the_system;
    push(now_ + limit, event_kind::give_up, ref, socket.stall);
}

void network::handle_give_up(socket_ref ref, std::uint32_t stall)
{
    const sim_socket* const socket = find(ref);
    if (socket != nullptr && socket->stall == stall)
        break_connection(ref, errc::timed_out);
}

void network::watch_path(socket_ref ref)
{
    sim_socket& socket = *find(ref);
    if (socket.at != stage::established || socket.failure || path_is_whole(socket))
        return;
    if (socket.unacknowledged > 0 || !socket.held.empty())
        watch_stall(socket, ref);
    if (socket.keep_alive)
        push(now_ + std::chrono::seconds(socket.keep_alive_idle +
                                         socket.keep_alive_interval * socket.keep_alive_count),
             event_kind::keep_alive, ref, ++socket.probing);
}

void network::path_closed(std::uint32_t from, std::uint32_t to)
{
    mix(std::uint64_t{from} << 32 | to);
    for (std::uint32_t number = 0; number < sockets_.size(); ++number) {
        const sim_socket& socket = sockets_[number];
        if (socket.at == stage::established && is_between(socket, from, to))
            watch_path(ref_of(socket, number));
    }
}

/// Keep-alive probes, and everything else, remained unanswered.
void network::handle_keep_alive(socket_ref ref, std::uint32_t probing)
{
    // Linux: while data is under way there are no probes, because retransmission replaces them.
    const sim_socket* const socket = find(ref);
    if (socket != nullptr && socket->probing == probing && socket->keep_alive && !socket->giving_up)
        break_connection(ref, errc::timed_out);
}

void network::path_opened(std::uint32_t from, std::uint32_t to)
{
    mix(std::uint64_t{to} << 32 | from);
    for (std::uint32_t number = 0; number < sockets_.size(); ++number) {
        sim_socket& socket = sockets_[number];
        if (socket.at != stage::established || !is_between(socket, from, to))
            continue;
        if (path_is_whole(socket)) {
            ++socket.stall;
            ++socket.probing;
            socket.giving_up = false;
        }
        // The next retransmission, or its answer, gets through, whenever it comes.
        push(now_ + random_time(5 * retransmission), event_kind::resend, ref_of(socket, number));
    }
}

void network::handle_resend(socket_ref ref)
{
    sim_socket* const socket = find(ref);
    if (socket == nullptr || !is_open(socket->host, other_host(*socket)))
        return; // closed again: its opening plans this again
    const auto held = std::exchange(socket->held, {});
    for (const std::uint32_t number : held)
        launch(number);
    if (socket->orphan)
        return release_socket(ref.number);
    // The data that arrived at a closed receiver is sent again, and a sender that waits for room
    // probes: the reset that answers either comes now.
    const sim_socket* const peer = find(socket->peer);
    const bool peer_is_gone = peer == nullptr || peer->orphan || peer->failure;
    if (peer_is_gone && held.empty() && socket->outstanding > 0 && path_is_whole(*socket))
        return break_connection(ref, errc::connection_reset);
    // The data that arrived meanwhile is acknowledged now, and room is announced.
    acknowledge(*socket, 0);
    if (socket->unannounced > 0)
        announce_room(*socket);
}

} // namespace slk::io::sim
