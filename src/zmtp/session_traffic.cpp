// SPDX-License-Identifier: MPL-2.0

// What a session receives when it is ready: messages, subscriptions, PING and PONG.

#include "zmtp/session.hpp"

#include <algorithm>

namespace slk::zmtp {

void session::receive_traffic(time_point now, byte_view rest, std::uint64_t max_messages,
                              arrival& told) noexcept
{
    if (body_left_ > 0)
        return receive_body(rest, told);
    // Only a publisher has to look into frames: each might be a subscription.
    if (!is_publisher(options_.metadata.type)) {
        told.found = scan_messages(rest, options_.limits, max_messages);
        if (told.found.size > 0) {
            inside_message_ = told.found.whole_messages != told.found.size;
            told.data = rest.first(told.found.size);
            told.consumed += told.found.size;
            told.kind = arrival_kind::messages;
            return;
        }
    }
    receive_frame(now, rest, told);
}

/// The owner may also receive a large body, or a part of it, in the run.
void session::receive_body(byte_view rest, arrival& told) noexcept
{
    const auto here = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, rest.size()));
    if (here == 0) {
        told.need = 1;
        return;
    }
    body_left_ -= here;
    told.frame = large_frame_;
    told.data = rest.first(here);
    told.consumed += here;
    told.kind = arrival_kind::body;
}

/// The frame at the beginning of the rest, which no scan has taken.
void session::receive_frame(time_point now, byte_view rest, arrival& told) noexcept
{
    const header_view seen = read_header(rest, options_.limits);
    if (seen.need > 0) {
        told.need = seen.need;
        return;
    }
    if (seen.failure)
        return violate(now, seen.failure);
    const frame_header& frame = seen.frame;
    const byte_view there = rest.subspan(frame.header);
    const bool is_whole = there.size() >= frame.size;
    // A publisher has to see the first byte before it knows what the frame is.
    if (!is_whole && !frame.command && there.empty() && is_publisher(options_.metadata.type)) {
        told.need = 1;
        return;
    }
    const bool to_be_kept = frame.command || may_be_subscription(frame, there);
    if (!is_whole && !to_be_kept && frame.size >= options_.large_body) {
        inside_message_ = frame.more;
        large_frame_ = frame;
        body_left_ = frame.size;
        told.consumed += frame.header;
        told.frame = frame;
        told.kind = arrival_kind::body;
        if (!there.empty())
            receive_body(there, told);
        return;
    }
    if (to_be_kept && frame.size > options_.limits.command)
        return violate(now, {errc::message_too_large, phase::transfer, 0,
                             "a subscription is larger than the limit of commands"});
    if (!is_whole) {
        told.need = static_cast<std::size_t>(frame.size) - there.size();
        return;
    }
    const byte_view body = there.first(static_cast<std::size_t>(frame.size));
    const std::size_t whole = frame.header + body.size();
    if (frame.command) {
        const std::size_t before = told.consumed;
        receive_command(now, body, told);
        if (told.kind != arrival_kind::flush && state() != session_state::failed)
            told.consumed = before + whole;
        return;
    }
    told.consumed += whole;
    if (to_be_kept) {
        told.kind = arrival_kind::subscription;
        told.subscribe = body[0] == std::byte{1};
        told.data = body.subspan(1);
        return;
    }
    inside_message_ = frame.more;
    told.kind = arrival_kind::messages;
    told.data = rest.first(whole);
    told.found = {whole, 1, frame.more ? std::size_t{0} : 1, frame.more ? 0 : whole};
}

/// Unknown and malformed commands, and those that have no place here, are dropped, as libzmq
/// does; but a PING that is cut off is an error, because libzmq's answer to it is not to be had.
void session::receive_command(time_point now, byte_view body, arrival& told) noexcept
{
    const auto command = parse_command(body);
    if (!command || speaks() == version::v2_0)
        return;
    switch (command->name) {
    case command_name::ping: {
        const auto seen = parse_ping(command->data);
        if (!seen)
            return violate(now, seen.error());
        // Every PING is answered as long as the owner can send, and nothing grows when the peer
        // does not read the answers.
        if (pending_.has(output::pong)) {
            told.kind = arrival_kind::flush;
            return;
        }
        std::ranges::copy(seen->context, pong_context_.begin());
        pong_size_ = static_cast<std::uint8_t>(seen->context.size());
        session_input input{.event = session_event::command};
        input.command = command_name::ping;
        input.ttl = seen->ttl;
        step(now, input);
        return;
    }
    case command_name::subscribe:
    case command_name::cancel:
        if (!is_publisher(options_.metadata.type))
            return;
        told.kind = arrival_kind::subscription;
        told.subscribe = command->name == command_name::subscribe;
        told.data = command->data;
        return;
    case command_name::unknown:
    case command_name::ready:
    case command_name::error:
    case command_name::hello:
    case command_name::welcome:
    case command_name::initiate:
    case command_name::pong: return;
    }
}

/// The message form of a subscription: a message of one frame that begins with 0 or 1. It may
/// come from a peer of any version.
bool session::may_be_subscription(const frame_header& frame, byte_view body) const noexcept
{
    return is_publisher(options_.metadata.type) && !frame.command && !frame.more &&
           !inside_message_ && frame.size > 0 && !body.empty() &&
           std::to_integer<unsigned>(body[0]) <= 1;
}

} // namespace slk::zmtp
