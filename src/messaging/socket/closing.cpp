// SPDX-License-Identifier: MPL-2.0

// How a socket takes endpoints back, and how it ends.

#include "base/try_allocate.hpp"
#include "messaging/socket/socket_core.hpp"

#include <algorithm>
#include <utility>

namespace slk::messaging {

namespace {

/// Peers that have got everything early have the last of the caller's time to read it, while others
/// may still be sent to: this time, or half of the caller's if that is less.
constexpr duration max_early_drain = std::chrono::seconds(1);
/// Connections whose time is over end within this time, or are not waited for any more.
constexpr duration time_to_end = std::chrono::seconds(1);

/// The peers that came by some endpoints, as a chain through their pipes, of which there is one at
/// a time.
class leaving_peers {
public:
    leaving_peers(const endpoint_list& which, const peer_table& peers) noexcept
    {
        for (const auto& each : peers.all())
            if (came_by(*each, which))
                add(each);
    }
    leaving_peers(const leaving_peers&) = delete;
    leaving_peers& operator=(const leaving_peers&) = delete;
    ~leaving_peers()
    {
        while (first_)
            first_ = std::move(first_->next_leaving);
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    template <class Visit>
    void for_each(Visit&& visit) const
    {
        for (pipe* each = first_.get(); each != nullptr; each = each->next_leaving.get())
            visit(*each);
    }

private:
    void add(const reference<pipe>& peer) noexcept
    {
        (last_ != nullptr ? last_->next_leaving : first_) = peer;
        last_ = peer.get();
        ++size_;
    }

    reference<pipe> first_;
    pipe* last_ = nullptr;
    std::size_t size_ = 0;
};

/// After the connections have ended: until then the system may take more.
[[nodiscard]] close_report report_of(const leaving_peers& leaving, const endpoint_list& which)
{
    close_report report;
    if (!try_reserve(report.peers, leaving.size()))
        return report;
    leaving.for_each([&](const pipe& peer) {
        // Before the others: a message that was not sent is one that was taken.
        const std::uint64_t refused = peer.lanes()->refused.load(std::memory_order_acquire);
        const std::uint64_t lapsed = peer.out.lapsed();
        const std::uint64_t expired = peer.out.settled(); // was not taken
        const message_counts sent = peer.out.counts();
        const std::uint64_t taken = peer.taken(sent);
        close_report::peer of;
        // Without memory for the texts the numbers are there.
        (void)try_assign(of.endpoint, which.find(peer.endpoint)->text);
        (void)try_assign(of.routing_id, peer.name());
        of.flushed = taken - refused - lapsed;
        of.unsent = peer.untaken(sent);
        of.unconfirmed = peer.lanes()->unconfirmed.load(std::memory_order_relaxed);
        of.refused = refused;
        of.lapsed = lapsed + expired;
        of.requeued = peer.requeued();
        of.last_refusal = peer.last_refusal;
        report.peers.push_back(std::move(of));
    });
    return report;
}

} // namespace

/// Waits until the system has taken what is queued for the peers of these endpoints.
void socket_core::flush(const endpoint_list& which, duration timeout)
{
    const time_point deadline = after(state_.context->now(), timeout);
    const duration early = std::min(timeout / 2, max_early_drain);
    if (flush(which, timeout - early, never) || deadline == never)
        return;
    // A peer that cannot be reached does not use up the time of the others.
    (void)flush(which, deadline - state_.context->now(), deadline);
}

/// Connections that have sent everything end meanwhile: until `drain_until` their peers have read
/// it; never: none of them ends. Returns false if the time was over.
bool socket_core::flush(const endpoint_list& which, duration timeout, time_point drain_until)
{
    const slk::timeout limit{std::max(timeout, duration::zero())};
    waiter waiting(*state_.context, *state_.reports, limit, true);
    for (;;) {
        state_.process_reports();
        if (drain_until != never)
            drain_sent(which, drain_until - state_.context->now());
        bool all = true;
        for (const auto& each : state_.peers.all())
            if (each->state != peer_state::leaving && !each->is_inproc && came_by(*each, which))
                all = each->out.is_flushed() && all;
        // Only the end of the socket is the end of what waits for a peer.
        all = all && (!state_.closed || state_.peers.waiting() == 0);
        if (all)
            return true;
        if (state_.context->ended() || !waiting.wait())
            return false;
    }
}

/// Ends the connections that have sent everything, after `drain` at the latest.
void socket_core::drain_sent(const endpoint_list& which, duration drain)
{
    if (drain <= duration::zero())
        return;
    const auto drain_one = [&](auto& from) {
        bool any = false;
        (void)from.on()->perform([&] { any = from.drain_sent(drain); });
        return any;
    };
    which.for_each([&](endpoint_entry& each) {
        // The peer does not come again.
        if (((each.connected && drain_one(*each.connected)) ||
             (each.successive && drain_one(*each.successive))) &&
            each.connecting)
            each.connecting->pause();
        if (each.accepting)
            (void)drain_one(*each.accepting);
    });
}

/// Closes the endpoints and their connections, and waits for that: for `drain` until the peers have
/// read what they were sent. Returns false if it took too long.
bool socket_core::close_connections(const endpoint_list& which, duration drain)
{
    const auto close_one = [&](auto& closed) {
        closing_->begun();
        if (!closed.on()->perform([&] { closed.close(drain, *closing_); }))
            closing_->connection_closed();
    };
    which.for_each([&](endpoint_entry& each) {
        forget_name(each);
        if (each.connecting)
            each.connecting->pause();
        if (each.connected)
            close_one(*each.connected);
        if (each.successive)
            close_one(*each.successive);
        if (each.accepting)
            close_one(*each.accepting);
    });
    const slk::timeout limit{drain < duration::max() - time_to_end ? drain + time_to_end : drain};
    waiter waiting(*state_.context, *state_.reports, limit, true);
    while (closing_->any() && waiting.wait())
        state_.process_reports();
    which.for_each([](endpoint_entry& each) { each.connecting.reset(); });
    return !closing_->any();
}

/// inproc only: nobody meets this socket by that endpoint any more.
void socket_core::forget_name(const endpoint_entry& of) noexcept
{
    if (of.inproc_name.empty())
        return;
    state_.context->names().unbind(of.inproc_name, of.number);
    state_.context->names().forget(of.number);
    if (of.kind == endpoint_kind::bound && !of.is_unbound)
        of.report_closed({});
}

/// What the end of an endpoint and the end of the socket have in common.
close_report socket_core::end_connections(const endpoint_list& which, duration timeout)
{
    which.for_each([](endpoint_entry& each) {
        if (each.accepting && !each.is_unbound)
            each.accepting->on()->perform([&] { each.stop_listening(); });
    });
    sender_.publish_staged();
    const leaving_peers leaving(which, state_.peers);
    const time_point deadline = after(state_.context->now(), timeout);
    if (timeout > duration::zero())
        flush(which, timeout);
    if (state_.closed)
        state_.peers.set_requeue(false);
    const time_point flushed = state_.context->now();
    const duration left = deadline == never    ? duration::max()
                          : deadline > flushed ? deadline - flushed
                                               : duration::zero();
    const bool ended = close_connections(which, left);
    state_.process_reports();
    // A connection that never was ready has not reported its end.
    leaving.for_each([&](pipe& peer) {
        if (peer.is_inproc || !ended || peer.place == SIZE_MAX)
            return;
        peer.severed = true;
        if (!state_.closed)
            state_.peers.retire(peer);
    });
    leaving.for_each([&](pipe& peer) { state_.peers.count_expired(peer); });
    return report_of(leaving, which);
}

result<close_report> socket_core::withdraw(endpoint_kind kind, std::string_view text,
                                           duration timeout)
{
    SLK_TRY(const endpoint_list which, find(kind, text));
    return remove(which, timeout);
}

result<endpoint_list> socket_core::find(endpoint_kind kind, std::string_view text)
{
    SLK_TRY(state_.usable());
    state_.process_reports();
    remove_ended_endpoints();
    SLK_TRY(endpoint_list which, state_.endpoints.find_all(kind, text));
    if (which.empty())
        return fail(errc::invalid_argument, phase::close, "there is no such endpoint");
    return which;
}

/// Whether there is, or may come, another peer than those of these endpoints.
bool socket_core::has_others(const endpoint_list& which) const noexcept
{
    const auto is_other = [&](const auto& each) {
        return !each->is_unbound && which.find(each->number) == nullptr;
    };
    return std::ranges::any_of(state_.endpoints.all(), is_other) ||
           std::ranges::any_of(state_.peers.all(), [&](const auto& each) {
               return !came_by(*each, which) ||
                      (each->is_inproc && each->origin == pipe_origin::accept);
           });
}

close_report socket_core::remove(const endpoint_list& which, duration timeout)
{
    state_.peers.set_requeue(state_.options.requeue && has_others(which));
    close_report report = end_connections(which, timeout);
    leaving_peers(which, state_.peers).for_each([&](pipe& peer) {
        // A name of inproc is given up, but not the peers that came by it.
        if (peer.is_inproc && peer.origin == pipe_origin::accept)
            return;
        const reference<far_end> far = peer.far;
        state_.peers.retire(peer);
        if (peer.is_inproc && far)
            far->pipe_closed(closed_by_owner);
    });
    release_names(which);
    state_.endpoints.remove(which);
    state_.peers.set_requeue(state_.options.requeue);
    state_.settle();
    return report;
}

/// STREAM only: what connect() has called the peers of these endpoints.
void socket_core::release_names(const endpoint_list& which) noexcept
{
    which.for_each([this](const endpoint_entry& each) {
        if (!each.peer_name.empty())
            state_.reports->places().release({.endpoint = each.number}, each.peer_name);
    });
}

void socket_core::remove_endpoints_that_are_over()
{
    state_.has_ended_endpoints = false;
    endpoint_list which;
    for (const auto& each : state_.endpoints.all())
        if (each->is_over)
            which.add(*each);
    (void)remove(which, duration::zero());
}

/// In a child process: everything but the descriptors is the parent's.
close_report socket_core::leave_to_parent() noexcept
{
    state_.closed = true;
    state_.reports->leave_to_parent();
    state_.context->leave_to_parent();
    retain(); // for ever: what it refers to may be in the middle of any change
    return {};
}

close_report socket_core::close(duration timeout)
{
    if (state_.closed)
        return {};
    if (state_.context->forked())
        return leave_to_parent();
    state_.process_reports();
    state_.closed = true;
    const endpoint_list which = state_.endpoints.everything();
    close_report report = end_connections(which, timeout);
    if (const std::size_t waiting = end(); waiting > 0) {
        close_report::peer nobody;
        nobody.unsent = waiting;
        (void)try_push_back(report.peers, std::move(nobody));
    }
    return report;
}

/// What the ends of a socket have in common, when its connections have ended or are not its own any
/// more. Returns the number of messages that had no peer.
std::size_t socket_core::end()
{
    state_.give_up_postponed(closed_by_owner);
    while (!state_.peers.all().empty()) {
        const reference<pipe> peer = state_.peers.all().back();
        const reference<far_end> far = peer->far;
        state_.peers.end(*peer);
        // A socket that has parted from this one knows.
        if (peer->is_inproc && far && !(peer->severed && peer->origin == pipe_origin::accept))
            far->pipe_closed(closed_by_owner);
    }
    state_.reports->counters().discarded.add_alone(state_.routes->discard_own());
    const std::size_t waiting = state_.peers.give_up_waiting();
    state_.endpoints.remove(state_.endpoints.everything());
    state_.context->remove(state_.reports);
    state_.process_reports();
    state_.reports->close();
    state_.reports->events().close();
    return waiting;
}

} // namespace slk::messaging
