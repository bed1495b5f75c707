// SPDX-License-Identifier: MPL-2.0

// What a ROUTER knows about its peers.

#include <serverlink/router.hpp>

#include "base/try_allocate.hpp"
#include "messaging/socket/socket_core.hpp"
#include "pattern/router.hpp"

#include <algorithm>
#include <chrono>

namespace slk::messaging {

result<peer_stats> socket_core::stats_of(const peer_id& id)
{
    SLK_TRY(state_.usable());
    state_.run_and_process();
    SLK_TRY(pattern::peer* const known, static_cast<pattern::router&>(*state_.routes).find(id));
    const auto& peer = static_cast<const pipe&>(*known);
    const message_counts earlier = peer.history ? peer.history->earlier : message_counts{};
    peer_stats stats;
    stats.messages_sent = peer.out.counts().written - earlier.written;
    stats.messages_received = peer.in.consumed() - earlier.taken - peer.discarded;
    stats.bytes_sent = peer.bytes_sent;
    stats.bytes_received = peer.bytes_received;
    stats.connected = peer.state == peer_state::connected;
    if (stats.connected)
        stats.connected_for = std::max(state_.context->now() - peer.info.since, duration::zero());
    stats.last_heartbeat = std::chrono::milliseconds(
        static_cast<std::int64_t>(peer.lanes()->last_heartbeat.load(std::memory_order_relaxed)));
    return stats;
}

result<bool> socket_core::is_known(const peer_id& id)
{
    SLK_TRY(state_.usable());
    state_.run_and_process();
    return static_cast<pattern::router&>(*state_.routes).find(id).has_value();
}

result<std::vector<peer_id>> socket_core::known_peers()
{
    SLK_TRY(state_.usable());
    state_.run_and_process();
    const auto& routes = static_cast<pattern::router&>(*state_.routes);
    std::vector<peer_id> all;
    bool whole = try_resize(all, routes.known_peers());
    auto next = all.begin();
    routes.for_each_peer([&](const pattern::peer& each) {
        whole = whole && try_assign(next->routing_id, each.routing_id);
        if (whole)
            next++->generation = each.generation;
    });
    if (!whole)
        return fail(errc::out_of_memory, phase::none);
    return all;
}

result<peer_id> socket_core::peer_at(std::string_view endpoint)
{
    SLK_TRY(state_.usable());
    state_.run_and_process();
    remove_ended_endpoints();
    SLK_TRY(const endpoint_list there,
            state_.endpoints.find_all(endpoint_kind::connected, endpoint));
    if (there.empty())
        return fail(errc::invalid_argument, phase::none, "the socket is not connected there");
    const pipe* peer = nullptr;
    there.for_each([&](const endpoint_entry& each) { peer = each.peer.get(); });
    if (peer == nullptr || peer->routing_id.empty())
        return fail(errc::no_route, phase::none, "the peer has no routing id yet");
    peer_id found;
    found.generation = peer->generation;
    if (!try_assign(found.routing_id, peer->routing_id))
        return fail(errc::out_of_memory, phase::none);
    return found;
}

} // namespace slk::messaging

namespace slk {

namespace {

constexpr error router_moved_from{errc::invalid_state, phase::none, 0, "the socket was moved from"};

} // namespace

result<bool> router::is_known(const peer_id& id)
{
    return core() != nullptr ? core()->is_known(id) : fail(router_moved_from);
}

result<peer_stats> router::stats(const peer_id& id)
{
    return core() != nullptr ? core()->stats_of(id) : fail(router_moved_from);
}

result<std::vector<peer_id>> router::known_peers()
{
    return core() != nullptr ? core()->known_peers() : fail(router_moved_from);
}

} // namespace slk
