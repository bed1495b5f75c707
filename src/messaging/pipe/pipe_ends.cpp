// SPDX-License-Identifier: MPL-2.0
#include "messaging/pipe/pipe_ends.hpp"

#include "base/message_access.hpp"
#include "base/try_allocate.hpp"
#include "messaging/pipe/pipe.hpp"

#include <new>

namespace slk::messaging {

reference<pipe_lanes> pipe_lanes::create(lane::chunk_pools& pools, bool conflates, bool shares,
                                         lane_set conflated)
{
    auto lanes = reference<pipe_lanes>::adopt(new (std::nothrow) pipe_lanes);
    // A lane that only counts needs no memory.
    if (!lanes || !(shares || lanes->toward[0].open(pools)) || !lanes->toward[1].open(pools))
        return {};
    lanes->conflated = conflated;
    if (conflates) {
        lanes->latest.reset(new (std::nothrow) latest_slots(pools.budget));
        if (lanes->latest == nullptr || !lanes->latest->received.open(pools))
            return {};
    }
    if (shares) {
        lanes->shared.reset(new (std::nothrow) lane::run_queue);
        if (lanes->shared == nullptr)
            return {};
    }
    return lanes;
}

void pipe_out::conflate(latest_slot& slot) noexcept
{
    slot.begin_after(lane_.produced());
    latest_ = &slot;
}

result<void> pipe_out::write_parts(std::span<const pattern::part_view> parts,
                                   time_point expires) noexcept
{
    assert(staged_ == 0 || parts.size() == 1);
    if (expires != never && !add_deadline(expires))
        return fail(no_memory_to_send);
    for (std::size_t index = 0; index < parts.size(); ++index) {
        const pattern::part_view& part = parts[index];
        if (!write_part(lane_, part.bytes, part.owner, index + 1 < parts.size())) [[unlikely]] {
            if (index > 0)
                lane_.discard_unpublished();
            if (expires != never)
                take_deadline_back();
            return fail(no_memory_to_send);
        }
    }
    ++staged_;
    return {};
}

result<void> pipe_out::write_latest(std::span<const pattern::part_view> parts,
                                    time_point expires) noexcept
{
    std::vector<message> copies;
    if (!try_resize(copies, parts.size()) || (expires != never && !lane_.make_deadlines()))
        return fail(no_memory_to_send);
    for (std::size_t index = 0; index < parts.size(); ++index) {
        const pattern::part_view& part = parts[index];
        if (part.owner == nullptr) {
            SLK_TRY(copies[index], message::copy_of(part.bytes));
            continue;
        }
        part.owner->retain();
        message_detail::access::view(copies[index], part.bytes.data(), part.bytes.size(),
                                     part.owner, false);
    }
    notify_ = latest_->put(std::move(copies), 1, expires) || notify_;
    ++staged_;
    return {};
}

bool pipe_out::take_back(std::vector<message>& parts, time_point& expires,
                         lane::chunk_pools& pools) noexcept
{
    parts.clear();
    if (!lane_.readable() && (latest_ == nullptr || !latest_->move_to(lane_, pools)))
        return false;
    expires = next_deadline();
    bool fits = true;
    for (message part; read_part(lane_, part); part = {}) {
        const bool more = part.more();
        fits = fits && try_push_back(parts, std::move(part));
        if (!more)
            break;
    }
    if (!fits)
        parts.clear();
    lane_.update_consumed_bytes();
    (void)lane_.consume(1, false);
    return true;
}

namespace {

/// The messages that the reader of a lane has before it.
std::uint64_t waiting_in(const lane::lane& lane, latest_slot* latest) noexcept
{
    if (latest == nullptr)
        return lane.produced() - lane.consumed();
    const message_counts all = latest->counts(lane);
    return all.written - all.replaced - all.taken;
}

/// By the reader: drops the first ones until this number is left. Returns how many were dropped.
std::uint64_t drop_until_left(lane::lane& lane, latest_slot* latest, std::uint64_t left,
                              bool has_requests) noexcept
{
    std::uint64_t dropped = 0;
    // What comes meanwhile stays.
    const std::uint64_t before = waiting_in(lane, latest);
    const std::uint64_t wanted = before - std::min(left, before);
    while (dropped < wanted && waiting_in(lane, latest) > left) {
        message part;
        if (!read_part(lane, part)) {
            if (latest == nullptr || !latest->discard(lane))
                break; // the writer has counted it, and publishes it next
            ++dropped;
            continue;
        }
        const bool counts = !has_requests || part.more() || !pattern::is_request(part.bytes());
        while (part.more()) {
            part.clear();
            (void)read_part(lane, part);
        }
        (void)lane.consume(counts ? 1 : 0, false);
        dropped += counts ? 1 : 0;
    }
    lane.update_consumed_bytes();
    lane.count_lapsed(dropped);
    return dropped;
}

} // namespace

std::uint64_t pipe_out::drop_waiting(std::uint64_t kept) noexcept
{
    return drop_until_left(lane_, latest_, kept, false);
}

std::uint64_t pipe_in::drop_waiting(std::uint64_t kept, bool has_requests) noexcept
{
    return drop_until_left(*lane_, latest_, kept, has_requests);
}

std::uint64_t pipe_in::drop_expired(time_point now, bool& notify) noexcept
{
    std::uint64_t dropped = 0;
    while (lane_->deadlines()->passed(lane_->consumed(), 0, now) == lane_->consumed()) {
        message part;
        if (!read(part))
            break; // the writer publishes it next
        while (part.more()) {
            part.clear();
            (void)read(part);
        }
        lane_->update_consumed_bytes();
        notify = lane_->consume(1, true) || notify;
        ++dropped;
    }
    lane_->count_lapsed(dropped);
    return dropped;
}

std::uint64_t pipe_in::move_to(lane::lane& into, lane::chunk_pools& pools) noexcept
{
    std::uint64_t moved = 0, lost = 0;
    bool fits = true;
    do
        for (message part; read(part); part = {}) {
            fits = fits && write_part(into, part.bytes(), message_detail::access::owner_of(part),
                                      part.more());
            if (part.more())
                continue;
            (fits ? moved : lost) += 1;
            if (fits)
                (void)into.publish(1);
            else
                into.discard_unpublished();
            fits = true;
        }
    while (fetch(pools));
    lane_->update_consumed_bytes();
    (void)lane_->consume(moved + lost, false);
    lane_ = &into;
    latest_ = nullptr;
    return lost;
}

bool pipe_out::is_flushed() noexcept
{
    lane_.request_notice();
    const message_counts sent = counts();
    return sent.written == sent.replaced + sent.taken;
}

} // namespace slk::messaging
