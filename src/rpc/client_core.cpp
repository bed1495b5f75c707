// SPDX-License-Identifier: MPL-2.0
#include "rpc/client_core.hpp"

#include <serverlink/wait.hpp>

#include "base/message_access.hpp"
#include "base/try_allocate.hpp"
#include "pattern/router.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace slk::rpc {

namespace {

using message_detail::access;
using pattern::part_view;

/// Messages that are taken in before due times are looked at.
constexpr int max_messages = 1000;

constexpr error out_of_memory{errc::out_of_memory, phase::transfer};
constexpr error connection_lost{errc::connection_aborted, phase::transfer, 0,
                                "the connection was lost before the reply came"};

} // namespace

result<peer_socket> peer_socket::create(context& in, const socket_options& options)
{
    if (in.core() == nullptr)
        return fail(errc::invalid_state, phase::setup, "the context is empty");
    // Several servers may have the same routing id.
    std::unique_ptr<pattern::router> routes(new (std::nothrow) pattern::router(
        static_cast<std::uint32_t>(in.core()->next_random()), true));
    pattern::router* const made = routes.get();
    SLK_TRY(auto* const core, messaging::socket_core::create(in.core(), zmtp::socket_type::dealer,
                                                             options, std::move(routes)));
    // They are no options of a DEALER.
    made->mandatory = true;
    // What becomes of a request is decided here.
    made->keeps_queues = false;
    made->notify_connect = true;
    made->notify_disconnect = true;
    return peer_socket(core);
}

// --- requests ---

/// A number that no request has, and that finds it.
result<void> client_core::make_slot(pending& of) noexcept
{
    if (free_slots_.empty()) {
        if (!try_reserve_more(slots_) || !try_reserve(free_slots_, slots_.capacity()))
            return fail(out_of_memory);
        slots_.push_back(nullptr);
        free_slots_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
    }
    const std::uint32_t slot = free_slots_.back();
    free_slots_.pop_back();
    of.number = std::uint64_t{next_++} << 32 | slot;
    slots_[slot] = &of;
    return {};
}

pending* client_core::find(std::uint64_t number) const noexcept
{
    const auto slot = static_cast<std::uint32_t>(number);
    pending* const found = slot < slots_.size() ? slots_[slot] : nullptr;
    return found != nullptr && found->number == number ? found : nullptr;
}

result<pending*> client_core::start(multipart&& parts, const request_options& options)
{
    SLK_TRY(options.validate());
    SLK_TRY(socket_.core()->usable());
    if (parts.empty())
        return fail(errc::invalid_argument, phase::transfer, "a request has at least one part");
    if (outstanding_ >= max_requests_)
        return fail(errc::would_block, phase::transfer, "max_requests are under way");
    auto* const made = new (std::nothrow) pending;
    if (made == nullptr)
        return fail(out_of_memory);
    if (!due_.reserve() || !make_slot(*made)) {
        made->release();
        return fail(out_of_memory);
    }
    made->owner = this;
    made->repeatable = options.repeatable;
    made->max_attempts = options.repeatable ? options.max_attempts : 1;
    made->attempt_timeout = options.attempt_timeout;
    made->deadline = made->due = after(now(), options.timeout);
    made->parts = std::move(parts);
    made->retain();
    due_.add(*made);
    waiting_.push_back(*made);
    ++outstanding_;
    ++counters_.requests;
    // If memory is short now, the next call goes on.
    (void)make_progress();
    return made;
}

void client_core::end(pending& which, const error& why) noexcept
{
    which.now = pending::stage::ended;
    which.failure = why;
    which.owner = nullptr;
    which.parts.clear();
    which.unlink();
    due_.remove(which);
    const auto slot = static_cast<std::uint32_t>(which.number);
    slots_[slot] = nullptr;
    free_slots_.push_back(slot);
    --outstanding_;
    ++ended_;
    which.release();
    socket_.core()->reports().tell_listener();
}

void client_core::end_all() noexcept
{
    for (pending* const each : slots_)
        if (each != nullptr)
            end(*each, {errc::cancelled, phase::close, 0, "the client was closed"});
}

