// SPDX-License-Identifier: MPL-2.0
#include "messaging/observe/peer_registry.hpp"

#include "base/try_allocate.hpp"

#include <algorithm>
#include <utility>

namespace slk::messaging {

void peer_registry::set_handover(bool on) noexcept
{
    const std::lock_guard lock(guard_);
    handover_ = on;
}

result<std::optional<zmtp::rejection>> peer_registry::reserve(const place_holder& by,
                                                              std::string_view routing_id,
                                                              bool given,
                                                              reserved_from* from) noexcept
{
    const auto taken_from = [&](reserved_from whom) -> std::optional<zmtp::rejection> {
        if (from != nullptr)
            *from = whom;
        return std::nullopt;
    };
    const std::lock_guard lock(guard_);
    switch (rule_) {
    case pattern::peer_rule::any: return taken_from(reserved_from::itself);
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
    if (given || known->second.given || !handover_)
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
    if (std::ranges::find(remains_, lanes.get(),
                          [](const remains& each) { return each.lanes.get(); }) != remains_.end())
        return;
    std::string id;
    if (try_assign(id, routing_id))
        (void)try_push_back(remains_, {by.endpoint, std::move(id), std::move(lanes)});
}

std::uint64_t peer_registry::unread_before(const place_holder& by, std::string_view routing_id)
{
    const std::lock_guard lock(guard_);
    std::erase_if(remains_,
                  [](const remains& each) { return each.lanes->unread_since_pause() == 0; });
    std::uint64_t sum = 0;
    for (const remains& each : remains_) {
        const bool is_same = by.endpoint != 0 ? each.endpoint == by.endpoint
                                              : each.endpoint == 0 && !routing_id.empty() &&
                                                    each.routing_id == routing_id;
        if (is_same)
            sum += each.lanes->unread_since_pause();
    }
    return sum;
}

} // namespace slk::messaging
