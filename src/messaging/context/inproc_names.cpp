// SPDX-License-Identifier: MPL-2.0
#include "messaging/context/inproc_names.hpp"

#include "base/try_allocate.hpp"

#include <new>
#include <utility>

namespace slk::messaging {

namespace {

constexpr error unsuitable{errc::invalid_argument, phase::connect, 0,
                           "the types of the two sockets do not suit each other"};

/// The event by which `party` is reported to the socket that `near` belongs to. Null when memory is
/// exhausted.
std::unique_ptr<queued_event> announcement_of(const inproc_party& party,
                                              const reference<pipe>& near,
                                              std::uint64_t endpoint) noexcept
{
    std::unique_ptr<queued_event> made(new (std::nothrow) queued_event);
    peer_connected met{.peer = near, .info = {}};
    if (made == nullptr || !try_assign(met.info.routing_id, party.routing_id))
        return nullptr;
    met.info.type = party.type;
    met.far_mark = party.receive_mark;
    met.far_bytes = party.receive_bytes;
    made->report = {
        .what = std::move(met), .endpoint = endpoint, .when = system_clock_source().now()};
    return made;
}

/// Replaced messages count at the socket that wrote them.
void count_replaced(pipe_lanes& lanes, std::size_t direction, const inproc_party& writer)
{
    lanes.latest->toward[direction].count_replaced(writer.reports,
                                                   writer.reports->counters().conflated_sent);
}

} // namespace

/// Returns false when memory is exhausted.
bool inproc_names::prepare(const inproc_party& owner, pending_connect& pending) noexcept
{
    pending.slots.reset();
    if (owner.conflates && pending.far->lanes()->latest == nullptr) {
        pending.slots.reset(new (std::nothrow) latest_slots);
        if (pending.slots == nullptr)
            return false;
    }
    pending.to_owner = announcement_of(pending.caller, pending.far, owner.endpoint);
    pending.to_caller = announcement_of(owner, pending.near, pending.caller.endpoint);
    return pending.to_owner != nullptr && pending.to_caller != nullptr;
}

void inproc_names::meet(const inproc_party& owner, pending_connect& pending) noexcept
{
    // One side that conflates is enough: the queue between the two belongs to both.
    pipe_lanes& lanes = *pending.far->lanes();
    if (pending.slots != nullptr) {
        lanes.latest = std::move(pending.slots);
        count_replaced(lanes, 0, pending.caller);
    }
    if (lanes.latest != nullptr)
        count_replaced(lanes, 1, owner);
    pending.far->conflate();
    pending.far->endpoint = owner.endpoint;
    pending.far->report_to(owner.reports);
    owner.reports->post(std::move(pending.to_owner));
    pending.caller.reports->post(std::move(pending.to_caller));
}

result<void> inproc_names::bind(std::string_view name, inproc_party owner)
{
    const std::lock_guard lock(guard_);
    if (bound_.contains(name))
        return fail(errc::address_in_use, phase::bind, "another socket has this inproc name");
    auto [first, last] = pending_.equal_range(name);
    for (auto each = first; each != last; ++each)
        if (zmtp::may_talk(owner.type, each->second.caller.type) && !prepare(owner, each->second))
            return fail(errc::out_of_memory, phase::bind);
    std::string key;
    decltype(bound_)::iterator made;
    if (!try_assign(key, name) ||
        !try_allocate([&] { made = bound_.try_emplace(std::move(key), std::move(owner)).first; }))
        return fail(errc::out_of_memory, phase::bind);
    while (first != last) {
        pending_connect pending = std::move(first->second);
        first = pending_.erase(first);
        if (zmtp::may_talk(made->second.type, pending.caller.type))
            meet(made->second, pending);
        else
            pending.near->pipe_closed(unsuitable);
    }
    return {};
}

void inproc_names::unbind(std::string_view name, std::uint64_t endpoint) noexcept
{
    const std::lock_guard lock(guard_);
    if (const auto found = bound_.find(name);
        found != bound_.end() && found->second.endpoint == endpoint)
        bound_.erase(found);
}

result<reference<pipe>> inproc_names::connect(std::string_view name, inproc_party caller)
{
    const std::lock_guard lock(guard_);
    const auto found = bound_.find(name);
    if (found != bound_.end() && !zmtp::may_talk(caller.type, found->second.type))
        return fail(unsuitable);
    const auto lanes = pipe_lanes::create(*caller.pools, caller.conflates);
    if (!lanes)
        return fail(errc::out_of_memory, phase::connect);
    if (caller.conflates)
        count_replaced(*lanes, 0, caller);
    const auto make = [&](std::size_t side, pipe_origin origin) {
        return reference<pipe>::adopt(new (std::nothrow) pipe(lanes, side, origin, true));
    };
    pending_connect pending{std::move(caller), make(0, pipe_origin::connect),
                            make(1, pipe_origin::accept)};
    if (!pending.near || !pending.far || !pending.near->make_end_event() ||
        !pending.far->make_end_event())
        return fail(errc::out_of_memory, phase::connect);
    const reference<pipe> near = pending.near;
    std::string key;
    if (found != bound_.end() ? !prepare(found->second, pending) : !try_assign(key, name))
        return fail(errc::out_of_memory, phase::connect);
    pending.near->far = reference<far_end>::to(*pending.far);
    pending.far->far = reference<far_end>::to(*pending.near);
    pending.near->endpoint = pending.caller.endpoint;
    pending.near->report_to(pending.caller.reports);

    if (found != bound_.end()) {
        meet(found->second, pending);
        return near;
    }
    if (!try_allocate([&] { pending_.emplace(std::move(key), std::move(pending)); })) {
        // The two refer to each other.
        near->far.reset();
        return fail(errc::out_of_memory, phase::connect);
    }
    return near;
}

void inproc_names::forget(std::uint64_t endpoint) noexcept
{
    const std::lock_guard lock(guard_);
    for (auto each = pending_.begin(); each != pending_.end();)
        each = each->second.caller.endpoint == endpoint ? pending_.erase(each) : std::next(each);
}

} // namespace slk::messaging
