// SPDX-License-Identifier: MPL-2.0
#include "messaging/connection/raw_wire.hpp"

#include "base/try_allocate.hpp"
#include "messaging/pipe/frame_reader.hpp"
#include "messaging/pipe/pipe.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace slk::messaging {

// --- sending ---

std::size_t raw_wire_out::gather(std::vector<piece>& pieces, std::uint64_t)
{
    lane::cursor at = sent();
    std::uint64_t left = body_left_;
    std::size_t bytes = 0;
    // Without memory for more pieces those that there is room for are sent.
    while (pieces.size() < max_pieces && bytes < max_bytes && try_reserve_more(pieces)) {
        if (const piece run = at.run(); !run.empty()) {
            if (left == 0) {
                const frame_head head = read_head(run.data());
                at.skip_bytes(head.header);
                left = head.size;
                continue;
            }
            const piece body =
                run.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, run.size())));
            pieces.push_back(body);
            at.skip_bytes(body.size());
            bytes += body.size();
            left -= body.size();
        } else if (const lane::external* const apart = at.here(); apart != nullptr) {
            pieces.emplace_back(apart->data + at.inside(), apart->size - at.inside());
            bytes += pieces.back().size();
            at.skip_external();
            left = 0;
        } else if (at.leave() == nullptr) {
            break;
        }
    }
    return bytes;
}

/// The bytes in the lane are those of the bodies, and the headers before them.
wire_out::progress raw_wire_out::taken(std::size_t bytes, bool look) noexcept
{
    lane::cursor at = sent();
    std::size_t in_lane = 0;
    while (bytes > 0) {
        if (const piece run = at.run(); !run.empty()) {
            if (body_left_ == 0) {
                const frame_head head = read_head(run.data());
                at.skip_bytes(head.header);
                in_lane += head.header;
                body_left_ = head.size;
                continue;
            }
            const auto part =
                static_cast<std::size_t>(std::min<std::uint64_t>({body_left_, run.size(), bytes}));
            at.skip_bytes(part);
            in_lane += part;
            bytes -= part;
            body_left_ -= part;
        } else if (const lane::external* const apart = at.here(); apart != nullptr) {
            const std::size_t part = std::min(bytes, apart->size - at.inside());
            at.skip_inside(part);
            in_lane += part;
            bytes -= part;
            body_left_ -= part;
        } else if (at.leave() == nullptr) {
            break;
        }
    }
    return taken_from_lane(in_lane, look);
}

// --- receiving ---

std::span<std::byte> raw_wire_in::space(std::size_t wanted) noexcept
{
    constexpr std::size_t around = zmtp::long_header + zmtp::short_header;
    const std::span<std::byte> room = lane_wire_in::space(wanted + around);
    if (room.empty())
        return {};
    offered_ = std::min(room.size() - around, max_chunk_);
    return room.subspan(zmtp::long_header, offered_);
}

void raw_wire_in::received(std::size_t bytes) noexcept
{
    std::byte* const frame = lane().rest().data() + window().size();
    const std::size_t header = zmtp::header_size(bytes);
    if (header < zmtp::long_header)
        std::memmove(frame + header, frame + zmtp::long_header, bytes);
    zmtp::write_header(frame, 0, bytes);
    lane_wire_in::received(header + bytes);
    set_filled(bytes == offered_);
}

bool raw_wire_in::connection_ready() noexcept
{
    // For the notice of the end, too.
    if (lane().reserve(2 * zmtp::short_header) == nullptr)
        return false;
    begun_ = true;
    if (notices_)
        (void)publish_notice(); // the reader is told of the peer
    return true;
}

/// What has arrived is whole messages, and is received whatever the marks are.
bool raw_wire_in::end_connection() noexcept
{
    bool notify = false;
    if (std::exchange(begun_, false)) {
        zmtp::message_progress uncounted;
        const auto all = zmtp::scan_messages(window(), zmtp::frame_limits{}, uncounted);
        assert(all.size == window().size());
        notify = take(all);
        if (notices_)
            notify = publish_notice() || notify;
    }
    return lane_wire_in::end_connection() || notify;
}

bool raw_wire_in::publish_notice() noexcept
{
    std::byte* const frame = lane().reserve(zmtp::short_header);
    assert(frame != nullptr);
    zmtp::write_header(frame, 0, 0);
    lane().commit(zmtp::short_header);
    return publish(1);
}

} // namespace slk::messaging
