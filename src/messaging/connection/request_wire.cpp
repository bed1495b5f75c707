// SPDX-License-Identifier: MPL-2.0
#include "messaging/connection/request_wire.hpp"

#include "base/try_allocate.hpp"
#include "messaging/pipe/pipe.hpp"
#include "zmtp/command.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace slk::messaging {

// --- sending ---

std::size_t request_wire_out::gather(std::vector<piece>& pieces)
{
    lane::cursor at = sent_;
    std::size_t bytes = 0;
    // Without memory for more pieces those that there is room for are sent.
    while (pieces.size() < max_pieces && try_reserve_more(pieces)) {
        if (const piece run = at.run(); !run.empty()) {
            pieces.push_back(run);
            at.skip_bytes(run.size());
            bytes += run.size();
        } else if (at.leave() == nullptr) {
            break;
        }
    }
    return bytes;
}

/// What was taken behind scanned_, in its chunk.
wire_out::piece request_wire_out::sent_run() noexcept
{
    const piece run = scanned_.run();
    if (scanned_.at() != sent_.at())
        return run;
    return run.first(std::min<std::size_t>(run.size(), sent_.bytes() - scanned_.bytes()));
}

wire_out::progress request_wire_out::taken(std::size_t bytes, bool) noexcept
{
    while (bytes > 0) {
        const std::size_t part = std::min(bytes, sent_.run().size());
        if (part == 0 && sent_.leave() == nullptr)
            break; // there is no more
        sent_.skip_bytes(part);
        bytes -= part;
    }
    // A frame lies in one chunk.
    for (piece run = sent_run();; run = sent_run()) {
        if (run.empty()) {
            if (scanned_.at() == sent_.at() || scanned_.leave() == nullptr)
                break;
            continue;
        }
        const zmtp::header_view next = zmtp::read_header(run, zmtp::frame_limits{});
        const std::uint64_t whole = next.frame.header + next.frame.size;
        if (next.need > 0 || whole > run.size())
            break;
        scanned_.skip_bytes(static_cast<std::size_t>(whole));
    }
    lane::cursor& head = lane_.head();
    while (head.at() != scanned_.at()) {
        lane::chunk* const left = head.at();
        head = lane::cursor(left->next);
        lane_.release(*left);
    }
    head = scanned_;
    lane_.update_consumed_bytes();
    return {};
}

void request_wire_out::connection_ready(zmtp::version speaks) noexcept
{
    speaks_ = speaks;
    topics_->listen(*this, pools_);
}

void request_wire_out::end_connection() noexcept
{
    topics_->stop_listening(*this);
    torn_.store(false, std::memory_order_relaxed);
    for (piece run = lane_.head().run();; run = lane_.head().run()) {
        if (run.empty() && !lane_.next_chunk())
            break;
        lane_.head().skip_bytes(run.size());
    }
    lane_.update_consumed_bytes();
    rewind();
}

void request_wire_out::topic_changed(bool subscribed, pattern::topic_view topic,
                                     lane::chunk_pools& pools) noexcept
{
    lane_.use(pools);
    const std::size_t size = zmtp::subscription_frame_size(speaks_, subscribed, topic);
    std::byte* const to = is_torn() ? nullptr : lane_.reserve(size);
    if (to == nullptr) {
        torn_.store(true, std::memory_order_relaxed);
        return;
    }
    zmtp::writer out(to);
    zmtp::write_subscription_frame(out, speaks_, subscribed, topic);
    lane_.commit(size);
}

void request_wire_out::topics_changed() noexcept
{
    if (lane_.publish_uncounted() || is_torn())
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
