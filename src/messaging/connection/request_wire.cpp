// SPDX-License-Identifier: MPL-2.0
#include "messaging/connection/request_wire.hpp"

#include "messaging/pipe/pipe.hpp"
#include "pattern/pattern.hpp"
#include "zmtp/command.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace slk::messaging {

// --- sending ---

/// Requests are no messages. A connection of ZMTP 3.0 has those that look like some: of one part,
/// which begins with 0 or 1. An XSUB sends no other messages that look so.
zmtp::scanned request_wire_out::scan_frames(piece run, bool begins) noexcept
{
    zmtp::scanned found;
    for (;;) {
        const piece rest = run.subspan(found.size);
        const zmtp::header_view next = zmtp::read_header(rest, zmtp::frame_limits{});
        const std::uint64_t whole = next.frame.header + next.frame.size;
        if (next.need > 0 || whole > rest.size())
            return found;
        found.size += static_cast<std::size_t>(whole);
        ++found.frames;
        const bool first = std::exchange(begins, !next.frame.more);
        if (next.frame.more)
            continue;
        const piece body =
            rest.subspan(next.frame.header, static_cast<std::size_t>(next.frame.size));
        if (next.frame.command || (first && pattern::is_request(body)))
            waiting_.fetch_sub(whole, std::memory_order_relaxed);
        else
            ++found.messages;
        found.whole_messages = found.size;
    }
}

error request_wire_out::why_torn() const noexcept
{
    switch (torn_.load(std::memory_order_relaxed)) {
    case damage::none: return {};
    case damage::no_memory:
        return {errc::out_of_memory, phase::transfer, 0, "no memory for a subscription"};
    case damage::too_far_behind:
        return {errc::timed_out, phase::transfer, 0, "too many changes of subscriptions wait"};
    }
    return {};
}

void request_wire_out::connection_ready(zmtp::version speaks) noexcept
{
    speaks_ = speaks;
    was_ready_ = true;
    if (!departs_)
        topics_->listen(*this, pools_);
}

void request_wire_out::depart() noexcept
{
    departs_ = true;
    topics_->stop_listening(*this);
}

void request_wire_out::end_connection() noexcept
{
    topics_->stop_listening(*this);
    torn_.store(damage::none, std::memory_order_relaxed);
    rewind();
    if (std::exchange(was_ready_, false))
        (void)taken(SIZE_MAX, false);
    rewind();
}

void request_wire_out::topic_changed(bool subscribed, pattern::topic_view topic,
                                     lane::chunk_pools& pools) noexcept
{
    lane().use(pools);
    const std::size_t size = zmtp::subscription_frame_size(speaks_, subscribed, topic);
    if (torn_.load(std::memory_order_relaxed) != damage::none)
        return;
    if (waiting_.load(std::memory_order_relaxed) >
        topics_->wire_size() + pattern::max_waiting_changes)
        return torn_.store(damage::too_far_behind, std::memory_order_relaxed);
    std::byte* const to = lane().reserve(size);
    if (to == nullptr)
        return torn_.store(damage::no_memory, std::memory_order_relaxed);
    waiting_.fetch_add(size, std::memory_order_relaxed);
    zmtp::writer out(to);
    zmtp::write_subscription_frame(out, speaks_, subscribed, topic);
    lane().commit(size);
}

void request_wire_out::topics_changed() noexcept
{
    if (lane().publish_uncounted() || torn_.load(std::memory_order_relaxed) != damage::none)
        user_->post_readable();
}

// --- receiving ---

void request_wire_in::take_request(bool subscribe, std::span<const std::byte> topic,
                                   std::size_t bytes) noexcept
{
    // Inside a message of several parts it would be taken for one of them.
    if (lane().has_unpublished())
        return drop(bytes);
    std::byte* const to = lane().rest().data() + front_;
    const std::size_t header = zmtp::header_size(1 + topic.size());
    const std::size_t whole = header + 1 + topic.size();
    assert(whole <= bytes);
    // The topic is moved towards the beginning, and before its header is written over what was
    // there.
    if (!topic.empty())
        std::memmove(to + header + 1, topic.data(), topic.size());
    zmtp::write_header(to, 0, 1 + topic.size());
    to[header] = subscribe ? std::byte{1} : std::byte{0};
    front_ += whole;
    gap_ += bytes - whole;
    ++requests_;
}

/// Publishes the requests.
void request_wire_in::settle() noexcept
{
    if (requests_ == 0)
        return;
    drop_behind(front_, std::exchange(gap_, 0));
    const zmtp::scanned all{
        .size = front_, .frames = requests_, .messages = requests_, .whole_messages = front_};
    front_ = requests_ = 0;
    notify_ = lane_wire_in::take(all) || notify_;
}

std::uint64_t request_wire_in::room() noexcept
{
    if (!lane().has_memory() || lane().byte_credit(max_bytes) <= front_)
        return 0;
    return lane().credit(max_messages);
}

std::uint64_t request_wire_in::credit() noexcept
{
    if (const std::uint64_t messages = room(); messages > requests_)
        return messages - requests_;
    settle();
    return room();
}

bool request_wire_in::must_wait() noexcept
{
    return lane().producer_must_wait(max_messages, max_bytes);
}

} // namespace slk::messaging
