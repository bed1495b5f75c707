// SPDX-License-Identifier: MPL-2.0
#include "messaging/context/inproc_names.hpp"

#include "base/try_allocate.hpp"
#include "messaging/pipe/requests.hpp"

#include <new>
#include <utility>

namespace slk::messaging {

namespace {

constexpr error unsuitable{errc::invalid_argument, phase::connect, 0,
                           "the types of the two sockets do not suit each other"};
constexpr error cannot_reply{errc::not_supported, phase::handshake, 0,
                             "the socket with the inproc name is neither a REP nor a ROUTER"};
constexpr error no_memory{errc::out_of_memory, phase::connect};
constexpr error id_taken{errc::rejected, phase::handshake, 0, "the peer's routing id is taken"};
constexpr error pair_has_peer{errc::rejected, phase::handshake, 0, "a PAIR has a peer already"};

bool suit(const inproc_party& a, const inproc_party& b) noexcept
{
    return zmtp::may_talk(a.type, b.type) || (!a.checks_types && !b.checks_types);
}

/// What a socket is to learn of its peer. Null when memory is exhausted.
std::unique_ptr<peer_connected> introduce(const inproc_party& peer) noexcept
{
    std::unique_ptr<peer_connected> met(new (std::nothrow) peer_connected);
    if (met == nullptr || !try_assign(met->info.routing_id, peer.routing_id))
        return nullptr;
    met->info.type = peer.type;
    return met;
}

/// Replaced messages count at the socket that wrote them.
void count_replaced(pipe_lanes& lanes, std::size_t direction, const inproc_party& writer)
{
    lanes.latest->toward[direction].count_replaced(writer.reports,
                                                   writer.reports->counters().conflated_sent);
}

/// Takes a place for each at the other socket. Returns why not.
error take_places(const inproc_party& owner, const inproc_party& caller, const pipe& near) noexcept
{
    const auto take = [](const inproc_party& at, const place_holder& by, const std::string& id) {
        const auto rejected = at.reports->places().reserve(by, id, at.reports->events().now());
        if (!rejected || !*rejected)
            return rejected ? error{} : rejected.error();
        at.reports->counters().rejected.add(1);
        return **rejected == zmtp::rejection::id_taken ? id_taken : pair_has_peer;
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

inproc_names::~inproc_names()
{
    while (!connecters_.empty())
        delete &connecters_.pop_front();
}

const inproc_party* inproc_names::owner_of(std::string_view name) const noexcept
{
    const auto found = bound_.find(name);
    return found != bound_.end() ? &found->second : nullptr;
}

/// Returns false when memory is exhausted.
bool inproc_names::make_pipes(connecter& which, lane::chunk_pools& pools) noexcept
{
    const auto lanes = pipe_lanes::create(pools, which.caller.conflates, false,
                                          conflated_lanes(which.caller.type));
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
    near->on_reconnect = which.caller.on_reconnect;
    near->report_to(which.caller.reports);
    which.near = std::move(near);
    which.far = std::move(far);
    which.met = false;
    return true;
}

/// The publisher that connects knows at once what the other end has subscribed to, whose thread may
/// be busy. Before anybody uses the pipe, with the topics held: until the owner is told of the
/// peer, and from then on tells it of its topics itself. Returns false when memory is exhausted.
bool inproc_names::tell_topics(const inproc_party& owner, pipe& far,
                               lane::chunk_pools& pools) noexcept
{
    if (!owner.topics)
        return true;
    far.out.allocate_from(pools);
    if (!write_requests(far, *owner.topics))
        return false;
    (void)far.out.publish(); // the caller looks when it hears of the peer
    far.told_topics = true;
    return true;
}

/// Two pipes that were not used: they hold each other, and nobody else has heard of the far one.
void inproc_names::part(connecter& which) noexcept
{
    which.far->far.reset();
    which.far->set_ended();
}

/// Another pipe for the other end of the lanes, whose pipe there is over. Null when memory is
/// exhausted.
reference<pipe> inproc_names::make_far(const connecter& which) noexcept
{
    const reference<pipe_lanes>& lanes = which.near->lanes();
    auto far = reference<pipe>::adopt(new (std::nothrow) pipe(lanes, 1, pipe_origin::accept, true));
    if (!far || !far->make_history())
        return {};
    far->far = reference<far_end>::to(*which.near);
    far->history->earlier.written = lanes->toward[1].produced();
    far->history->earlier_lapsed = lanes->toward[1].lapsed();
    far->history->earlier.taken = lanes->toward[0].consumed();
    return far;
}

/// The other end is back, in a new pipe that nobody reads from yet. What has waited for it is
/// received, or not (option on_reconnect).
void inproc_names::drop_stale(const inproc_party& owner, const inproc_party& caller,
                              pipe& far) noexcept
{
    if (caller.on_reconnect == queue_policy::keep)
        return;
    const std::uint64_t dropped = far.in.drop_waiting(
        caller.on_reconnect == queue_policy::keep_newest ? 1 : 0, zmtp::is_publisher(owner.type));
    if (dropped == 0)
        return;
    far.history->earlier.taken = far.in.consumed();
    caller.reports->counters().dropped_stale.add(dropped);
    caller.log->emit(event_kind::dropped, [&](slk::event& made) {
        made.drop = drop_reason::stale;
        made.count = dropped;
        return try_assign(made.routing_id, owner.routing_id);
    });
}

/// The two meet now, or the connecting one goes on waiting. Returns false when memory is exhausted.
bool inproc_names::meet(const inproc_party& owner, connecter& which,
                        lane::chunk_pools& pools) noexcept
{
    const inproc_party& caller = which.caller;
    if (!which.waits)
        return true;
    if (!suit(owner, caller)) {
        caller.log->handshake_failed(unsuitable);
        return true;
    }
    if (which.met && caller.by_id && !make_pipes(which, pools))
        return false;
    // All that needs memory comes first.
    const bool again = which.met;
    const reference<pipe> far = again ? make_far(which) : which.far;
    if (!far)
        return false;
    pipe_lanes& lanes = *far->lanes();
    std::unique_ptr<latest_slots> slots;
    if (owner.conflates && lanes.latest == nullptr) {
        slots.reset(new (std::nothrow) latest_slots(lanes.toward[0].budget()));
        if (slots == nullptr)
            return false;
    }
    auto to_owner = introduce(caller);
    auto to_caller = introduce(owner);
    if (to_owner == nullptr || to_caller == nullptr)
        return false;
    std::unique_lock<std::mutex> held;
    if (owner.topics)
        held = owner.topics->hold();
    if (!again && lanes.latest == nullptr && slots == nullptr && !tell_topics(owner, *far, pools))
        return false;
    if (const error why = take_places(owner, caller, *which.near)) {
        if (why == errc::out_of_memory)
            return false;
        owner.log->handshake_failed(why);
        caller.log->handshake_failed(why);
        return true;
    }
    if (again) {
        which.far->forward_to(*far);
        which.far = far;
    }
    // One side that conflates is enough: the queue between the two belongs to both.
    if (slots != nullptr) {
        lanes.latest = std::move(slots);
        count_replaced(lanes, 0, caller);
    }
    if (lanes.latest != nullptr)
        count_replaced(lanes, 1, owner);
    which.waits = false;
    which.met = true;
    lanes.ended.store(0, std::memory_order_release);
    far->conflate();
    if (again)
        drop_stale(owner, caller, *far);
    far->endpoint = owner.endpoint;
    far->on_reconnect = owner.on_reconnect;
    // From now on each socket tells the other one itself.
    far->set_far_marks(caller.receive_mark, caller.receive_bytes);
    which.near->set_far_marks(owner.receive_mark, owner.receive_bytes);
    far->report_to(owner.reports);
    to_owner->info.since = to_caller->info.since = owner.reports->events().now();
    to_owner->peer = far;
    owner.reports->post(std::move(to_owner));
    if (held.owns_lock())
        held.unlock();
    to_caller->peer = which.near;
    if (again)
        to_caller->far = reference<far_end>::to(*far);
    caller.reports->post(std::move(to_caller));
    return true;
}

result<bool> inproc_names::bind(std::string_view name, inproc_party owner)
{
    const std::lock_guard lock(guard_);
    if (bound_.contains(name))
        return fail(errc::address_in_use, phase::bind, "another socket has this inproc name");
    std::string key;
    decltype(bound_)::iterator made;
    if (!try_assign(key, name) ||
        !try_allocate([&] { made = bound_.try_emplace(std::move(key), std::move(owner)).first; }))
        return fail(errc::out_of_memory, phase::bind);
    bool all = true;
    connecters_.for_each([&](connecter& each) {
        if (each.name == name)
            all = meet(made->second, each, *made->second.pools) && all;
    });
    return all;
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
    const inproc_party* const owner = owner_of(name);
    if (owner != nullptr && !suit(caller, *owner))
        return fail(unsuitable);
    std::unique_ptr<connecter> made(new (std::nothrow) connecter);
    if (made == nullptr || !try_assign(made->name, name))
        return fail(no_memory);
    made->caller = std::move(caller);
    lane::chunk_pools& pools = *made->caller.pools;
    if (!make_pipes(*made, pools))
        return fail(no_memory);
    if (owner != nullptr && !meet(*owner, *made, pools)) {
        part(*made);
        return fail(no_memory);
    }
    // The caller may add its pipe before it reads the event.
    reference<pipe> near = made->near;
    connecters_.push_back(*made.release());
    return near;
}

result<reference<pipe>> inproc_names::add_peer(std::string_view name, far_end& near,
                                               const reference<pipe_lanes>& lanes)
{
    const std::lock_guard lock(guard_);
    const inproc_party* const owner = owner_of(name);
    if (owner == nullptr)
        return fail(errc::not_connected, phase::handshake);
    if (owner->type != zmtp::socket_type::rep && owner->type != zmtp::socket_type::router)
        return fail(cannot_reply);
    if (!added_)
        added_ = reference<peer_count>::adopt(new (std::nothrow) peer_count);
    if (!added_)
        return fail(no_memory);
    if (added_->value.load(std::memory_order_relaxed) >= max_added)
        return fail(errc::would_block, phase::handshake);
    auto far = reference<pipe>::adopt(new (std::nothrow) pipe(lanes, 1, pipe_origin::accept, true));
    std::unique_ptr<peer_connected> met(new (std::nothrow) peer_connected);
    if (!far || met == nullptr)
        return fail(no_memory);
    far->count_in(added_);
    far->far = reference<far_end>::to(near);
    far->endpoint = owner->endpoint;
    far->on_reconnect = owner->on_reconnect;
    far->report_to(owner->reports);
    met->info.type = zmtp::socket_type::dealer;
    met->info.since = owner->reports->events().now();
    met->peer = far;
    owner->reports->post(std::move(met));
    return far;
}

bool inproc_names::reconnect(const pipe& near, lane::chunk_pools& pools)
{
    const std::lock_guard lock(guard_);
    connecter* found = nullptr;
    connecters_.for_each([&](connecter& each) {
        if (each.near.get() == &near)
            found = &each;
    });
    // As long as the other end reads the rest, it is not over.
    if (found == nullptr || found->waits || !near.is_severed())
        return true;
    found->waits = true;
    const inproc_party* const owner = owner_of(found->name);
    return owner == nullptr || meet(*owner, *found, pools);
}

bool inproc_names::retry(std::uint64_t endpoint, lane::chunk_pools& pools)
{
    const std::lock_guard lock(guard_);
    bool all = true;
    connecters_.for_each([&](connecter& each) {
        if (!each.waits)
            return;
        const inproc_party* const owner = owner_of(each.name);
        if (owner != nullptr && (owner->endpoint == endpoint || each.caller.endpoint == endpoint))
            all = meet(*owner, each, pools) && all;
    });
    return all;
}

void inproc_names::forget(std::uint64_t endpoint) noexcept
{
    const std::lock_guard lock(guard_);
    connecters_.for_each([&](connecter& each) {
        if (each.caller.endpoint != endpoint)
            return;
        if (!each.met)
            part(each);
        each.unlink();
        delete &each;
    });
}

} // namespace slk::messaging
