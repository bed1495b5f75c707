// SPDX-License-Identifier: MPL-2.0
#include "messaging/pipe/pipe_ends.hpp"

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

result<void> pipe_out::write_parts(std::span<const pattern::part_view> parts) noexcept
{
    assert(staged_ == 0);
    for (std::size_t index = 0; index < parts.size(); ++index) {
        const pattern::part_view& part = parts[index];
        if (!write_part(lane_, part.bytes, part.owner, index + 1 < parts.size())) [[unlikely]] {
            if (index > 0)
                lane_.discard_unpublished();
            return fail(no_memory_to_send);
        }
    }
    ++staged_;
    return {};
}

result<void> pipe_out::write_latest(std::span<const pattern::part_view> parts) noexcept
{
    std::vector<message> copies;
    if (!try_resize(copies, parts.size()))
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
    notify_ = latest_->put(std::move(copies)) || notify_;
    ++staged_;
    return {};
}

bool pipe_out::take_back(std::vector<message>& parts, lane::chunk_pools& pools) noexcept
{
    parts.clear();
    if (!lane_.readable() && (latest_ == nullptr || !latest_->move_to(lane_, pools)))
        return false;
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

bool pipe_out::is_flushed() noexcept
{
    lane_.request_notice();
    const message_counts sent = counts();
    return sent.written == sent.replaced + sent.taken;
}

} // namespace slk::messaging
