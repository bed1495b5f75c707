// SPDX-License-Identifier: MPL-2.0
#include "messaging/latest_slot.hpp"

#include "messaging/frame_reader.hpp"
#include "messaging/frame_writer.hpp"

#include <utility>

namespace slk::messaging {

void newest_message::begin_behind(std::uint64_t messages) noexcept
{
    const std::lock_guard lock(guard_);
    put_ += messages;
}

bool newest_message::put(std::vector<message> whole, std::uint64_t messages) noexcept
{
    const std::lock_guard lock(guard_);
    put_ += messages;
    replaced_ += parts_.empty() ? messages - 1 : messages;
    // What is replaced ends with the caller's argument, when the lock is free again.
    parts_.swap(whole);
    return std::exchange(sleeping_, false);
}

bool newest_message::move_to(lane::lane& into, lane::chunk_pools& pools) noexcept
{
    std::vector<message> whole;
    {
        const std::lock_guard lock(guard_);
        whole.swap(parts_);
    }
    if (whole.empty())
        return false;
    // Whoever puts may have written to this lane before he put something here, and does not any
    // more.
    into.use(pools);
    for (std::size_t index = 0; index < whole.size(); ++index) {
        const message& part = whole[index];
        if (write_part(into, part.bytes(), message_detail::access::owner_of(part),
                       index + 1 < whole.size()))
            continue;
        into.abandon();
        const std::lock_guard lock(guard_);
        ++replaced_;
        return false;
    }
    (void)into.publish(1);
    return true;
}

void newest_message::drop_older(lane::lane& moved_to) noexcept
{
    const std::lock_guard lock(guard_);
    if (parts_.empty())
        return;
    std::uint64_t messages = 0;
    for (message part; read_part(moved_to, part); part.clear())
        messages += part.more() ? 0 : 1;
    (void)moved_to.consume(messages, false);
    replaced_ += messages;
    dropped_ += messages;
}

bool newest_message::is_there() noexcept
{
    const std::lock_guard lock(guard_);
    return !parts_.empty();
}

bool newest_message::sleeps() noexcept
{
    const std::lock_guard lock(guard_);
    sleeping_ = parts_.empty();
    return sleeping_;
}

newest_message::counts newest_message::count(const lane::lane& moved_to) noexcept
{
    const std::lock_guard lock(guard_);
    return {put_, replaced_, moved_to.consumed_by_now() - dropped_};
}

} // namespace slk::messaging
