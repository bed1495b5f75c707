// SPDX-License-Identifier: MPL-2.0
#include "messaging/connection/shared_wire_out.hpp"

#include "base/try_allocate.hpp"
#include "zmtp/frame.hpp"

#include <algorithm>
#include <cassert>

namespace slk::messaging {

namespace {

/// A run may be one short message.
constexpr std::size_t max_runs = 64;

} // namespace

/// The place where this message begins, in the run where the one before it ends; nothing if it is
/// not there.
std::optional<lane::run_queue::cursor>
shared_wire_out::begin_of(std::uint64_t message) const noexcept
{
    lane::run_queue::cursor at = queue_.head();
    std::uint32_t counted = counted_;
    for (std::uint64_t next = lane_.consumed();;) {
        if (next == message)
            return at;
        const lane::run_extent all = at.extent();
        const std::uint32_t left = all.messages > counted ? all.messages - counted : 0;
        if (left > 0 && next + left > message) { // whole frames: there are several messages
            while (next < message) {
                const zmtp::frame_header frame =
                    zmtp::read_header(at.bytes(at.offset(), all.bytes), zmtp::frame_limits{}).frame;
                at.skip(static_cast<std::uint32_t>(frame.header + frame.size));
                next += frame.more ? 0 : 1;
            }
            return at;
        }
        next += left;
        at.set_offset(all.bytes);
        if (next == message && left > 0)
            return at;
        if (!at.leave())
            return std::nullopt;
        counted = 0;
    }
}

std::size_t shared_wire_out::gather(std::vector<piece>& pieces, std::uint64_t before)
{
    lane::run_queue::cursor at = sent_;
    const auto end = before != no_message ? begin_of(before) : std::nullopt;
    std::size_t bytes = 0;
    bool inside = false; // a message that goes on in the next run: a frame is sealed whole
    // Without memory for more pieces those that there is room for are sent.
    while (pieces.size() < max_runs && (bytes < max_bytes || inside) && try_reserve_more(pieces)) {
        lane::run_extent all = at.extent();
        const bool is_last = end && end->same_run(at);
        if (is_last)
            all.bytes = end->offset();
        if (all.bytes > at.offset()) {
            pieces.push_back(at.bytes(at.offset(), all.bytes));
            bytes += pieces.back().size();
            inside = all.messages == 0;
            at.set_offset(all.bytes);
        } else if (is_last) {
            break;
        } else if (!at.leave()) {
            break;
        }
    }
    return bytes;
}

/// Of the run of sent_, which has got this number of messages and bytes by now. What was taken
/// whole is given back, and counted in `whole`.
void shared_wire_out::settle(std::uint32_t end, std::uint32_t messages,
                             std::uint64_t& whole) noexcept
{
    if (messages == 0)
        return; // a part of a message that goes on in the next run
    const bool same = queue_.head().same_run(sent_);
    const std::uint32_t before = same ? counted_ : 0;
    std::uint32_t boundary = sent_.offset();
    std::uint32_t found = messages - before;
    if (sent_.offset() != end) {
        // Its end is that of the run, which need not have frames: it may be a large body.
        if (found == 1)
            return;
        const std::uint32_t begin = same ? queue_.head().offset() : 0;
        zmtp::message_progress uncounted;
        const zmtp::scanned seen = zmtp::scan_messages(sent_.bytes(begin, sent_.offset()),
                                                       zmtp::frame_limits{}, uncounted);
        boundary = begin + static_cast<std::uint32_t>(seen.whole_messages);
        found = static_cast<std::uint32_t>(seen.messages);
    }
    if (found == 0)
        return;
    lane::run_queue::cursor to = sent_;
    to.set_offset(boundary);
    const std::uint64_t left = sent_.offset() - boundary;
    queue_.move_head(to, unsettled_ - left);
    unsettled_ = left;
    counted_ = before + found;
    whole += found;
}

wire_out::progress shared_wire_out::taken(std::size_t bytes, bool look) noexcept
{
    progress made;
    while (bytes > 0) {
        const lane::run_extent all = sent_.extent();
        if (sent_.offset() == all.bytes) {
            if (!sent_.leave())
                break; // there is no more
            continue;
        }
        const auto part =
            static_cast<std::uint32_t>(std::min<std::size_t>(bytes, all.bytes - sent_.offset()));
        sent_.skip(part);
        unsettled_ += part;
        bytes -= part;
        settle(all.bytes, all.messages, made.messages);
    }
    if (made.messages > 0)
        made.notify = lane_.consume(made.messages, look);
    return made;
}

bool shared_wire_out::must_wait() noexcept
{
    assert(unsettled_ == 0); // a message is seen whole, and sent whole before this
    const lane::run_queue::cursor before = queue_.head();
    const bool waits = queue_.consumer_must_wait();
    if (!queue_.head().same_run(before))
        counted_ = 0;
    rewind();
    return waits;
}

wire_out::progress shared_wire_out::drop_message() noexcept
{
    rewind();
    progress made;
    while (made.messages == 0) {
        const lane::run_extent all = sent_.extent();
        if (sent_.offset() == all.bytes) {
            if (!sent_.leave())
                break;
            continue;
        }
        std::size_t size = all.bytes - sent_.offset();
        const std::uint32_t before = queue_.head().same_run(sent_) ? counted_ : 0;
        if (all.messages > before + 1) { // the frame that comes next
            const zmtp::frame_header frame =
                zmtp::read_header(sent_.bytes(sent_.offset(), all.bytes), zmtp::frame_limits{})
                    .frame;
            size = std::min<std::size_t>(size, frame.header + static_cast<std::size_t>(frame.size));
        }
        made = taken(size, true);
    }
    return made;
}

} // namespace slk::messaging
