// SPDX-License-Identifier: MPL-2.0
#include "messaging/socket/socket_state.hpp"

#include "base/try_allocate.hpp"

#include <type_traits>
#include <utility>
#include <variant>

namespace slk::messaging {

socket_state::socket_state(std::shared_ptr<context_core> in, zmtp::socket_type of,
                           reference<inbox> box, std::unique_ptr<pattern::pattern> made) noexcept
    : context(std::move(in)), type(of), reports(std::move(box)), routes(std::move(made)),
      pools(context->budget()), peers(*routes, *reports, pools, endpoints)
{
    reports->places().set_rule(routes->rule());
    wants_memory_.set_user(*reports);
}

error socket_state::why_unusable() const noexcept
{
    if (closed)
        return {errc::invalid_state, phase::none, 0, "the socket is closed"};
    return context->why_stopped();
}

void socket_state::run_and_process()
{
    context->deliver_completed();
    if (io::loop_core* const loop = context->to_run(); loop != nullptr && !reports->has_reports())
        (void)loop->run(nullptr, duration::zero());
    process_reports();
}

void socket_state::read_inbox()
{
    // The list has the latest first.
    inbox_entry* oldest = nullptr;
    bool has_events = false;
    for (inbox_entry* each = reports->take_signalled(); each != nullptr;) {
        inbox_entry* const next = each->next;
        if (reports->is_events(*each)) {
            has_events = true;
        } else {
            each->next = oldest;
            oldest = each;
        }
        each = next;
    }
    // A pipe signals only after the event that announces it.
    if (has_events) {
        retry_postponed();
        reports->take_events([this](peer_report& each) { read(each); });
        if (reports->take_place_freed())
            wants_meetings_ = true;
        // Nothing else tells that there is memory again.
        if (postponed_) [[unlikely]]
            reports->notify();
    }
    while (oldest != nullptr) {
        const auto peer = reference<pipe>::adopt(static_cast<pipe*>(oldest));
        oldest = oldest->next;
        const std::uint32_t signals = peer->take_signals();
        if (!is_attached(peer->state))
            continue;
        if ((signals & pipe::readable_signal) != 0)
            routes->takes_requests ? peers.take_requests(*peer) : peers.readable(*peer);
        if (!is_attached(peer->state))
            continue;
        if ((signals & pipe::writable_signal) != 0)
            routes->writable(*peer, true);
    }
    if (waits_for_memory_) [[unlikely]]
        look_for_memory();
    settle();
    if (options.event_handle_shows_news || !may_receive())
        reports->clear_event_handle();
}

/// A report may mean that there is memory: all peers that lack it are asked again.
void socket_state::look_for_memory()
{
    stop_waiting_for_memory();
    if (routes->topics() != nullptr)
        return; // it never waits for room
    for (const auto& each : peers.all())
        if (is_attached(each->state) && each->out.is_short_of_memory())
            routes->writable(*each, true);
}

void socket_state::settle()
{
    if (peers.waiting() > 0) {
        peers.send_waiting();
        // Memory that is given back elsewhere is room for them, too.
        if (peers.waiting() > 0 && !must_wait_for_memory())
            peers.send_waiting();
    }
    const bool freed = peers.take_place_freed();
    if ((!freed && !wants_meetings_) || closed)
        return;
    wants_meetings_ = false;
    for (const auto& each : endpoints.all())
        if (!each->inproc_name.empty() && !context->names().retry(each->number, pools))
            want_meetings();
}

void socket_state::want_meetings() noexcept
{
    wants_meetings_ = true;
    reports->notify();
}

void socket_state::read(peer_report& report)
{
    std::visit(
        [&](auto& what) {
            using kind = std::remove_cvref_t<decltype(what)>;
            if constexpr (std::is_same_v<kind, peer_connected>) {
                connected(std::move(what));
            } else if constexpr (std::is_same_v<kind, peer_stalled>) {
                peers.stalled(*what.peer, what.stalled);
            } else if constexpr (std::is_same_v<kind, message_refused>) {
                what.peer->last_refusal = report.why;
            } else {
                static_assert(std::is_same_v<kind, peer_disconnected>);
                disconnected(*what.peer, what.for_good, report.why);
            }
        },
        report.what);
}

void socket_state::connected(peer_connected&& how)
{
    pipe& peer = *how.peer;
    const reference<pipe> kept = how.peer;
    endpoint_entry* const at = endpoints.find(peer.endpoint);
    // The endpoint was taken back meanwhile.
    if (at == nullptr || at->ends_with_peer)
        return give_up(peer, {errc::cancelled, phase::close, 0, "the endpoint is withdrawn"});
    if (!at->peer_name.empty() && !peer.named) {
        if (!try_assign(peer.routing_id, at->peer_name))
            return give_up(peer, pattern::no_memory_for_peer); // it comes again
        peer.named = true;
    }
    if (at->kind == endpoint_kind::connected)
        at->peer = kept;
    if (!peers.connected(peer, std::move(how)))
        peer.next_postponed = std::exchange(postponed_, kept);
}

/// What the pipe has of them is what peer_connected said.
void socket_state::retry_postponed()
{
    reference<pipe> all = std::exchange(postponed_, {});
    while (all) {
        const reference<pipe> each = std::exchange(all, {});
        all = std::exchange(each->next_postponed, {});
        connected({.peer = each, .info = std::move(each->info)});
    }
}

void socket_state::disconnected(pipe& peer, bool for_good, const error& reason)
{
    const bool was_postponed = forget_postponed(peer);
    const bool ends = options.inproc_ends_with_peer && peer.is_inproc &&
                      peer.origin != pipe_origin::accept && peer.state == peer_state::connected;
    peers.disconnected(peer, for_good, reason, !ends);
    if (endpoint_entry* const at = endpoints.find(peer.endpoint);
        at != nullptr && (ends || at->ends_with_peer))
        has_ended_endpoints = at->is_over = true;
    if (was_postponed && peer.place == SIZE_MAX && peer.origin == pipe_origin::accept)
        give_up(peer, reason);
    if (peer.is_inproc && peer.origin != pipe_origin::accept && !closed && !ends &&
        !context->names().reconnect(peer, pools))
        want_meetings();
}

/// The end of a peer that the table does not have.
void socket_state::give_up(pipe& peer, const error& reason) noexcept
{
    const reference<far_end> far = std::move(peer.far);
    if (peer.is_inproc)
        peers.leave_lanes(peer);
    if (far)
        far->pipe_closed(reason);
}

/// Returns whether it was one of them.
bool socket_state::forget_postponed(pipe& peer) noexcept
{
    for (reference<pipe>* each = &postponed_; *each; each = &(*each)->next_postponed) {
        if (each->get() != &peer)
            continue;
        *each = std::exchange(peer.next_postponed, {});
        return true;
    }
    return false;
}

void socket_state::give_up_postponed(const error& reason) noexcept
{
    while (postponed_) {
        const reference<pipe> peer = postponed_;
        postponed_ = std::exchange(peer->next_postponed, {});
        // Those that the table has end with the others.
        if (peer->place == SIZE_MAX)
            give_up(*peer, reason);
    }
}

} // namespace slk::messaging
