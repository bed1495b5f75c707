// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_FRAME_READER_HPP
#define SLK_MESSAGING_FRAME_READER_HPP

/// Messages out of a lane. By the thread that receives.

#include "base/message_access.hpp"
#include "lane/lane.hpp"
#include "zmtp/frame.hpp"

#include <utility>

namespace slk::messaging {

/// The next part into an empty message. False if there is none now. What is in a lane was scanned
/// by whoever put it there, and can be trusted; there are no commands in it.
[[nodiscard]] inline bool read_part(lane::lane& from, message& into) noexcept
{
    lane::cursor& at = from.head();
    for (;;) {
        const std::span<const std::byte> run = at.run();
        if (run.empty()) {
            if (!from.next_chunk())
                return false;
            continue;
        }
        const std::byte* const begin = run.data();
        const auto flags = std::to_integer<std::uint8_t>(begin[0]);
        std::size_t size = std::to_integer<std::size_t>(begin[1]);
        std::size_t header = zmtp::short_header;
        if ((flags & zmtp::flag_long) != 0) {
            size = static_cast<std::size_t>(zmtp::load<std::uint64_t>(begin + 1));
            header = zmtp::long_header;
        }
        at.skip_bytes(header);
        if (lane::external* const body = header < run.size() ? nullptr : at.here();
            body != nullptr) {
            message_detail::access::view(into, body->data, body->size,
                                         std::exchange(body->owner, nullptr), false);
            at.skip_external();
        } else if (size <= message::inline_capacity) {
            message_detail::access::copy(into, {begin + header, size});
            at.skip_bytes(size);
        } else {
            at.at()->retain();
            message_detail::access::view(into, begin + header, size, at.at(), false);
            at.skip_bytes(size);
        }
        message_detail::access::set_more(into, (flags & zmtp::flag_more) != 0);
        return true;
    }
}

} // namespace slk::messaging

#endif
