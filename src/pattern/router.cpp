// SPDX-License-Identifier: MPL-2.0
#include "pattern/router.hpp"

#include "base/try_allocate.hpp"
#include "zmtp/metadata.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace slk::pattern {

namespace {

constexpr error no_route{errc::no_route, phase::transfer, 0, "no peer has that routing id"};

/// Null when memory is exhausted.
std::unique_ptr<own_message> notice_of(const peer& entry, router_event what) noexcept
{
    std::unique_ptr<own_message> made(new (std::nothrow) own_message);
    if (made == nullptr || !try_assign(made->about.routing_id, entry.routing_id))
        return nullptr;
    made->about.generation = entry.generation;
    made->what = what;
    return made;
}

} // namespace

peer* router::find(const peer_id& id) const noexcept
{
    const auto known = by_id_.find(id.routing_id);
    if (known == by_id_.end())
        return nullptr;
    peer& entry = *known->second;
    return id.generation == 0 || id.generation == entry.generation ? &entry : nullptr;
}

result<void> router::check_name(std::string_view routing_id) const
{
    if (routing_id.empty() || routing_id.size() > zmtp::max_identity || routing_id.front() == '\0')
        return fail(errc::invalid_argument, phase::connect,
                    "routing_id is 1 to 255 bytes and does not begin with a zero");
    if (by_id_.contains(routing_id))
        return fail(errc::invalid_argument, phase::connect, "routing_id is taken");
    return {};
}

result<peer*> router::attach(peer& entry)
{
    if (entry.routing_id.empty())
        entry.routing_id = make_id();
    if (!receiving_.reserve())
        return fail(no_memory_for_peer);
    SLK_TRY(peer* const displaced, resume_sending(entry));
    entry.generation = ++generations_;
    receiving_.add(entry, false);
    return displaced;
}

result<peer*> router::resume_sending(peer& entry)
{
    const auto known = by_id_.find(entry.routing_id);
    if (known == by_id_.end()) {
        std::string id;
        if (!try_assign(id, entry.routing_id) ||
            !try_allocate([&] { by_id_.try_emplace(std::move(id), &entry); }))
            return fail(no_memory_for_peer);
        return nullptr;
    }
    if (known->second == &entry)
        return nullptr;
    if (!handover)
        return fail(errc::address_in_use, phase::handshake, "the peer's routing id is taken");
    return std::exchange(known->second, &entry);
}

void router::stop_sending(peer& entry) noexcept
{
    if (const auto known = by_id_.find(entry.routing_id);
        known != by_id_.end() && known->second == &entry)
        by_id_.erase(known);
}

void router::detach(peer& entry) noexcept
{
    stop_sending(entry);
    receiving_.remove(entry);
}

result<void> router::connected(peer& entry)
{
    if (notify_disconnect) {
        entry.end_notice = notice_of(entry, router_event::disconnected);
        if (entry.end_notice == nullptr)
            return fail(no_memory_for_peer);
    }
    if (notify_connect) {
        auto notice = notice_of(entry, router_event::connected);
        if (notice == nullptr)
            return fail(no_memory_for_peer);
        own_messages.push(std::move(notice));
    }
    return {};
}

void router::disconnected(peer& entry) noexcept
{
    auto notice = std::move(entry.end_notice);
    if (!notify_disconnect)
        return;
    // The option was not set yet when the peer connected.
    if (notice == nullptr)
        notice = notice_of(entry, router_event::disconnected);
    if (notice != nullptr)
        own_messages.push(std::move(notice));
}

routing router::route(std::span<const part_view>&, const peer_id* to, room_check& rooms) noexcept
{
    if (to == nullptr)
        return routing::refuse({errc::invalid_argument, phase::transfer, 0,
                                "a ROUTER sends to a peer that the caller names"});
    peer* const known = find(*to);
    if (known == nullptr)
        return mandatory ? routing::refuse(no_route)
                         : routing::drop(send_outcome::dropped_no_route);
    if (rooms.has_room(*known))
        return routing::to_peer(*known);
    return mandatory ? routing{} : routing::drop(send_outcome::dropped_full);
}

bool router::can_send(room_check& rooms) noexcept
{
    return !mandatory || std::ranges::any_of(by_id_, [&](const auto& each) {
        return rooms.has_room(*each.second);
    });
}

/// A zero byte, which no peer's own id may begin with, and a number (RFC 28).
std::string router::make_id()
{
    std::string made(5, '\0');
    do {
        const std::uint32_t number = next_id_++;
        for (std::size_t byte = 0; byte < 4; ++byte)
            made[1 + byte] = static_cast<char>(number >> (24 - 8 * byte));
    } while (by_id_.contains(made));
    return made;
}

} // namespace slk::pattern
