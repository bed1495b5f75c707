// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_PIPE_FRAME_WRITER_HPP
#define SLK_MESSAGING_PIPE_FRAME_WRITER_HPP

/// Writes messages into a lane as ZMTP frames, which is what goes on the wire. For the thread that
/// sends.

#include "base/message_access.hpp"
#include "lane/lane.hpp"
#include "zmtp/frame.hpp"

#include <cstring>

namespace slk::messaging {

/// A body of at least this size whose memory can be shared is referred to instead of copied into
/// the lane's chunks.
inline constexpr std::size_t worth_sharing = 8192;
/// A body of at least this size has memory of its own, on either side.
inline constexpr std::size_t large_body = 32768;

/// Returns false when memory is exhausted; then nothing was written. The part is not published yet.
[[nodiscard]] inline bool write_part(lane::lane& into, std::span<const std::byte> body,
                                     message_detail::shared_memory* owner, bool more) noexcept
{
    const std::uint8_t flags = more ? zmtp::flag_more : std::uint8_t{0};
    const std::size_t header = zmtp::header_size(body.size());
    if (body.size() < (owner != nullptr ? worth_sharing : large_body)) [[likely]] {
        std::byte* const to = into.reserve(header + body.size());
        if (to == nullptr)
            return false;
        zmtp::write_header(to, flags, body.size());
        if (!body.empty())
            std::memcpy(to + header, body.data(), body.size());
        into.commit(header + body.size());
        return true;
    }
    std::byte* const to = into.reserve(header, true);
    if (to == nullptr)
        return false;
    const std::byte* data = body.data();
    if (owner != nullptr) {
        owner->retain();
    } else {
        auto* const copy = message_detail::owned_memory::create(body.size());
        if (copy == nullptr)
            return false;
        std::memcpy(copy->bytes(), body.data(), body.size());
        data = copy->bytes();
        owner = copy;
    }
    zmtp::write_header(to, flags, body.size());
    into.commit(header);
    into.splice(data, body.size(), owner);
    return true;
}

} // namespace slk::messaging

#endif
