// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_PIPE_FRAME_READER_HPP
#define SLK_MESSAGING_PIPE_FRAME_READER_HPP

/// Reads messages out of a lane. For the thread that receives.

#include "base/message_access.hpp"
#include "base/part_sink.hpp"
#include "lane/lane.hpp"
#include "messaging/pipe/frame_writer.hpp"
#include "zmtp/frame.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

namespace slk::messaging {

struct frame_head {
    std::size_t header;
    std::size_t size;
    bool more;
};

/// The header of a frame that a lane holds.
[[nodiscard, gnu::always_inline]] inline frame_head read_head(const std::byte* begin) noexcept
{
    const auto flags = std::to_integer<std::uint8_t>(begin[0]);
    const bool more = (flags & zmtp::flag_more) != 0;
    if ((flags & zmtp::flag_long) == 0) [[likely]]
        return {zmtp::short_header, std::to_integer<std::size_t>(begin[1]), more};
    return {zmtp::long_header, static_cast<std::size_t>(zmtp::load<std::uint64_t>(begin + 1)),
            more};
}

/// Where a part is read to without becoming a message: as much of it as fits is copied.
class part_copy {
public:
    explicit part_copy(std::span<std::byte> space) noexcept : space_(space) {}

    void take(std::span<const std::byte> body, bool more) noexcept
    {
        size_ = body.size();
        more_ = more;
        if (const std::size_t fits = std::min(size_, space_.size()); fits > 0)
            std::memcpy(space_.data(), body.data(), fits);
    }
    void take(const message& whole) noexcept { take(whole.bytes(), whole.more()); }
    [[nodiscard]] std::size_t size() const noexcept { return size_; } ///< of the whole part
    [[nodiscard]] bool more() const noexcept { return more_; }

private:
    std::span<std::byte> space_;
    std::size_t size_ = 0;
    bool more_ = false;
};

// What is done with a body in a chunk, and with one whose memory is handed over.

inline void take_body(message& into, std::span<const std::byte> body, bool more,
                      lane::chunk& in) noexcept
{
    if (body.size() <= message::inline_capacity) {
        message_detail::access::copy(into, body);
    } else {
        in.retain();
        message_detail::access::view(into, body.data(), body.size(), &in, false);
    }
    message_detail::access::set_more(into, more);
}
inline void take_body(message& into, std::span<const std::byte> body, bool more,
                      message_detail::shared_memory* owner) noexcept
{
    message_detail::access::view(into, body.data(), body.size(), owner, false);
    message_detail::access::set_more(into, more);
}
inline void take_body(message_detail::part_sink& into, std::span<const std::byte> body, bool more,
                      lane::chunk& in) noexcept
{
    if (body.size() <= message::inline_capacity)
        return into.take(body, more, nullptr);
    in.retain();
    into.take(body, more, &in);
}
inline void take_body(message_detail::part_sink& into, std::span<const std::byte> body, bool more,
                      message_detail::shared_memory* owner) noexcept
{
    into.take(body, more, owner);
}
inline void take_body(part_copy& into, std::span<const std::byte> body, bool more,
                      const lane::chunk&) noexcept
{
    into.take(body, more);
}
inline void take_body(part_copy& into, std::span<const std::byte> body, bool more,
                      message_detail::shared_memory* owner) noexcept
{
    into.take(body, more);
    owner->release();
}

/// Reads the next part into an empty message, a part_copy or a part_sink. Returns false if there is
/// none now. The writer of a lane has checked what it put there, and put no commands there.
template <class Part>
[[nodiscard, gnu::always_inline]] inline bool read_part(lane::lane& from, Part& into) noexcept
{
    lane::cursor& at = from.head();
    for (;;) {
        const std::span<const std::byte> run = at.run();
        if (run.empty()) {
            if (!from.next_chunk())
                return false;
            continue;
        }
        const frame_head head = read_head(run.data());
        at.skip_bytes(head.header);
        if (lane::external* const apart = head.header < run.size() ? nullptr : at.here();
            apart != nullptr) {
            const std::span<const std::byte> body(apart->data, apart->size);
            take_body(into, body, head.more, from.take_body(*apart));
            at.skip_external();
        } else {
            take_body(into, {run.data() + head.header, head.size}, head.more, *at.at());
            at.skip_bytes(head.size);
        }
        return true;
    }
}

/// The body of the next part, which stays in the lane. Returns false if there is none now.
[[nodiscard]] inline bool peek_part(lane::lane& from, std::span<const std::byte>& body) noexcept
{
    for (;;) {
        const std::span<const std::byte> run = from.head().run();
        if (run.empty()) {
            if (!from.next_chunk())
                return false;
            continue;
        }
        const frame_head head = read_head(run.data());
        lane::cursor behind = from.head();
        behind.skip_bytes(head.header);
        const lane::external* const apart = head.header < run.size() ? nullptr : behind.here();
        body = apart != nullptr ? std::span(apart->data, apart->size)
                                : run.subspan(head.header, head.size);
        return true;
    }
}

/// Whole messages in one piece of memory.
struct frame_run {
    std::span<const std::byte> bytes{};
    std::size_t bodies = 0; ///< bytes of their parts
    std::uint64_t messages = 0;
};

/// The whole messages at the beginning of a run of frames, at most `max`, and those that fit into
/// `room` bytes, but one in any case. They end before a message that has a part which is worth
/// sharing, or which is not all in the run.
[[nodiscard]] inline frame_run whole_messages(std::span<const std::byte> run, std::uint64_t max,
                                              std::size_t room) noexcept
{
    constexpr std::size_t max_copied = lane::lane::max_reserve / 2;
    frame_run found;
    std::size_t at = 0, bodies = 0;
    while (at < run.size() && found.messages < max) {
        const frame_head head = read_head(run.data() + at);
        if (head.size >= worth_sharing || head.header + head.size > run.size() - at)
            break;
        at += head.header + head.size;
        bodies += head.size;
        if (at > (found.messages > 0 ? std::min(room, max_copied) : max_copied))
            break;
        if (!head.more)
            found = {run.first(at), bodies, found.messages + 1};
    }
    return found;
}

struct parts_read {
    std::size_t parts = 0;
    std::size_t messages = 0; ///< that end with one of these parts
    std::size_t discarded = 0; ///< messages that were not wanted
};

/// Every message is wanted.
struct want_all {};

/// Messages that are not wanted, and are discarded at a time: a call has to keep its time limit.
inline constexpr std::size_t max_discards = 4096;

/// Adds the next parts to a batch, at most `max`, without those of messages whose first part
/// `wants` is not true for. `first`: the next part begins a message.
template <class Wants = want_all>
parts_read read_parts(lane::lane& from, received_batch& into, std::size_t max,
                      const Wants& wants = {}, bool first = true)
{
    constexpr bool filters = !std::is_same_v<Wants, want_all>;
    lane::cursor& at = from.head();
    parts_read found;
    bool discards = false;
    // Whether the part is to be added.
    const auto is_wanted = [&](std::span<const std::byte> body, bool more) {
        if constexpr (filters) {
            if (std::exchange(first, !more))
                discards = !wants(body);
            if (!discards)
                return true;
            found.discarded += more ? 0 : 1;
            discards = more;
            return false;
        }
        return true;
    };
    while ((found.parts < max && found.discarded < max_discards) || discards) {
        std::span<const std::byte> run = at.run();
        if (run.empty()) {
            if (!from.next_chunk())
                break;
            continue;
        }
        // All frames of the run but one whose body is not in it.
        const std::size_t run_size = run.size();
        while (((found.parts < max && found.discarded < max_discards) || discards) &&
               !run.empty()) {
            const frame_head head = read_head(run.data());
            if (head.header + head.size > run.size())
                break;
            const std::span<const std::byte> body = run.subspan(head.header, head.size);
            run = run.subspan(head.header + head.size);
            if (!is_wanted(body, head.more))
                continue;
            message_detail::access::add(into, body, head.more, *at.at());
            ++found.parts;
            found.messages += head.more ? 0 : 1;
        }
        at.skip_bytes(run_size - run.size());
        if (((found.parts == max || found.discarded == max_discards) && !discards) || run.empty())
            continue;
        const frame_head head = read_head(run.data());
        at.skip_bytes(head.header);
        lane::external& body = *at.here();
        message_detail::shared_memory* const owner = from.take_body(body);
        at.skip_external();
        if (!is_wanted({body.data, body.size}, head.more)) {
            owner->release();
            continue;
        }
        message_detail::access::add_owned(into, {body.data, body.size}, head.more, owner);
        ++found.parts;
        found.messages += head.more ? 0 : 1;
    }
    return found;
}

} // namespace slk::messaging

#endif
