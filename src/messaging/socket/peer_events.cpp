// SPDX-License-Identifier: MPL-2.0
#include "messaging/socket/peer_events.hpp"

#include "base/try_allocate.hpp"
#include "messaging/observe/inbox.hpp"
#include "messaging/pipe/pipe.hpp"
#include "messaging/socket/endpoint_table.hpp"

namespace slk::messaging {

void peer_events::report(event_kind kind, const pipe& peer, const error& reason,
                         std::string_view topic) const noexcept
{
    if (!reports_.events().wants(kind)) [[likely]]
        return;
    const endpoint_entry* const at = endpoints_.find(peer.endpoint);
    reports_.events().emit(kind, at != nullptr ? std::string_view(at->text) : std::string_view(),
                           [&](slk::event& made) {
                               made.address = peer.info.peer;
                               made.generation = peer.generation;
                               made.reason = reason;
                               return try_assign(made.routing_id, peer.name()) &&
                                      try_assign(made.topic, topic);
                           });
}

time_point peer_events::now() const noexcept
{
    return reports_.events().now();
}

void peer_events::report_dropped(drop_reason why, std::uint64_t count,
                                 const pipe& peer) const noexcept
{
    if (count == 0 || !reports_.events().wants(event_kind::dropped)) [[likely]]
        return;
    const endpoint_entry* const at = endpoints_.find(peer.endpoint);
    reports_.events().emit(event_kind::dropped,
                           at != nullptr ? std::string_view(at->text) : std::string_view(),
                           [&](slk::event& made) {
                               made.address = peer.info.peer;
                               made.generation = peer.generation;
                               made.drop = why;
                               made.count = count;
                               return try_assign(made.routing_id, peer.name());
                           });
}

} // namespace slk::messaging
