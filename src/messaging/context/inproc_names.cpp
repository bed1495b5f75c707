// SPDX-License-Identifier: MPL-2.0
#include "messaging/context/inproc_names.hpp"

#include <algorithm>
#include <new>

namespace slk::messaging {

namespace {

constexpr error unsuitable{errc::invalid_argument, phase::connect, 0,
                           "the types of the two sockets do not suit each other"};
constexpr error no_memory{errc::out_of_memory, phase::connect};
constexpr error id_taken{errc::rejected, phase::handshake, 0, "the peer's routing id is taken"};
constexpr error has_peer{errc::rejected, phase::handshake, 0, "a PAIR has a peer already"};

/// What a socket is to learn of its peer. Null: memory is exhausted.
std::unique_ptr<peer_connected> introduce(const inproc_party& peer)
{
    auto met = std::unique_ptr<peer_connected>(new (std::nothrow) peer_connected);
    if (met == nullptr)
        return met;
    met->info.type = peer.type;
    met->info.routing_id = peer.routing_id;
    met->far_mark = peer.receive_mark;
    met->far_bytes = peer.receive_bytes;
    return met;
}

/// Replaced messages count at the socket that wrote them.
void count_replaced(pipe_lanes& lanes, std::size_t direction, const inproc_party& writer)
{
    lanes.latest->toward[direction].count_replaced(writer.reports,
                                                   writer.reports->counters().conflated_sent);
}

/// Takes a place for each at the other socket. Returns why not.
error take_places(const inproc_party& owner, const inproc_party& caller, const pipe& near)
{
    const auto take = [](const inproc_party& at, const place_holder& by, const std::string& id) {
        const auto rejected = at.reports->places().reserve(by, id);
        if (!rejected)
            return error{};
        at.reports->counters().rejected.add(1);
        return *rejected == zmtp::rejection::id_taken ? id_taken : has_peer;
    };
    const place_holder of_caller{.lanes = near.lanes().get()};
    if (const error why = take(owner, of_caller, caller.routing_id))
        return why;
    // A name that connect() gives has its place already.
    if (caller.named)
        return {};
    const error why = take(caller, {.endpoint = caller.endpoint}, owner.routing_id);
    if (why)
        owner.reports->places().release(of_caller, caller.routing_id);
    return why;
}

} // namespace

const inproc_party* inproc_names::owner_of(const std::string& name) const
{
    const auto found = bound_.find(name);
    return found != bound_.end() ? &found->second : nullptr;
}

bool inproc_names::make_pipes(connecter& which, lane::chunk_pools& pools)
{
    const auto lanes = pipe_lanes::create(pools, which.caller.conflates);
    if (!lanes)
        return false;
    if (which.caller.conflates)
        count_replaced(*lanes, 0, which.caller);
    const auto make = [&](std::size_t side, pipe_origin origin) {
        return reference<pipe>::adopt(new (std::nothrow) pipe(lanes, side, origin, true));
    };
    auto near = make(0, which.caller.by_id ? pipe_origin::link : pipe_origin::connect);
    auto far = make(1, pipe_origin::accept);
    if (!near || !far)
        return false;
    near->far = reference<far_end>::to(*far);
    far->far = reference<far_end>::to(*near);
    near->endpoint = which.caller.endpoint;
    near->immediate = which.caller.immediate;
    near->report_to(which.caller.reports);
    which.near = std::move(near);
    which.far = std::move(far);
    which.met = false;
    return true;
}

/// Another pipe at the other end of the lanes, whose pipe there is over.
bool inproc_names::renew_far(connecter& which)
{
    const reference<pipe_lanes>& lanes = which.near->lanes();
    const auto far =
        reference<pipe>::adopt(new (std::nothrow) pipe(lanes, 1, pipe_origin::accept, true));
    if (!far)
        return false;
    far->far = reference<far_end>::to(*which.near);
    if (!far->make_history())
        return false;
    far->history->earlier.written = lanes->toward[1].produced();
    far->history->earlier.taken = lanes->toward[0].consumed();
    which.far->forward_to(*far);
    which.far = far;
    return true;
}

/// The two meet now, or the connecting one goes on waiting.
void inproc_names::meet(const inproc_party& owner, connecter& which, lane::chunk_pools& pools)
{
    const inproc_party& caller = which.caller;
    if (!which.waits)
        return;
    if (!zmtp::may_talk(owner.type, caller.type))
        return caller.log->handshake_failed(unsuitable);
    if (which.met && caller.by_id && !make_pipes(which, pools))
        return caller.log->handshake_failed(no_memory);
    if (const error why = take_places(owner, caller, *which.near)) {
        owner.log->handshake_failed(why);
        return caller.log->handshake_failed(why);
    }
    const bool again = which.met;
    auto to_owner = introduce(caller);
    auto to_caller = introduce(owner);
    if (to_owner == nullptr || to_caller == nullptr || (again && !renew_far(which))) {
        owner.reports->places().release({.lanes = which.near->lanes().get()}, caller.routing_id);
        return caller.log->handshake_failed(no_memory);
    }
    // One side that conflates is enough: the queue between the two belongs to both.
    const reference<pipe>& far = which.far;
    pipe_lanes& lanes = *far->lanes();
    if (owner.conflates && lanes.latest == nullptr) {
        lanes.latest = std::make_unique<latest_slots>(lanes.toward[0].budget());
        count_replaced(lanes, 0, caller);
    }
    if (lanes.latest != nullptr)
        count_replaced(lanes, 1, owner);
    which.waits = false;
    which.met = true;
    for (std::atomic<bool>& each : lanes.ended)
        each.store(false, std::memory_order_release);
    far->conflate();
    far->endpoint = owner.endpoint;
    far->report_to(owner.reports);
    to_owner->peer = far;
    owner.reports->post(std::move(to_owner));
    to_caller->peer = which.near;
    if (again)
        to_caller->far = reference<far_end>::to(*far);
    caller.reports->post(std::move(to_caller));
}

result<void> inproc_names::bind(const std::string& name, const inproc_party& owner)
{
    const std::lock_guard lock(guard_);
    if (!bound_.emplace(name, owner).second)
        return fail(errc::address_in_use, phase::bind, "another socket has this inproc name");
    for (connecter& each : connecters_)
        if (each.name == name)
            meet(owner, each, *owner.pools);
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
    const inproc_party* const owner = owner_of(name);
    if (owner != nullptr && !zmtp::may_talk(caller.type, owner->type))
        return fail(unsuitable);
    connecter made;
    made.name = name;
    made.caller = caller;
    if (!make_pipes(made, *caller.pools))
        return fail(no_memory);
    connecters_.push_back(std::move(made));
    // The caller may add its pipe before it reads the event.
    reference<pipe> near = connecters_.back().near;
    if (owner != nullptr)
        meet(*owner, connecters_.back(), *caller.pools);
    return near;
}

void inproc_names::reconnect(const pipe& near, lane::chunk_pools& pools)
{
    const std::lock_guard lock(guard_);
    const auto found = std::ranges::find_if(
        connecters_, [&](const connecter& each) { return each.near.get() == &near; });
    // As long as the other end reads the rest, it is not over.
    if (found == connecters_.end() || found->waits || !near.is_severed())
        return;
    found->waits = true;
    if (const inproc_party* const owner = owner_of(found->name); owner != nullptr)
        meet(*owner, *found, pools);
}

void inproc_names::retry(std::uint64_t endpoint, lane::chunk_pools& pools)
{
    const std::lock_guard lock(guard_);
    for (connecter& each : connecters_) {
        if (!each.waits)
            continue;
        const inproc_party* const owner = owner_of(each.name);
        if (owner != nullptr && (owner->endpoint == endpoint || each.caller.endpoint == endpoint))
            meet(*owner, each, pools);
    }
}

void inproc_names::forget(std::uint64_t endpoint) noexcept
{
    const std::lock_guard lock(guard_);
    std::erase_if(connecters_, [&](connecter& each) {
        if (each.caller.endpoint != endpoint)
            return false;
        // The two hold each other, and nobody else has heard of the far one.
        if (!each.met) {
            each.far->far.reset();
            each.far->set_ended();
        }
        return true;
    });
}

} // namespace slk::messaging
