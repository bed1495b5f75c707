// SPDX-License-Identifier: MPL-2.0
#include "messaging/socket/peer_table.hpp"

#include "base/try_allocate.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace slk::messaging {

bool peer_table::has_name(std::string_view routing_id) const noexcept
{
    return std::ranges::any_of(pipes_, [&](const auto& each) {
        return each->named && each->state != peer_state::leaving && each->routing_id == routing_id;
    });
}

// --- high-water marks ---

void peer_table::set_marks(const high_water& send, const high_water& receive) noexcept
{
    send_marks_ = send;
    receive_marks_ = receive;
    for (const auto& each : pipes_) {
        show_receive_marks(*each);
        // A peer whose queue was full may have room now.
        if (is_attached(each->state))
            pattern_.writable(*each, true);
    }
}

/// The connection reads the marks of the socket from the lanes.
void peer_table::show_receive_marks(pipe& peer) noexcept
{
    peer.until_look = 1;
    // A socket that sends by inproc does not learn of a change of this mark.
    peer.counts_bytes = receive_marks_.bytes != 0 || (peer.counts_bytes && peer.is_inproc);
    if (peer.counts_bytes)
        peer.in.update_consumed_bytes();
    // Conflating connections have no marks.
    if (peer.is_inproc || peer.out.conflates())
        return;
    const auto messages = static_cast<std::uint32_t>(receive_marks_.messages);
    pipe_lanes& shared = *peer.lanes();
    const bool messages_changed =
        shared.receive_mark.exchange(messages, std::memory_order_seq_cst) != messages;
    const bool bytes_changed =
        shared.receive_bytes.exchange(receive_marks_.bytes, std::memory_order_seq_cst) !=
        receive_marks_.bytes;
    if ((messages_changed || bytes_changed) && peer.far)
        peer.far->on_writable();
}

// --- peers come ---

bool peer_table::add(pipe& entry) noexcept
{
    assert(entry.place == SIZE_MAX && entry.state == peer_state::unattached);
    if (!try_push_back(pipes_, reference<pipe>::to(entry)))
        return false;
    // The lane may have been made by another thread, with pools of its own.
    entry.out.allocate_from(pools_);
    entry.place = pipes_.size() - 1;
    show_receive_marks(entry);
    return true;
}

/// The pattern learns of the peer, or sends to it again.
result<void> peer_table::attach(pipe& peer)
{
    SLK_TRY(pattern::peer* const displaced, peer.state == peer_state::suspended
                                                ? pattern_.resume_sending(peer)
                                                : pattern_.attach(peer));
    if (displaced != nullptr)
        drop(static_cast<pipe&>(*displaced),
             {errc::cancelled, phase::none, 0, "another peer has taken over the routing id"});
    return {};
}

result<void> peer_table::attach_unconnected(pipe& peer)
{
    assert(peer.state == peer_state::unattached);
    SLK_TRY(attach(peer));
    peer.state = peer_state::queueing;
    probe(peer);
    return {};
}

bool peer_table::connected(pipe& peer, peer_connected& how)
{
    const bool first = !is_attached(peer.state);
    ++peer.connections;
    peer.far_marks = {how.far_mark, how.far_bytes};
    peer.info = std::move(how.info);
    peer.conflate();
    if (const auto taken = take_in(peer, first); !taken) {
        if (peer.is_inproc && taken.error() == errc::out_of_memory) {
            --peer.connections;
            how.info = std::move(peer.info);
            return false;
        }
        reject(peer, taken.error());
        return true;
    }
    peer.state = peer_state::connected;
    if (first)
        probe(peer);
    pattern_.readable(peer, true);
    pattern_.writable(peer, true);
    return true;
}

/// `first`: the pattern does not know the peer.
result<void> peer_table::take_in(pipe& peer, bool first)
{
    // The name that connect() has given to a peer stays.
    if (first && !peer.named && !try_assign(peer.routing_id, peer.info.routing_id))
        return fail(pattern::no_memory_for_peer);
    if (peer.place == SIZE_MAX && !add(peer))
        return fail(pattern::no_memory_for_peer);
    const bool resumed = peer.state == peer_state::suspended;
    if (first || resumed)
        SLK_TRY(attach(peer));
    auto noticed = pattern_.connected(peer);
    if (!noticed && first)
        pattern_.detach(peer);
    else if (!noticed && resumed)
        pattern_.stop_sending(peer);
    return noticed;
}

