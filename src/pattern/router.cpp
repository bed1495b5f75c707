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
constexpr error replaced{errc::peer_replaced, phase::transfer, 0,
                         "a later peer has that routing id"};

/// A notice with room for the peer's name; null when memory is exhausted.
std::unique_ptr<own_message> make_notice(const peer& entry) noexcept
{
    std::unique_ptr<own_message> made(new (std::nothrow) own_message);
    if (made == nullptr || !try_reserve(made->about.routing_id, entry.routing_id.size()))
        return nullptr;
    return made;
}

void fill(own_message& notice, const peer& entry, router_event what) noexcept
{
    // Only an id that the pattern has made may be longer, and it needs no memory.
    notice.about.routing_id.assign(entry.routing_id);
    notice.about.generation = entry.generation;
    notice.what = what;
}

} // namespace

result<peer*> router::find(const peer_id& id) const noexcept
{
    const auto known = by_id_.find(id.routing_id);
    if (known == by_id_.end())
        return fail(no_route);
    peer& entry = *known->second;
    if (id.generation != 0 && id.generation != entry.generation)
        return fail(replaced);
    return &entry;
}

void router::set_options(const socket_options& options) noexcept
{
    pattern::set_options(options);
    mandatory = options.mandatory;
    handover = options.handover;
    notify_connect = options.notify_connect;
    notify_disconnect = options.notify_disconnect;
    notify_inproc = options.notify_inproc;
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
    if (by_connection_ || entry.routing_id.empty())
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
    if (!handover || known->second->named)
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

bool router::prepare(peer& entry) noexcept
{
    const bool begin = reports_begin(entry), end = reports_end(entry);
    entry.end_notice = end ? make_notice(entry) : nullptr;
    begin_notice_ = begin ? make_notice(entry) : nullptr;
    return (entry.end_notice != nullptr || !end) && (begin_notice_ != nullptr || !begin);
}

void router::connected(peer& entry) noexcept
{
    if (begin_notice_ == nullptr)
        return;
    fill(*begin_notice_, entry, router_event::connected);
    own_messages.push(std::move(begin_notice_));
}

void router::disconnected(peer& entry) noexcept
{
    auto notice = std::move(entry.end_notice);
    if (!reports_end(entry))
        return;
    // The option was not set yet when the peer connected.
    if (notice == nullptr)
        notice = make_notice(entry);
    if (notice == nullptr)
        return;
    fill(*notice, entry, router_event::disconnected);
    own_messages.push(std::move(notice));
}

routing router::route(std::span<const part_view>&, const peer_id* to, room_check& rooms) noexcept
{
    if (to == nullptr)
        return routing::refuse({errc::invalid_argument, phase::transfer, 0,
                                "a ROUTER sends to a peer that the caller names"});
    const result<peer*> known = find(*to);
    if (!known)
        return mandatory ? routing::refuse(known.error())
                         : routing::drop(send_outcome::dropped_no_route);
    if (rooms.has_room(**known))
        return routing::to_peer(**known);
    return mandatory ? routing{} : routing::drop(send_outcome::dropped_full);
}

routing router::check_send(std::span<const std::byte>, const peer_id* to,
                           room_check& rooms) noexcept
{
    std::span<const part_view> any;
    return route(any, to, rooms);
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
