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
        found.messages += next.frame.command || (first && pattern::is_request(body)) ? 0 : 1;
        found.whole_messages = found.size;
    }
}

void request_wire_out::connection_ready(zmtp::version speaks) noexcept
{
    speaks_ = speaks;
    was_ready_ = true;
    topics_->listen(*this, pools_);
}

void request_wire_out::end_connection() noexcept
{
    topics_->stop_listening(*this);
    torn_.store(false, std::memory_order_relaxed);
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
    std::byte* const to = is_torn() ? nullptr : lane().reserve(size);
    if (to == nullptr) {
        torn_.store(true, std::memory_order_relaxed);
        return;
    }
    zmtp::writer out(to);
    zmtp::write_subscription_frame(out, speaks_, subscribed, topic);
    lane().commit(size);
}

void request_wire_out::topics_changed() noexcept
{
    if (lane().publish_uncounted() || is_torn())
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
