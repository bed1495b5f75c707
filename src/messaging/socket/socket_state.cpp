// SPDX-License-Identifier: MPL-2.0
#include "messaging/socket/socket_state.hpp"

#include <type_traits>
#include <utility>
#include <variant>

namespace slk::messaging {

socket_state::socket_state(std::shared_ptr<context_core> in, zmtp::socket_type of,
                           reference<inbox> box, std::unique_ptr<pattern::pattern> made) noexcept
    : context(std::move(in)), type(of), reports(std::move(box)), routes(std::move(made)),
      peers(*routes, reports->counters(), pools)
{
}

error socket_state::why_unusable() const noexcept
{
    if (closed)
        return {errc::invalid_state, phase::none, 0, "the socket is closed"};
    return {errc::cancelled, phase::none, 0, "the context was shut down"};
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
    event_queue events;
    if (has_events) {
        events.take(postponed_);
        reports->take_events(events);
    }
    while (auto next = events.pop())
        read(std::move(next));
    // Nothing else tells that there is memory again.
    if (!postponed_.empty()) [[unlikely]]
        reports->notify();
    while (oldest != nullptr) {
        const auto peer = reference<pipe>::adopt(static_cast<pipe*>(oldest));
        oldest = oldest->next;
        const std::uint32_t signals = peer->take_signals();
        if (!is_attached(peer->state))
            continue;
        if ((signals & pipe::readable_signal) != 0)
            routes->readable(*peer, true);
        if ((signals & pipe::writable_signal) != 0)
            routes->writable(*peer, true);
    }
    if (routes->receive_from() == nullptr && routes->own_messages.empty())
        reports->clear_event_handle();
}

void socket_state::read(std::unique_ptr<queued_event> next)
{
    event& report = next->report;
    std::visit(
        [&](auto& what) {
            using kind = std::remove_cvref_t<decltype(what)>;
            if constexpr (std::is_same_v<kind, peer_connected>) {
                if (!connected(what))
                    postponed_.push(std::move(next));
            } else if constexpr (std::is_same_v<kind, peer_disconnected>) {
                forget_postponed(*what.peer);
                peers.disconnected(*what.peer, what.for_good, report.why);
            } else if constexpr (std::is_same_v<kind, peer_stalled>) {
                peers.stalled(*what.peer, what.stalled);
            } else if constexpr (std::is_same_v<kind, message_refused>) {
                what.peer->last_refusal = report.why;
            } else {
                static_assert(std::is_same_v<kind, handshake_failed>);
                if (endpoint_entry* const at = endpoints.find(report.endpoint); at != nullptr) {
                    at->handshake_failures += what.count;
                    at->last_handshake_failure = report.why;
                }
            }
        },
        report.what);
}

bool socket_state::connected(peer_connected& how)
{
    pipe& peer = *how.peer;
    const reference<pipe> kept = how.peer;
    if (endpoints.find(peer.endpoint) != nullptr)
        return peers.connected(peer, how);
    // The endpoint was taken back meanwhile.
    if (peer.far)
        peer.far->pipe_closed({errc::cancelled, phase::close, 0, "the endpoint is withdrawn"});
    peer.far.reset();
    return true;
}

void socket_state::forget_postponed(const pipe& peer) noexcept
{
    event_queue kept;
    while (auto next = postponed_.pop())
        if (std::get<peer_connected>(next->report.what).peer.get() != &peer)
            kept.push(std::move(next));
    postponed_.take(kept);
}

void socket_state::give_up_postponed(const error& reason) noexcept
{
    while (const auto next = postponed_.pop()) {
        pipe& peer = *std::get<peer_connected>(next->report.what).peer;
        const reference<far_end> far = std::move(peer.far);
        if (far)
            far->pipe_closed(reason);
    }
}

} // namespace slk::messaging
