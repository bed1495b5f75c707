// SPDX-License-Identifier: MPL-2.0

// How a socket takes endpoints back, and how it ends.

#include "base/try_allocate.hpp"
#include "messaging/socket/socket_core.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace slk::messaging {

namespace {

/// Connections whose time is over end within this time, or are not waited for any more.
constexpr duration time_to_end = std::chrono::seconds(1);

constexpr error by_owner{errc::cancelled, phase::close, 0, "closed by its owner"};

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
        const message_counts sent = peer.out.counts();
        const std::uint64_t taken = peer.taken(sent);
        const std::uint64_t refused = peer.lanes()->refused.load(std::memory_order_relaxed);
        close_report::peer of;
        // Without memory for the texts the numbers are there.
        (void)try_assign(of.endpoint, which.find(peer.endpoint)->text);
        (void)try_assign(of.routing_id, peer.name());
        of.flushed = taken - refused;
        of.unsent = sent.written - sent.replaced - taken;
        of.unconfirmed = peer.lanes()->unconfirmed.load(std::memory_order_relaxed);
        of.refused = refused;
        of.last_refusal = peer.last_refusal;
        report.peers.push_back(std::move(of));
    });
    return report;
}

} // namespace

/// Waits until the system has taken what is queued for the peers of these endpoints.
void socket_core::flush(const endpoint_list& which, duration timeout)
{
    const slk::timeout limit{timeout};
    waiter waiting(*state_.context, *state_.reports, limit, true);
    for (;;) {
        state_.process_reports();
        bool all = true;
        for (const auto& each : state_.peers.all())
            if (each->state != peer_state::leaving && !each->is_inproc && came_by(*each, which))
                all = each->out.is_flushed() && all;
        if (all || !waiting.wait())
            return;
    }
}

/// Closes the endpoints and their connections, and waits for that: for `drain` until the peers have
/// read what they were sent.
void socket_core::close_connections(const endpoint_list& which, duration drain)
{
    // A function of this size is kept without memory.
    const std::function<void()> one_closed = [counted = closing_.get()] { counted->ended(); };
    const auto close_one = [&](auto& closed) {
        closing_->begun();
        if (!closed.on()->perform([&] { closed.close(drain, one_closed); }))
            one_closed();
    };
    which.for_each([&](endpoint_entry& each) {
        if (!each.inproc_name.empty()) {
            state_.context->names().unbind(each.inproc_name, each.number);
            state_.context->names().forget(each.number);
        }
        if (each.connecting)
            each.connecting->pause();
        if (each.connected)
            close_one(*each.connected);
        if (each.accepting)
            close_one(*each.accepting);
    });
    const slk::timeout limit{drain < duration::max() - time_to_end ? drain + time_to_end : drain};
    waiter waiting(*state_.context, *state_.reports, limit, true);
    while (closing_->any() && waiting.wait())
        state_.process_reports();
    which.for_each([](endpoint_entry& each) { each.connecting.reset(); });
}

/// What the end of an endpoint and the end of the socket have in common.
close_report socket_core::end_connections(const endpoint_list& which, duration timeout)
{
    which.for_each([](endpoint_entry& each) {
        if (each.accepting)
            each.accepting->on()->perform([&] { each.accepting->stop_listening(); });
    });
    sender_.publish_staged();
    const leaving_peers leaving(which, state_.peers);
    const time_point deadline = after(state_.context->now(), timeout);
    if (timeout > duration::zero())
        flush(which, timeout);
    const time_point flushed = state_.context->now();
    close_connections(which, deadline == never    ? duration::max()
                             : deadline > flushed ? deadline - flushed
                                                  : duration::zero());
    state_.process_reports();
    return report_of(leaving, which);
}

result<close_report> socket_core::withdraw(endpoint_kind kind, std::string_view text,
                                           duration timeout)
{
    SLK_TRY(state_.usable());
    state_.process_reports();
    SLK_TRY(const endpoint_list which, state_.endpoints.find_all(kind, text));
    if (which.empty())
        return fail(errc::invalid_argument, phase::close, "there is no such endpoint");
    return remove(which, timeout);
}

close_report socket_core::remove(const endpoint_list& which, duration timeout)
{
    close_report report = end_connections(which, timeout);
    leaving_peers(which, state_.peers).for_each([&](pipe& peer) {
        // A name of inproc is given up, but not the peers that came by it.
        if (peer.is_inproc && peer.origin == pipe_origin::accept)
            return;
        if (peer.is_inproc && peer.far)
            peer.far->pipe_closed(by_owner);
        state_.peers.retire(peer);
    });
    state_.endpoints.remove(which);
    return report;
}

close_report socket_core::close(duration timeout)
{
    if (state_.closed)
        return {};
    state_.process_reports();
    state_.closed = true;
    const endpoint_list which = state_.endpoints.everything();
    close_report report = end_connections(which, timeout);
    state_.give_up_postponed(by_owner);
    while (!state_.peers.all().empty()) {
        const reference<pipe> peer = state_.peers.all().back();
        const reference<far_end> far = peer->far;
        state_.peers.end(*peer);
        if (peer->is_inproc && far)
            far->pipe_closed(by_owner);
    }
    state_.endpoints.remove(which);
    state_.context->remove(state_.reports);
    state_.process_reports();
    state_.reports->close();
    return report;
}

} // namespace slk::messaging
