// SPDX-License-Identifier: MPL-2.0

// What a ROUTER knows about its peers.

#include "base/try_allocate.hpp"
#include "capi/handles.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>

namespace slk::capi {

namespace {

/// Returns false when memory is exhausted.
bool name_peer(peer_id& into, const void* routing_id, std::size_t size) noexcept
{
    return try_assign(into.routing_id, {static_cast<const char*>(routing_id), size});
}

std::uint64_t milliseconds(duration time) noexcept
{
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

} // namespace

} // namespace slk::capi

using namespace slk::capi;

int slk_is_connected(slk_socket_t* socket, const void* routing_id, size_t id_len)
{
    const socket_call call(socket);
    if (call.code() != 0 || routing_id == nullptr)
        return fail_with(call.code() != 0 ? call.code() : SLK_EINVAL);
    slk::peer_id id;
    if (!name_peer(id, routing_id, id_len))
        return fail_with(SLK_ENOMEM);
    const auto known = call.socket().is_known(id);
    return known ? int{*known} : fail_with(code_of(known.error()));
}

int slk_get_peer_stats(slk_socket_t* socket, const void* routing_id, size_t id_len,
                       slk_peer_stats_t* stats)
{
    const socket_call call(socket);
    if (call.code() != 0 || routing_id == nullptr || stats == nullptr)
        return fail_with(call.code() != 0 ? call.code() : SLK_EINVAL);
    if (call.socket().type() != slk::socket_type::router)
        return fail_with(SLK_EPROTO);
    slk::peer_id id;
    if (!name_peer(id, routing_id, id_len))
        return fail_with(SLK_ENOMEM);
    const auto found = call.socket().stats(id);
    if (!found)
        return fail_with(code_of(found.error()));
    stats->bytes_sent = found->bytes_sent;
    stats->bytes_received = found->bytes_received;
    stats->msgs_sent = found->messages_sent;
    stats->msgs_received = found->messages_received;
    stats->connected_time = milliseconds(found->connected_for);
    stats->last_heartbeat = static_cast<std::uint64_t>(found->last_heartbeat.count());
    stats->is_alive = found->connected ? 1 : 0;
    return 0;
}

int slk_get_peers(slk_socket_t* socket, void** peer_ids, size_t* id_lens, size_t* num_peers)
{
    const socket_call call(socket);
    if (call.code() != 0 || peer_ids == nullptr || num_peers == nullptr)
        return fail_with(call.code() != 0 ? call.code() : SLK_EINVAL);
    if (call.socket().type() != slk::socket_type::router)
        return fail_with(SLK_EPROTO);
    const auto known = call.socket().known_peers();
    if (!known)
        return fail_with(code_of(known.error()));
    const std::size_t count = std::min(known->size(), *num_peers);
    for (std::size_t index = 0; index < count; ++index) {
        const std::string& id = (*known)[index].routing_id;
        peer_ids[index] = std::malloc(std::max<std::size_t>(id.size(), 1));
        if (peer_ids[index] == nullptr) {
            slk_free_peers(peer_ids, id_lens, index);
            return fail_with(SLK_ENOMEM);
        }
        std::memcpy(peer_ids[index], id.data(), id.size());
        if (id_lens != nullptr)
            id_lens[index] = id.size();
    }
    *num_peers = count;
    return 0;
}

void slk_free_peers(void** peer_ids, size_t* id_lens, size_t num_peers)
{
    if (peer_ids == nullptr)
        return;
    for (std::size_t index = 0; index < num_peers; ++index) {
        std::free(peer_ids[index]);
        peer_ids[index] = nullptr;
        if (id_lens != nullptr)
            id_lens[index] = 0;
    }
}
