// SPDX-License-Identifier: MPL-2.0

// What a session receives when it is ready: messages, subscriptions, PING and PONG.

#include "zmtp/session.hpp"

#include <algorithm>

namespace slk::zmtp {

void session::receive_traffic(time_point now, byte_view rest, std::uint64_t max_messages,
                              arrival& next) noexcept
{
    if (body_left_ > 0)
        return receive_body(rest, next);
    // Only a publisher has to look into frames: each one might be a subscription.
    if (!is_publisher(options_.metadata.type)) {
        next.found = scan_messages(rest, options_.limits, begun_, max_messages);
        if (next.found.size > 0) {
            next.data = rest.first(next.found.size);
            next.consumed += next.found.size;
            next.kind = arrival_kind::messages;
            return;
        }
    }
    receive_frame(now, rest, next);
}

/// The owner may also receive a large body, or a part of it, in the run.
void session::receive_body(byte_view rest, arrival& next) noexcept
{
    const auto here = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, rest.size()));
    if (here == 0) {
        next.need = 1;
        return;
    }
    body_left_ -= here;
    next.frame = large_frame_;
    next.data = rest.first(here);
    next.consumed += here;
    next.kind = arrival_kind::body;
}

/// The frame at the beginning of the rest, which the scan has left.
void session::receive_frame(time_point now, byte_view rest, arrival& next) noexcept
{
    const header_view seen = read_header(rest, options_.limits, begun_);
    if (seen.need > 0) {
        next.need = seen.need;
        return;
    }
    if (seen.failure)
        return violate(now, seen.failure);
    const frame_header& frame = seen.frame;
    const byte_view there = rest.subspan(frame.header);
    const bool is_whole = there.size() >= frame.size;
    // A publisher needs the first byte to know whether the frame is a subscription.
    if (!is_whole && !frame.command && there.empty() && is_publisher(options_.metadata.type)) {
        next.need = 1;
        return;
    }
    const bool to_be_kept = frame.command || may_be_subscription(frame, there);
    if (!is_whole && !to_be_kept && frame.size >= options_.large_body) {
        begun_.add(frame.size, frame.more);
        large_frame_ = frame;
        body_left_ = frame.size;
        next.consumed += frame.header;
        next.frame = frame;
        next.kind = arrival_kind::body;
        if (!there.empty())
            receive_body(there, next);
        return;
    }
    if (to_be_kept && frame.size > options_.limits.command)
        return violate(now, {errc::message_too_large, phase::transfer, 0,
                             "a subscription is larger than the limit of commands"});
    if (!is_whole) {
        next.need = static_cast<std::size_t>(frame.size) - there.size();
        return;
    }
    const byte_view body = there.first(static_cast<std::size_t>(frame.size));
    const std::size_t whole = frame.header + body.size();
    if (frame.command) {
        const std::size_t before = next.consumed;
        receive_command(now, body, next);
        if (next.kind != arrival_kind::flush && state() != session_state::failed)
            next.consumed = before + whole;
        return;
    }
    next.consumed += whole;
    if (to_be_kept) {
        next.kind = arrival_kind::subscription;
        next.subscribe = body[0] == std::byte{1};
        next.data = body.subspan(1);
        return;
    }
    begun_.add(frame.size, frame.more);
    next.kind = arrival_kind::messages;
    next.data = rest.first(whole);
    next.found = {whole, 1, frame.more ? std::size_t{0} : 1, frame.more ? 0 : whole};
}

/// PINGs that wait for their answer, so that nothing grows when the peer does not read the answers.
constexpr std::uint8_t max_pongs = 100;

/// Unknown, malformed and misplaced commands are dropped, as libzmq does; but a PING that is cut
/// off is an error, because libzmq would not answer it.
void session::receive_command(time_point now, byte_view body, arrival& next) noexcept
{
    const auto command = parse_command(body);
    if (!command || speaks() == version::v2_0)
        return;
    switch (command->name) {
    case command_name::ping: {
        const auto seen = parse_ping(command->data);
        if (!seen)
            return violate(now, seen.error());
        heard_heartbeat_ = true;
        // Every PING is answered as long as the owner can send.
        // Those without a context are counted.
        const bool alike = seen->context.empty() && pong_size_ == 0;
        const bool waits = pending_.has(output::pong);
        if (waits && (!alike || pongs_ == max_pongs)) {
            next.kind = arrival_kind::flush;
            return;
        }
        std::ranges::copy(seen->context, pong_context_.begin());
        pong_size_ = static_cast<std::uint8_t>(seen->context.size());
        pongs_ = waits ? static_cast<std::uint8_t>(pongs_ + 1) : 1;
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
        next.kind = arrival_kind::subscription;
        next.subscribe = command->name == command_name::subscribe;
        next.data = command->data;
        return;
    case command_name::unknown:
    case command_name::ready:
    case command_name::error:
    case command_name::hello:
    case command_name::welcome:
    case command_name::initiate: return;
    case command_name::pong: return receive_pong(now, command->data);
    }
}

/// Answers come in the order of the PINGs, with the context of this side's, which is empty.
void session::receive_pong(time_point now, byte_view context) noexcept
{
    heard_heartbeat_ = true;
    session_input input{.event = session_event::command};
    input.command = command_name::pong;
    step(now, input);
    if (context.empty() && answered_ping_ < last_ping_)
        ++answered_ping_;
}

/// The message form of a subscription: a message of one frame that begins with 0 or 1. It may come
/// from a peer of any version.
bool session::may_be_subscription(const frame_header& frame, byte_view body) const noexcept
{
    return is_publisher(options_.metadata.type) && !frame.command && !frame.more &&
           begun_.parts == 0 && frame.size > 0 && !body.empty() &&
           std::to_integer<unsigned>(body[0]) <= 1;
}

} // namespace slk::zmtp