void peer_table::probe(pipe& peer)
{
    if (!pattern_.probes)
        return;
    const pattern::part_view nothing{};
    if (!peer.out.write({&nothing, 1}))
        return;
    counters_.queued_total.add_alone(1);
    peer.publish(false);
}

void peer_table::reject(pipe& peer, const error& reason)
{
    counters_.rejected.add_alone(1);
    disconnect(peer, reason);
}

// --- peers go ---

/// An accepted peer is over with its connection, and ends when that is reported: only then is it
/// known which of its messages were sent.
void peer_table::disconnect(pipe& peer, const error& reason)
{
    const reference<far_end> far = peer.far;
    peer.last_reason = reason;
    if (peer.is_inproc && peer.place != SIZE_MAX)
        end(peer);
    if (far)
        peer.origin == pipe_origin::accept ? far->pipe_closed(reason) : far->disconnect(reason);
}

void peer_table::stalled(pipe& peer, bool is_stalled) noexcept
{
    peer.stalled = is_stalled;
    counters_.stalls.add_alone(is_stalled ? 1 : 0);
}

void peer_table::disconnected(pipe& peer, bool for_good, const error& reason)
{
    peer.last_reason = reason;
    peer.stalled = false;
    if (for_good && peer.place == SIZE_MAX)
        return;
    if (for_good && peer.state == peer_state::connected)
        peer.state = peer_state::queueing;
    if (for_good)
        return retire(peer);
    // It was dropped; the connection may have published more before it ended.
    if (peer.state == peer_state::unattached)
        return discard_unread(peer);
    if (peer.state != peer_state::connected)
        return;
    if (peer.immediate)
        pattern_.stop_sending(peer);
    peer.state = peer.immediate ? peer_state::suspended : peer_state::queueing;
    pattern_.disconnected(peer);
}

void peer_table::retire(pipe& peer)
{
    const bool is_received = peer.receive_place != SIZE_MAX;
    if (!is_attached(peer.state) || !is_received || !peer.in.readable())
        return end(peer);
    if (peer.state == peer_state::leaving)
        return;
    count_unsent(peer);
    peer.state = peer_state::leaving;
    pattern_.stop_sending(peer);
    pattern_.readable(peer, true);
}

/// The pattern does not know the peer any more.
void peer_table::detach(pipe& peer)
{
    if (mid_message == &peer)
        mid_message = nullptr;
    if (!is_attached(std::exchange(peer.state, peer_state::unattached)))
        return;
    pattern_.detach(peer);
    if (peer.connections > 0)
        pattern_.disconnected(peer);
}

void peer_table::count_unsent(pipe& peer)
{
    const message_counts sent = peer.out.counts();
    counters_.unsent.add_alone(sent.written - sent.replaced - peer.taken(sent));
}

void peer_table::end(pipe& peer)
{
    assert(peer.place < pipes_.size());
    const auto kept = reference<pipe>::to(peer);
    if (peer.state != peer_state::leaving)
        count_unsent(peer);
    detach(peer);
    discard_unread(peer);
    peer.state = peer_state::ended;
    std::swap(pipes_[peer.place], pipes_.back());
    pipes_[peer.place]->place = peer.place;
    pipes_.pop_back();
    peer.place = SIZE_MAX;
    peer.far.reset();
}

void peer_table::discard_unread(pipe& peer)
{
    std::uint64_t messages = 0;
    do
        for (message part; peer.in.read(part); part.clear())
            messages += part.more() ? 0 : 1;
    while (peer.in.fetch(pools_));
    peer.discarded += messages;
    counters_.discarded.add_alone(messages);
    peer.in.update_consumed_bytes();
    if (peer.in.consume(messages, true) && peer.far)
        peer.far->on_writable();
}

void peer_table::drop(pipe& peer, const error& reason)
{
    const auto kept = reference<pipe>::to(peer);
    detach(peer);
    discard_unread(peer);
    disconnect(peer, reason);
}

} // namespace slk::messaging
