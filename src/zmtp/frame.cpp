// SPDX-License-Identifier: MPL-2.0
#include "zmtp/frame.hpp"

#include <algorithm>
#include <cstring>

namespace slk::zmtp {

namespace {

/// Why a message frame is not accepted. The texts are those of socket options.
error check_message_frame(std::uint64_t size, const frame_limits& limits,
                          const message_progress& begun) noexcept
{
    const auto too_large = [](const char* detail) {
        return error{errc::message_too_large, phase::transfer, 0, detail};
    };
    if (size > limits.part)
        return too_large("a part is larger than max_part_size");
    if (begun.parts >= limits.parts)
        return too_large("a message has more parts than max_message_parts");
    if (size > limits.message - begun.bytes)
        return too_large("a message is larger than max_message_size");
    return {};
}

} // namespace

header_view read_header(byte_view stream, const frame_limits& limits,
                        const message_progress& begun) noexcept
{
    header_view seen;
    if (stream.size() < short_header) {
        seen.need = short_header - stream.size();
        return seen;
    }
    const auto flags = std::to_integer<std::uint8_t>(stream[0]);
    // Bits 3 to 7, and MORE of a command, are ignored, as libzmq does.
    seen.frame.command = (flags & flag_command) != 0;
    seen.frame.more = (flags & flag_more) != 0 && !seen.frame.command;
    if ((flags & flag_long) == 0) {
        seen.frame.header = short_header;
        seen.frame.size = std::to_integer<std::uint64_t>(stream[1]);
    } else if (stream.size() < long_header) {
        seen.need = long_header - stream.size();
        return seen;
    } else {
        // A receiver accepts the long form for small sizes too.
        seen.frame.header = long_header;
        seen.frame.size = load<std::uint64_t>(stream.data() + 1);
    }
    if (seen.frame.size > max_size)
        seen.failure = {errc::protocol_error, phase::transfer, 0, "a frame of 2^63 bytes or more"};
    else if (seen.frame.command && seen.frame.size > limits.command)
        seen.failure = {errc::message_too_large, phase::transfer, 0,
                        "a command is larger than the limit"};
    else if (!seen.frame.command)
        seen.failure = check_message_frame(seen.frame.size, limits, begun);
    return seen;
}

scanned scan_messages(byte_view run, const frame_limits& limits, message_progress& begun,
                      std::uint64_t max_messages) noexcept
{
    message_progress message = begun;
    // The largest body that the next frame may have.
    std::uint64_t room = std::min(limits.part, limits.message - message.bytes);
    const std::byte* const begin = run.data();
    const std::byte* const end = begin + run.size();
    const std::byte* at = begin;
    const std::byte* boundary = begin;
    std::size_t frames = 0;
    std::size_t messages = 0;
    while (static_cast<std::size_t>(end - at) >= short_header && messages < max_messages) {
        const auto flags = std::to_integer<unsigned>(at[0]);
        std::uint64_t size = std::to_integer<std::uint64_t>(at[1]);
        std::size_t header = short_header;
        if ((flags & (flag_command | flag_long)) != 0) [[unlikely]] {
            if ((flags & flag_command) != 0 || static_cast<std::size_t>(end - at) < long_header)
                break;
            size = load<std::uint64_t>(at + 1);
            header = long_header;
        }
        // Compared with the bytes that are left, because adding a size from the wire could
        // overflow.
        if (size > static_cast<std::size_t>(end - at) - header || size > room)
            break;
        const bool last = (flags & flag_more) == 0;
        // Most streams have many messages of one size in a row. The place of the next header is
        // known there before this one was loaded: a processor that guesses the outcome of the
        // comparison does not wait for memory.
        if (flags == 0 && message.parts == 0) [[likely]] {
            const std::size_t whole = header + static_cast<std::size_t>(size);
            const std::byte* const like = at;
            do {
                at += whole;
                ++frames;
                ++messages;
            } while (static_cast<std::size_t>(end - at) >= whole && messages < max_messages &&
                     std::memcmp(at, like, short_header) == 0);
            boundary = at;
            continue;
        }
        // A message of one part needs no counting.
        if (!last || message.parts > 0) [[unlikely]] {
            if (message.parts >= limits.parts)
                break;
            message.add(size, !last);
            room = std::min(limits.part, limits.message - message.bytes);
        }
        at += header + static_cast<std::size_t>(size);
        ++frames;
        messages += last ? 1 : 0;
        boundary = last ? at : boundary;
    }
    begun = message;
    return {static_cast<std::size_t>(at - begin), frames, messages,
            static_cast<std::size_t>(boundary - begin)};
}

} // namespace slk::zmtp