/// It is to be sent again.
void client_core::wait_again(pending& which) noexcept
{
    which.unlink();
    which.now = pending::stage::waiting;
    which.due = which.deadline;
    due_.move(which);
    waiting_.push_back(which);
}

void client_core::do_what_is_due() noexcept
{
    const time_point time = now();
    for (pending* next = due_.first(); next != nullptr && next->due <= time; next = due_.first()) {
        if (next->deadline > time) {
            wait_again(*next);
        } else if (next->attempts == 0) {
            end(*next, {errc::timed_out, phase::connect, 0, "no peer took the request in time"});
        } else {
            end(*next, {errc::timed_out, phase::transfer, 0, "no reply came in time"});
        }
    }
}

// --- peers ---

client_core::peer* client_core::find_peer(std::uint64_t generation) const noexcept
{
    const auto found = std::ranges::find_if(
        peers_, [&](const auto& each) { return each->id.generation == generation; });
    return found != peers_.end() ? found->get() : nullptr;
}

/// Without memory for it the peer is disconnected, and comes again.
void client_core::add_peer()
{
    std::unique_ptr<peer> made(new (std::nothrow) peer);
    const std::uint64_t generation = from_.generation;
    if (made != nullptr && try_assign(made->id.routing_id, from_.routing_id)) {
        made->id.generation = generation;
        if (try_push_back(peers_, std::move(made)))
            return;
    }
    auto& routes = static_cast<pattern::router&>(socket_.core()->routes());
    (void)socket_.core()->disconnect_peer(routes.find(from_), "no memory for one more peer");
}

/// After all that they had sent was received.
void client_core::lose_peers() noexcept
{
    for (const auto& each : peers_) {
        if (!each->lost)
            continue;
        while (!each->asked.empty()) {
            pending& which = each->asked.front();
            if (which.attempts < which.max_attempts)
                wait_again(which);
            else
                end(which, connection_lost);
        }
    }
    std::erase_if(peers_, [](const auto& each) { return each->lost; });
}

// --- sending ---

/// Returns false if the peer has no room, or is gone.
result<bool> client_core::send_to(peer& to, pending& which)
{
    const std::size_t count = which.parts.size();
    const std::span<part_view> whole = written_.put_behind(2 + count, {});
    if (whole.empty())
        return fail(out_of_memory);
    std::array<std::byte, sizeof which.number> number{};
    std::memcpy(number.data(), &which.number, number.size());
    whole[0] = {number, nullptr};
    whole[1] = {};
    for (std::size_t index = 0; index < count; ++index)
        whole[2 + index] = {which.parts[index].bytes(), access::owner_of(which.parts[index])};
    const auto sent = socket_.core()->send(whole, no_wait, &to.id);
    if (!sent && (sent.error() == errc::would_block || sent.error() == errc::no_route ||
                  sent.error() == errc::peer_replaced))
        return false;
    if (!sent)
        return fail(sent.error());
    which.unlink();
    to.asked.push_back(which);
    which.now = pending::stage::sent;
    which.asked = to.id.generation;
    counters_.repeated += which.attempts > 0 ? 1 : 0;
    ++which.attempts;
    if (which.attempts == which.max_attempts)
        which.parts.clear();
    else if (which.attempt_timeout > duration::zero())
        which.due = std::min(which.deadline, after(now(), which.attempt_timeout));
    due_.move(which);
    socket_.core()->reports().tell_listener(); // it may be due earlier
    return true;
}

/// Each request goes to the next peer that has room; again to the same one only if no other has.
result<void> client_core::send_waiting()
{
    while (!waiting_.empty()) {
        pending& which = waiting_.front();
        bool sent = false;
        for (const bool again : {false, true}) {
            for (std::size_t tried = 0; tried < peers_.size() && !sent; ++tried) {
                next_peer_ = next_peer_ + 1 < peers_.size() ? next_peer_ + 1 : 0;
                peer& to = *peers_[next_peer_];
                if (to.lost || (to.id.generation == which.asked) != again)
                    continue;
                SLK_TRY(sent, send_to(to, which));
            }
        }
        if (!sent)
            return {};
    }
    return {};
}

