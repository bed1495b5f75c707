// SPDX-License-Identifier: MPL-2.0

// The endings that do not wait: the socket parts from its endpoints and peers at once, and the
// loops send what is queued (departing_endpoint.cpp).

#include "messaging/socket/socket_core.hpp"

#include <algorithm>
#include <memory>

namespace slk::messaging {

/// Nobody comes by these endpoints any more, and the peers that did are given away, except inproc.
/// `keeps`: what they have sent is still received; else it is discarded.
void socket_core::give_away_peers(const endpoint_list& which, bool keeps)
{
    which.for_each([this](const endpoint_entry& each) { forget_name(each); });
    // The last one takes the place of the one that goes.
    for (std::size_t index = state_.peers.all().size(); index-- > 0;) {
        const reference<pipe> peer = state_.peers.all()[index];
        if (!peer->is_inproc && came_by(*peer, which))
            state_.peers.give_away(*peer, keeps);
    }
}

/// After give_away_peers(). Those that are not inproc go on without the socket.
void socket_core::send_off(const endpoint_list& which, duration linger)
{
    state_.endpoints.mark_removed(which);
    for (const std::shared_ptr<io_loop>& on : state_.context->loops()) {
        const endpoint_list here = state_.endpoints.release_removed(*on);
        if (here.empty())
            continue;
        const bool done = on->perform([&] {
            here.for_each([&](endpoint_entry& each) {
                if (each.accepting && !each.is_unbound)
                    each.stop_listening();
                each.depart(linger, state_.context);
            });
        });
        // The connections have ended with the loop.
        if (!done)
            here.for_each([](endpoint_entry& each) { delete &each; });
    }
    state_.endpoints.remove_marked();
    state_.context->submit_sends();
}

void socket_core::close_in_background(duration linger) noexcept
{
    if (state_.closed)
        return;
    if (state_.context->forked()) {
        (void)leave_to_parent();
        return;
    }
    state_.process_reports();
    sender_.publish_staged();
    state_.closed = true;
    state_.peers.set_requeue(false);
    // What waits for room cannot wait for it any more.
    if (state_.peers.waiting() > 0 && linger > duration::zero()) {
        state_.peers.set_marks({}, state_.peers.receive_marks(),
                               state_.options.adds_no_limit_by_inproc);
        state_.peers.send_waiting();
    }
    const endpoint_list which = state_.endpoints.everything();
    give_away_peers(which, false);
    send_off(which, linger);
    (void)end();
}

result<void> socket_core::withdraw_in_background(endpoint_kind kind, std::string_view text,
                                                 duration linger)
{
    SLK_TRY(const endpoint_list which, find(kind, text));
    sender_.publish_staged();
    state_.peers.set_requeue(false);
    give_away_peers(which, kind == endpoint_kind::bound);
    for (std::size_t index = state_.peers.all().size(); index-- > 0;) {
        const reference<pipe> peer = state_.peers.all()[index];
        // A name of inproc is given up, but not the peers that came by it.
        if (!came_by(*peer, which) || peer->origin == pipe_origin::accept)
            continue;
        const reference<far_end> far = peer->far;
        state_.peers.end(*peer);
        if (far)
            far->pipe_closed(closed_by_owner);
    }
    release_names(which);
    send_off(which, linger);
    state_.peers.set_requeue(state_.options.requeue);
    state_.settle();
    return {};
}

result<void> socket_core::stop_listening(std::string_view text)
{
    SLK_TRY(const endpoint_list which, find(endpoint_kind::bound, text));
    forget_unbound();
    which.for_each([this](endpoint_entry& each) {
        forget_name(each);
        each.is_unbound = true;
        if (each.accepting)
            (void)each.on()->perform([&] { each.stop_listening(); });
    });
    return {};
}

/// Removes the endpoints that do not listen any more and have no peers.
void socket_core::forget_unbound()
{
    endpoint_list which;
    for (const auto& each : state_.endpoints.all()) {
        const auto is_its = [&](const auto& peer) { return peer->endpoint == each->number; };
        if (!each->is_unbound || std::ranges::any_of(state_.peers.all(), is_its))
            continue;
        bool idle = true;
        if (each->accepting)
            (void)each->on()->perform([&] { idle = each->accepting->is_idle(); });
        if (idle)
            which.add(*each);
    }
    state_.endpoints.remove(which);
}

} // namespace slk::messaging
