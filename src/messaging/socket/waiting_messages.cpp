// SPDX-License-Identifier: MPL-2.0
#include "messaging/socket/waiting_messages.hpp"

#include "base/message_access.hpp"
#include "base/try_allocate.hpp"
#include "messaging/observe/inbox.hpp"
#include "zmtp/frame.hpp"

#include <algorithm>
#include <memory>
#include <new>
#include <utility>

namespace slk::messaging {

namespace {

std::uint64_t bytes_of(const std::vector<message>& parts) noexcept
{
    std::uint64_t sum = 0;
    for (const message& part : parts)
        sum += zmtp::header_size(part.size()) + part.size();
    return sum;
}

/// What is left of this number of messages when their peer is back.
std::uint64_t kept_of(std::uint64_t messages, queue_policy policy) noexcept
{
    switch (policy) {
    case queue_policy::keep: return messages;
    case queue_policy::drop_all: return 0;
    case queue_policy::keep_newest: return std::min<std::uint64_t>(messages, 1);
    }
    return messages;
}

} // namespace

/// Whether as much waits for a peer as may wait for one.
bool waiting_messages::is_full() const noexcept
{
    return (marks_.messages != 0 && count_ >= marks_.messages) ||
           (marks_.bytes != 0 && bytes_ >= marks_.bytes);
}

void waiting_messages::take_back(pipe& peer, pattern::room_check& rooms)
{
    if (!on_ || !pattern_.may_requeue() || !peer.is_severed() || peer.ended_first ||
        !peer.make_history())
        return;
    const bool newest_only = peer.out.conflates();
    // The first message is the one that was being sent.
    std::uint8_t ends = peer.lanes()->ends_in_message(peer.out.counts().taken);
    for (;;) {
        if (!newest_only && is_full())
            send(rooms);
        if (!newest_only && is_full())
            break;
        // What there is no memory for stays in the lane, and is lost with it.
        std::unique_ptr<entry> next(new (std::nothrow) entry);
        if (next == nullptr || !peer.out.take_back(next->parts, next->expires, pools_))
            break;
        ++peer.history->requeued;
        next->ends = std::exchange(ends, std::uint8_t{0});
        if (next->parts.empty() || !try_reserve(views_, next->parts.size())) {
            reports_.counters().unsent.add(1);
            continue;
        }
        reports_.counters().requeued.add_alone(1);
        if (newest_only && !all_.empty()) {
            reports_.counters().conflated_sent.add(count_);
            clear();
        }
        bytes_ += bytes_of(next->parts);
        next->held.emplace(pools_.budget.get(), memory_of(next->parts));
        deadlines_ += next->expires != never ? 1 : 0;
        all_.push_back(*next.release());
        ++count_;
    }
    send(rooms);
}

/// There is room for the views.
std::span<const pattern::part_view>
waiting_messages::views_of(const std::vector<message>& parts) noexcept
{
    views_.clear();
    for (const message& part : parts)
        views_.push_back({part.bytes(), message_detail::access::owner_of(part)});
    return views_;
}

void waiting_messages::send(pattern::room_check& rooms)
{
    drop_expired();
    while (!all_.empty() && send_first(rooms)) {
    }
}

/// Returns false if no peer has room.
bool waiting_messages::send_first(pattern::room_check& rooms)
{
    std::span<const pattern::part_view> parts = views_of(all_.front().parts);
    const pattern::routing where = pattern_.route(parts, nullptr, rooms);
    if (where.what != pattern::routing::kind::one)
        return false;
    auto& to = static_cast<pipe&>(*where.to);
    if (to.out.has_latest()) {
        reports_.counters().conflated_sent.add(1); // a newer one waits there
    } else {
        if (!to.out.write(parts, all_.front().expires)) {
            reports_.notify(); // nothing else tells that there is memory again
            return false;
        }
        if (all_.front().expires != never && to.out.has_one_deadline())
            to.far->watch_deadlines();
        if (const std::uint8_t ends = all_.front().ends; ends > 0 && !to.out.conflates())
            to.lanes()->set_ends_in_message(to.out.counts().written, ends);
        to.publish(false);
    }
    remove(all_.front());
    return true;
}

void waiting_messages::remove(entry& which) noexcept
{
    bytes_ -= bytes_of(which.parts);
    deadlines_ -= which.expires != never ? 1 : 0;
    --count_;
    which.unlink();
    delete &which;
}

void waiting_messages::count_expired(std::uint64_t messages) noexcept
{
    if (messages == 0)
        return;
    reports_.counters().expired.add(messages);
    reports_.events().emit(event_kind::dropped, {}, [&](slk::event& made) {
        made.drop = drop_reason::expired;
        made.count = messages;
        return true;
    });
}

void waiting_messages::drop_expired() noexcept
{
    if (deadlines_ == 0)
        return;
    const time_point now = reports_.events().now();
    const std::size_t before = count_;
    all_.for_each([&](entry& each) {
        if (each.expires <= now)
            remove(each);
    });
    count_expired(before - count_);
}

void waiting_messages::clear() noexcept
{
    while (!all_.empty())
        delete &all_.pop_front();
    count_ = deadlines_ = 0;
    bytes_ = 0;
}

std::size_t waiting_messages::give_up() noexcept
{
    drop_expired();
    const std::size_t count = count_;
    reports_.counters().unsent.add(count);
    clear();
    return count;
}

std::uint64_t waiting_messages::drop_stale(queue_policy policy) noexcept
{
    const std::uint64_t kept = kept_of(count_, policy);
    const std::uint64_t dropped = count_ - kept;
    while (count_ > kept)
        remove(all_.front());
    return dropped;
}

std::uint64_t waiting_messages::hand_over(pipe& from, pipe& to)
{
    const std::uint64_t dropped = from.out.drop_waiting(kept_of(UINT64_MAX, to.on_reconnect));
    std::uint8_t ends = from.lanes()->ends_in_message(from.out.counts().taken);
    std::uint64_t expired = 0;
    time_point deadline = never;
    for (std::vector<message> parts; from.out.take_back(parts, deadline, pools_);) {
        ++from.history->requeued;
        const std::uint8_t carried = std::exchange(ends, std::uint8_t{0});
        if (deadline != never && deadline <= reports_.events().now()) {
            ++expired;
            continue;
        }
        if (parts.empty() || !try_reserve(views_, parts.size()) ||
            !to.out.write(views_of(parts), deadline)) {
            reports_.counters().unsent.add(1);
            continue;
        }
        for (const message& part : parts)
            to.bytes_sent += part.size();
        if (deadline != never && to.out.has_one_deadline())
            to.far->watch_deadlines();
        if (carried > 0)
            to.lanes()->set_ends_in_message(to.out.counts().written, carried);
        to.publish(false);
    }
    count_expired(expired);
    return dropped;
}

} // namespace slk::messaging
