// SPDX-License-Identifier: MPL-2.0
#include "messaging/connection/lane_wire_out.hpp"

#include "base/try_allocate.hpp"

#include <algorithm>

namespace slk::messaging {

/// The place where this message begins, or the end of what is there.
lane::cursor lane_wire_out::begin_of(std::uint64_t message) const noexcept
{
    lane::cursor at = lane_.head();
    for (std::uint64_t next = lane_.consumed(); next < message;) {
        const piece run = at.run();
        if (run.empty()) {
            if (at.leave() == nullptr)
                break;
            continue;
        }
        const zmtp::frame_header frame = zmtp::read_header(run, zmtp::frame_limits{}).frame;
        at.skip_bytes(frame.header);
        if (frame.header < run.size() || at.here() == nullptr)
            at.skip_bytes(static_cast<std::size_t>(frame.size));
        else
            at.skip_external();
        next += frame.more ? 0 : 1;
    }
    return at;
}

std::size_t lane_wire_out::gather(std::vector<piece>& pieces, std::uint64_t before)
{
    lane::cursor at = sent_;
    const lane::cursor end = before != no_message ? begin_of(before) : lane::cursor();
    std::size_t bytes = 0;
    // Without memory for more pieces those that there is room for are sent.
    while (pieces.size() < max_pieces && bytes < max_bytes && try_reserve_more(pieces) &&
           !at.same_place(end)) {
        if (piece run = at.run(); !run.empty()) {
            if (at.at() == end.at() && at.externals() == end.externals())
                run = run.first(std::min<std::size_t>(run.size(), end.bytes() - at.bytes()));
            pieces.push_back(run);
            at.skip_bytes(run.size());
            bytes += run.size();
        } else if (const lane::external* const body = at.here(); body != nullptr) {
            const piece left{body->data + at.inside(), body->size - at.inside()};
            pieces.push_back(left);
            at.skip_external();
            bytes += left.size();
        } else if (at.leave() == nullptr) {
            break;
        }
    }
    return bytes;
}

void lane_wire_out::advance(std::size_t bytes) noexcept
{
    while (bytes > 0) {
        if (const piece run = sent_.run(); !run.empty()) {
            const std::size_t part = std::min(bytes, run.size());
            sent_.skip_bytes(part);
            bytes -= part;
        } else if (const lane::external* const body = sent_.here(); body != nullptr) {
            const std::size_t part = std::min(bytes, body->size - sent_.inside());
            sent_.skip_inside(part);
            bytes -= part;
        } else if (sent_.leave() == nullptr) {
            return; // there is no more
        }
    }
}

wire_out::progress lane_wire_out::taken_from_lane(std::size_t bytes, bool look) noexcept
{
    advance(bytes);
    progress made;
    while (scan(made.messages)) {
    }
    inside_frame_ = !scanned_.same_place(sent_);
    lane_.update_consumed_bytes();
    if (made.messages > 0)
        made.notify = lane_.consume(made.messages, look);
    return made;
}

wire_out::progress lane_wire_out::drop_message() noexcept
{
    rewind();
    progress made;
    while (made.messages == 0) {
        const piece run = sent_.run();
        if (run.empty()) {
            if (sent_.leave() == nullptr)
                break;
            scanned_ = sent_;
            continue;
        }
        const zmtp::frame_header frame = zmtp::read_header(run, zmtp::frame_limits{}).frame;
        made = taken_from_lane(frame.header + static_cast<std::size_t>(frame.size), true);
    }
    return made;
}

zmtp::scanned lane_wire_out::scan_frames(piece run, bool) noexcept
{
    zmtp::message_progress uncounted;
    return zmtp::scan_messages(run, zmtp::frame_limits{}, uncounted);
}

/// Goes over frames that were taken whole: in one run of bytes, or one with a body behind it.
bool lane_wire_out::scan(std::uint64_t& messages) noexcept
{
    const bool same_chunk = scanned_.at() == sent_.at();
    if (scanned_.same_place(sent_))
        return false;
    piece run = scanned_.run();
    if (same_chunk && sent_.bytes() - scanned_.bytes() < run.size())
        run = run.first(sent_.bytes() - scanned_.bytes());
    if (run.empty()) // a body never comes first here: it is taken with its header
        return scanned_.leave() != nullptr;

    if (const zmtp::scanned found = scan_frames(run, !inside_message_); found.size > 0) {
        inside_message_ = found.size > found.whole_messages;
        messages += found.messages;
        if (found.whole_messages > 0) {
            scanned_.skip_bytes(found.whole_messages);
            release_scanned();
        }
        scanned_.skip_bytes(found.size - found.whole_messages);
        return true;
    }
    // A frame whose body is not in the chunk, or one that was taken in part.
    const zmtp::header_view header = zmtp::read_header(run, zmtp::frame_limits{});
    if (header.need > 0 || header.frame.header != run.size())
        return false;
    lane::cursor behind = scanned_;
    behind.skip_bytes(header.frame.header);
    (void)behind.run();
    if (behind.here() == nullptr || (same_chunk && sent_.externals() <= behind.externals()))
        return false;
    behind.skip_external();
    scanned_ = behind;
    inside_message_ = header.frame.more;
    if (!header.frame.more) {
        ++messages;
        release_scanned();
    }
    return true;
}

/// Gives back the memory before the place that was scanned.
void lane_wire_out::release_scanned() noexcept
{
    lane::cursor& head = lane_.head();
    while (head.at() != scanned_.at()) {
        lane::chunk* const left = head.at();
        head = lane::cursor(left->next);
        lane_.release(*left);
    }
    for (std::uint32_t index = head.externals(); index < scanned_.externals(); ++index)
        if (lane::external& body = head.at()->at(index); body.owner != nullptr)
            lane_.take_body(body)->release();
    head = scanned_;
}

} // namespace slk::messaging
