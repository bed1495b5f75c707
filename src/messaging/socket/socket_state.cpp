// SPDX-License-Identifier: MPL-2.0
#include "messaging/socket/socket_state.hpp"

#include <type_traits>
#include <utility>
#include <variant>

namespace slk::messaging {

socket_state::socket_state(std::shared_ptr<context_core> in, zmtp::socket_type of,
                           std::unique_ptr<pattern::pattern> made)
    : context(std::move(in)), type(of), reports(reference<inbox>::adopt(new inbox)),
      routes(std::move(made)), pools(context->budget()), peers(*routes, *reports, pools)
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
    if (has_events)
        reports->take_events([this](event& each) { read(each); });
    while (oldest != nullptr) {
        const auto peer = reference<pipe>::adopt(static_cast<pipe*>(oldest));
        oldest = oldest->next;
        const std::uint32_t signals = peer->take_signals();
        if (!is_attached(peer->state))
            continue;
        if ((signals & pipe::readable_signal) != 0)
            peers.readable(*peer);
        if ((signals & pipe::writable_signal) != 0)
            routes->writable(*peer, true);
    }
    if (waits_for_memory_) [[unlikely]]
        look_for_memory();
    settle();
    if (routes->receive_from() == nullptr && routes->own_messages.empty())
        reports->clear_event_handle();
}

/// A report may mean that there is memory: all peers that lack it are asked again.
void socket_state::look_for_memory()
{
    stop_waiting_for_memory();
    for (const auto& each : peers.all())
        if (is_attached(each->state) && each->out.is_short_of_memory())
            routes->writable(*each, true);
}

void socket_state::settle()
{
    if (peers.waiting() > 0) {
        peers.send_waiting();
        // Memory that is given back elsewhere is room for them, too.
        if (peers.waiting() > 0 && context->budget()->is_used_up() && !must_wait_for_memory())
            peers.send_waiting();
    }
    if (peers.take_place_freed() && !closed)
        for (const auto& each : endpoints.all())
            if (!each->inproc_name.empty())
                context->names().retry(each->number, pools);
}

void socket_state::read(event& report)
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
                peers.disconnected(*what.peer, what.for_good, report.why);
                if (what.peer->is_inproc && what.peer->origin != pipe_origin::accept && !closed)
                    context->names().reconnect(*what.peer, pools);
            }
        },
        report.what);
}

void socket_state::connected(peer_connected&& how)
{
    pipe& peer = *how.peer;
    const reference<pipe> kept = how.peer;
    if (endpoint_entry* const at = endpoints.find(peer.endpoint); at != nullptr) {
        if (at->kind == endpoint_kind::connected)
            at->peer = kept;
        return peers.connected(peer, std::move(how));
    }
    // The endpoint was taken back meanwhile.
    if (peer.far)
        peer.far->pipe_closed({errc::cancelled, phase::close, 0, "the endpoint is withdrawn"});
    peer.far.reset();
}

} // namespace slk::messaging
