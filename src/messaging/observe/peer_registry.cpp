// SPDX-License-Identifier: MPL-2.0
#include "messaging/observe/peer_registry.hpp"

#include "base/try_allocate.hpp"
#include "messaging/pipe/pipe.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace slk::messaging {

namespace {

/// So often a routing id may change its peer without a pause: one that has lost its connection
/// comes again at once, and perhaps several times.
constexpr std::uint8_t free_takeovers = 8;
/// Further ones have to wait: a second, and each time twice as long, up to 68 minutes.
constexpr std::uint8_t max_doublings = 12;
/// A peer that keeps it for twice the wait and this number of seconds has not fought for it.
constexpr std::uint32_t peace = 10;

} // namespace

void peer_registry::set_handover(bool on, bool limited) noexcept
{
    const std::lock_guard lock(guard_);
    handover_ = on;
    limited_ = limited;
}

/// Two living peers with one routing id would displace each other whenever they connect again.
bool peer_registry::may_be_taken_over(place& known, time_point now) const noexcept
{
    if (!limited_)
        return true;
    const auto second = static_cast<std::uint32_t>(
        std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count());
    const std::uint32_t held = second - known.since;
    const std::uint32_t wait = known.takeovers < free_takeovers
                                   ? 0
                                   : std::uint32_t{1} << std::min<unsigned>(
                                         known.takeovers - free_takeovers, max_doublings);
    if (held < wait)
        return false;
    const bool fights = held < 2 * wait + peace;
    known.takeovers = fights ? static_cast<std::uint8_t>(std::min<unsigned>(
                                   known.takeovers + 1U, free_takeovers + max_doublings))
                             : std::uint8_t{1};
    known.since = second;
    return true;
}

result<std::optional<zmtp::rejection>> peer_registry::reserve(const place_holder& by,
                                                              std::string_view routing_id,
                                                              time_point now, bool given,
                                                              reserved_from* from) noexcept
{
    const auto taken_from = [&](reserved_from whom) -> std::optional<zmtp::rejection> {
        if (from != nullptr)
            *from = whom;
        return std::nullopt;
    };
    const std::lock_guard lock(guard_);
    switch (rule_) {
    case pattern::peer_rule::any:
    case pattern::peer_rule::one_for_each_connection: return taken_from(reserved_from::itself);
    case pattern::peer_rule::one:
        if (only_ && *only_ != by)
            return zmtp::rejection::has_peer;
        return taken_from(std::exchange(only_, by) ? reserved_from::itself : reserved_from::nobody);
    case pattern::peer_rule::one_for_each_id: break;
    }
    // A peer without an id gets one that no other has.
    if (routing_id.empty())
        return taken_from(reserved_from::itself);
    const auto known = by_id_.find(routing_id);
    if (known == by_id_.end()) {
        std::string id;
        if (!try_assign(id, routing_id) ||
            !try_allocate([&] { by_id_.try_emplace(std::move(id), place{by, given}); }))
            return fail(errc::out_of_memory, phase::handshake);
        return taken_from(reserved_from::nobody);
    }
    if (known->second.by == by)
        return taken_from(reserved_from::itself);
    if (given || known->second.given || !handover_ || !may_be_taken_over(known->second, now))
        return zmtp::rejection::id_taken;
    known->second.by = by;
    return taken_from(reserved_from::another_one);
}

bool peer_registry::release(const place_holder& by, std::string_view routing_id) noexcept
{
    const std::lock_guard lock(guard_);
    const bool is_only = only_ == by;
    if (is_only)
        only_.reset();
    const auto known = by_id_.find(routing_id);
    if (known == by_id_.end() || known->second.by != by)
        return is_only;
    by_id_.erase(known);
    return true;
}

void peer_registry::leave_unread(const place_holder& by, std::string_view routing_id,
                                 reference<pipe_lanes> lanes) noexcept
{
    if ((by.endpoint == 0 && routing_id.empty()) || lanes->unread_since_pause() == 0)
        return;
    const std::lock_guard lock(guard_);
    if (remains_.size() >= clean_at_) {
        std::erase_if(remains_,
                      [](const remains& each) { return each.lanes->unread_since_pause() == 0; });
        clean_at_ = std::max(min_clean, 2 * remains_.size());
    }
    const connection_key key = key_of(by, routing_id, lanes.get());
    std::string id;
    if (remains_.contains(key) || !try_assign(id, key.routing_id))
        return;
    remains next{by.endpoint, std::move(id), std::move(lanes)};
    (void)try_allocate([&] { remains_.insert(std::move(next)); });
}

void peer_registry::forget_unread(const place_holder& by, std::string_view routing_id,
                                  const reference<pipe_lanes>& lanes) noexcept
{
    const std::lock_guard lock(guard_);
    if (const auto known = remains_.find(key_of(by, routing_id, lanes.get()));
        known != remains_.end())
        remains_.erase(known);
}

std::uint64_t peer_registry::unread_before(const place_holder& by, std::string_view routing_id,
                                           std::uint64_t enough) noexcept
{
    // A peer that nothing tells from others.
    if (by.endpoint == 0 && routing_id.empty())
        return 0;
    const std::lock_guard lock(guard_);
    const connection_key peer = key_of(by, routing_id, nullptr);
    std::uint64_t sum = 0;
    for (auto each = remains_.lower_bound(peer); sum < enough && each != remains_.end() &&
                                                 each->endpoint == peer.endpoint &&
                                                 each->routing_id == peer.routing_id;) {
        const std::uint64_t unread = each->lanes->unread_since_pause();
        sum += unread;
        each = unread == 0 ? remains_.erase(each) : std::next(each);
    }
    return sum;
}

} // namespace slk::messaging
