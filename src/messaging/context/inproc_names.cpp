// SPDX-License-Identifier: MPL-2.0
#include "messaging/context/inproc_names.hpp"

#include <new>

namespace slk::messaging {

namespace {

constexpr error unsuitable{errc::invalid_argument, phase::connect, 0,
                           "the types of the two sockets do not suit each other"};

/// `party` is reported to the socket that `near` belongs to.
void announce(const reference<pipe>& near, const inproc_party& self, const inproc_party& party)
{
    peer_connected met{.peer = near, .info = {}};
    met.info.type = party.type;
    met.info.routing_id = party.routing_id;
    met.far_mark = party.receive_mark;
    met.far_bytes = party.receive_bytes;
    self.reports->post(
        {.what = std::move(met), .endpoint = self.endpoint, .when = system_clock_source().now()});
}

/// Replaced messages count at the socket that wrote them.
void count_replaced(pipe_lanes& lanes, std::size_t direction, const inproc_party& writer)
{
    lanes.latest->toward[direction].count_replaced(writer.reports,
                                                   writer.reports->counters().conflated_sent);
}

} // namespace

void inproc_names::meet(const inproc_party& owner, const pending_connect& pending)
{
    // One side that conflates is enough: the queue between the two belongs to both.
    pipe_lanes& lanes = *pending.far->lanes();
    if (owner.conflates && lanes.latest == nullptr) {
        lanes.latest = std::make_unique<latest_slots>(lanes.toward[0].budget());
        count_replaced(lanes, 0, pending.caller);
    }
    if (lanes.latest != nullptr)
        count_replaced(lanes, 1, owner);
    pending.far->conflate();
    pending.far->endpoint = owner.endpoint;
    pending.far->report_to(owner.reports);
    announce(pending.far, owner, pending.caller);
    announce(pending.near, pending.caller, owner);
}

result<void> inproc_names::bind(const std::string& name, const inproc_party& owner)
{
    const std::lock_guard lock(guard_);
    if (!bound_.emplace(name, owner).second)
        return fail(errc::address_in_use, phase::bind, "another socket has this inproc name");
    for (auto [each, last] = pending_.equal_range(name); each != last;) {
        const pending_connect pending = std::move(each->second);
        each = pending_.erase(each);
        if (zmtp::may_talk(owner.type, pending.caller.type))
            meet(owner, pending);
        else
            pending.near->pipe_closed(unsuitable);
    }
    return {};
}

void inproc_names::unbind(const std::string& name, std::uint64_t endpoint) noexcept
{
    const std::lock_guard lock(guard_);
    if (const auto found = bound_.find(name);
        found != bound_.end() && found->second.endpoint == endpoint)
        bound_.erase(found);
}

result<reference<pipe>> inproc_names::connect(const std::string& name, const inproc_party& caller)
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
    pending_connect pending{caller, make(0, pipe_origin::connect), make(1, pipe_origin::accept)};
    if (!pending.near || !pending.far)
        return fail(errc::out_of_memory, phase::connect);
    pending.near->far = reference<far_end>::to(*pending.far);
    pending.far->far = reference<far_end>::to(*pending.near);
    pending.near->endpoint = caller.endpoint;
    pending.near->report_to(caller.reports);

    reference<pipe> near = pending.near;
    if (found == bound_.end())
        pending_.emplace(name, std::move(pending));
    else
        meet(found->second, pending);
    return near;
}

void inproc_names::forget(std::uint64_t endpoint) noexcept
{
    const std::lock_guard lock(guard_);
    for (auto each = pending_.begin(); each != pending_.end();)
        each = each->second.caller.endpoint == endpoint ? pending_.erase(each) : std::next(each);
}

} // namespace slk::messaging