// --- receiving ---

result<void> client_core::take_reply(message& first)
{
    std::uint64_t number = 0;
    const bool numbered = first.more() && first.size() == sizeof number;
    if (numbered)
        std::memcpy(&number, first.data(), sizeof number);
    pending* const asked = numbered ? find(number) : nullptr;
    // After a repetition the reply of any of the peers will do.
    const bool expected = asked != nullptr && asked->attempts > 0 &&
                          (asked->attempts > 1 || asked->asked == from_.generation);
    bool matches = expected;
    bool fits = true;
    bool more = first.more();
    for (bool delimiter = true; more; delimiter = false) {
        message part;
        SLK_TRY(socket_.core()->receive(part, no_wait)); // all parts are there
        more = part.more();
        if (delimiter)
            matches = matches && part.empty() && more;
        else if (matches)
            fits = fits && access::try_add(asked->reply, std::move(part));
    }
    if (!matches) {
        ++counters_.unmatched;
    } else if (fits) {
        ++counters_.replies;
        end(*asked, {});
    } else {
        asked->reply.clear();
        end(*asked, {errc::out_of_memory, phase::transfer, 0, "no memory for the reply"});
    }
    return {};
}

result<void> client_core::take(router_event what, message& first)
{
    switch (what) {
    case router_event::message: return take_reply(first);
    case router_event::connected: add_peer(); break;
    case router_event::disconnected:
        if (peer* const gone = find_peer(from_.generation))
            gone->lost = true;
        break;
    }
    return {};
}

result<void> client_core::take_arrived()
{
    for (int count = 0; count < max_messages; ++count) {
        message first;
        const auto got = socket_.core()->receive(first, no_wait, &from_);
        if (!got && got.error() == errc::would_block) {
            lose_peers();
            return {};
        }
        SLK_TRY(got);
        SLK_TRY(take(*got, first));
    }
    socket_.core()->reports().tell_listener(); // there may be more
    return {};
}

// --- waiting ---

result<void> client_core::make_progress()
{
    SLK_TRY(take_arrived());
    do_what_is_due();
    return send_waiting();
}

/// Until something has happened, or not longer than `left`.
result<void> client_core::sleep(duration left, const timeout& limit)
{
    const timeout until{left, limit.stop};
    if (!waiting_.empty() && !peers_.empty()) {
        wait_item room{.on = &socket_, .to_send = true};
        SLK_TRY(slk::wait(std::span(&room, 1), until));
        return {};
    }
    message first;
    SLK_TRY(const router_event what, socket_.core()->receive(first, until, &from_));
    return take(what, first);
}

template <class IsOver>
result<void> client_core::run(const IsOver& is_over, const timeout& limit)
{
    const time_point until = after(now(), limit.max_wait);
    for (;;) {
        SLK_TRY(make_progress());
        if (is_over())
            return {};
        if (limit.stop.stop_requested())
            return fail(errc::cancelled, phase::none, "a stop was requested");
        const pending* const next = due_.first();
        const time_point wake_up = next != nullptr ? std::min(until, next->due) : until;
        const time_point time = now();
        if (time >= until)
            return fail(errc::in_progress, phase::transfer, "the request has not ended");
        const duration left =
            wake_up == never ? duration::max() : std::max(wake_up - time, duration::zero());
        if (const auto slept = sleep(left, limit);
            !slept && slept.error() != errc::timed_out && slept.error() != errc::would_block)
            return slept;
    }
}

template result<void> client_core::run(const std::function<bool()>&, const timeout&);

result<std::size_t> client_core::wait_any(const timeout& limit)
{
    if (const auto waited = run([this] { return ended_ > 0; }, limit); !waited) {
        if (waited.error() != errc::in_progress)
            return fail(waited.error());
        return fail(limit.max_wait == duration::zero() ? errc::would_block : errc::timed_out,
                    phase::transfer);
    }
    return std::exchange(ended_, std::size_t{0});
}

} // namespace slk::rpc
