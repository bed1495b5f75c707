// SPDX-License-Identifier: MPL-2.0
#include "messaging/pipe/latest_slot.hpp"

#include "messaging/pipe/frame_reader.hpp"
#include "messaging/pipe/frame_writer.hpp"
#include "messaging/pipe/pipe.hpp"

#include <utility>

namespace slk::messaging {

std::uint64_t memory_of(const std::vector<message>& parts) noexcept
{
    std::uint64_t bytes = parts.capacity() * sizeof(message);
    for (const message& each : parts)
        bytes += message_detail::access::owner_of(each) != nullptr ? each.size() : 0;
    return bytes;
}

void latest_slot::begin_after(std::uint64_t messages) noexcept
{
    const std::lock_guard lock(guard_);
    written_ += messages;
}

/// The lock is held.
void latest_slot::replace(std::uint64_t messages) noexcept
{
    replaced_ += messages;
    if (total_ != nullptr)
        total_->add(messages);
}

/// The lock is held, except at the end.
std::vector<message> latest_slot::take_parts() noexcept
{
    if (const std::uint64_t bytes = std::exchange(memory_, 0); bytes > 0)
        budget_->remove(bytes);
    return std::exchange(parts_, {});
}

bool latest_slot::put(std::vector<message> parts, std::uint64_t messages,
                      time_point expires) noexcept
{
    const std::uint64_t bytes = budget_ != nullptr ? memory_of(parts) : 0;
    std::vector<message> older_parts; // ends after the lock
    const std::lock_guard lock(guard_);
    written_ += messages;
    if (const std::uint64_t older = parts_.empty() ? messages - 1 : messages; older > 0)
        replace(older);
    older_parts = take_parts();
    parts_ = std::move(parts);
    expires_ = expires;
    memory_ = bytes;
    if (bytes > 0)
        (void)budget_->add(bytes);
    return std::exchange(reader_waits_, false);
}

void latest_slot::skip(std::uint64_t messages) noexcept
{
    const std::lock_guard lock(guard_);
    written_ += messages;
    replace(messages);
}

bool latest_slot::move_to(lane::lane& into, lane::chunk_pools& pools) noexcept
{
    std::vector<message> parts;
    time_point expires = never;
    {
        const std::lock_guard lock(guard_);
        parts = take_parts();
        expires = expires_;
    }
    if (parts.empty())
        return false;
    // Until its first put() the writer used this lane itself, with its own pools.
    into.use(pools);
    bool fits = expires == never || into.add_deadline(into.produced(), expires);
    for (std::size_t index = 0; index < parts.size(); ++index) {
        const message& part = parts[index];
        fits = fits && write_part(into, part.bytes(), message_detail::access::owner_of(part),
                                  index + 1 < parts.size());
        if (fits)
            continue;
        into.discard_unpublished();
        const std::lock_guard lock(guard_);
        replace(1);
        return false;
    }
    (void)into.publish(1);
    return true;
}

bool latest_slot::discard(lane::lane& moved_to) noexcept
{
    std::vector<message> parts; // ends after the lock
    const std::lock_guard lock(guard_);
    parts = take_parts();
    if (parts.empty())
        return false;
    moved_to.bypass();
    return true;
}

void latest_slot::drop_older(lane::lane& moved_to) noexcept
{
    const std::lock_guard lock(guard_);
    if (parts_.empty())
        return;
    std::uint64_t messages = 0;
    for (message part; read_part(moved_to, part); part.clear())
        messages += part.more() ? 0 : 1;
    (void)moved_to.consume(messages, false);
    if (messages > 0)
        replace(messages);
    dropped_ += messages;
}

bool latest_slot::has_message() noexcept
{
    const std::lock_guard lock(guard_);
    return !parts_.empty();
}

bool latest_slot::reader_must_wait() noexcept
{
    const std::lock_guard lock(guard_);
    reader_waits_ = parts_.empty();
    return reader_waits_;
}

message_counts latest_slot::counts(const lane::lane& moved_to) noexcept
{
    const std::lock_guard lock(guard_);
    return {written_, replaced_, moved_to.consumed_by_now() - dropped_};
}

} // namespace slk::messaging
