// SPDX-License-Identifier: MPL-2.0
#include "messaging/inproc.hpp"

#include <new>

namespace slk::messaging {

namespace {

constexpr error unsuitable{errc::invalid_argument, phase::connect, 0,
                           "the types of the two sockets do not suit each other"};

} // namespace

/// Each is told by a letter, also the owner of this thread: a letter is what makes a pipe known.
void inproc_names::meet(const inproc_party& owner, const waiting& guest)
{
    // The queue between the two is both's.
    lane_pair& lanes = *guest.far->lanes();
    if (owner.conflates && lanes.conflates == nullptr)
        lanes.conflates = std::make_unique<conflation>();
    guest.far->conflates = lanes.conflates != nullptr;
    peer_info of_guest;
    of_guest.type = guest.caller.type;
    of_guest.routing_id = guest.caller.routing_id;
    guest.far->accepted = true;
    guest.far->endpoint = owner.endpoint;
    guest.far->belong_to(owner.box);
    mail to_owner{.kind = mail_kind::arrived, .which = guest.far, .about = std::move(of_guest)};
    to_owner.far_mark = guest.caller.receive_mark;
    to_owner.far_bytes = guest.caller.receive_bytes;
    owner.box->post(std::move(to_owner));

    peer_info of_owner;
    of_owner.type = owner.type;
    of_owner.routing_id = owner.routing_id;
    mail to_guest{.kind = mail_kind::arrived, .which = guest.near, .about = std::move(of_owner)};
    to_guest.far_mark = owner.receive_mark;
    to_guest.far_bytes = owner.receive_bytes;
    guest.caller.box->post(std::move(to_guest));
}

result<void> inproc_names::bind(const std::string& name, const inproc_party& owner)
{
    const std::lock_guard lock(guard_);
    if (!bound_.emplace(name, owner).second)
        return fail(errc::address_in_use, phase::bind, "another socket has this inproc name");
    for (auto [each, last] = waiting_.equal_range(name); each != last;) {
        const waiting guest = std::move(each->second);
        each = waiting_.erase(each);
        if (zmtp::may_talk(owner.type, guest.caller.type))
            meet(owner, guest);
        else
            guest.near->far_end_left(unsuitable);
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
    auto* const pair = new (std::nothrow) lane_pair;
    if (pair == nullptr)
        return fail(errc::out_of_memory, phase::connect);
    const auto lanes = reference<lane_pair>::adopt(pair);
    if (!lanes->toward[0].open(*caller.pools) || !lanes->toward[1].open(*caller.pools))
        return fail(errc::out_of_memory, phase::connect);
    if (caller.conflates)
        lanes->conflates = std::make_unique<conflation>();
    waiting guest{caller, reference<pipe>::adopt(new (std::nothrow) pipe(lanes, 0)),
                  reference<pipe>::adopt(new (std::nothrow) pipe(lanes, 1))};
    if (!guest.near || !guest.far)
        return fail(errc::out_of_memory, phase::connect);
    for (pipe* const each : {guest.near.get(), guest.far.get()})
        each->is_inproc = true;
    guest.near->far = reference<far_end>::to(*guest.far);
    guest.far->far = reference<far_end>::to(*guest.near);
    guest.near->endpoint = caller.endpoint;
    guest.near->belong_to(caller.box);

    reference<pipe> near = guest.near;
    if (found == bound_.end())
        waiting_.emplace(name, std::move(guest));
    else
        meet(found->second, guest);
    return near;
}

void inproc_names::forget(std::uint64_t endpoint) noexcept
{
    const std::lock_guard lock(guard_);
    for (auto each = waiting_.begin(); each != waiting_.end();)
        each = each->second.caller.endpoint == endpoint ? waiting_.erase(each) : std::next(each);
}

} // namespace slk::messaging
