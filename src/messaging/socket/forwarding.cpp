// SPDX-License-Identifier: MPL-2.0

// Messages on their way from one socket to another, for a proxy: as the frames that they are in the
// lanes of the one and become in those of the other. There are no message objects, and a run of
// messages is copied and published at once.

#include "messaging/pipe/frame_reader.hpp"
#include "messaging/pipe/frame_writer.hpp"
#include "messaging/socket/receiver.hpp"
#include "messaging/socket/sender.hpp"

#include "base/try_allocate.hpp"

#include <algorithm>
#include <cstring>

namespace slk::messaging {

using pattern::part_view;
using pattern::routing;

namespace {

/// Adds the parts of one message, of which all frames are there.
[[nodiscard]] bool add_parts(std::vector<part_view>& to, std::span<const std::byte> frames) noexcept
{
    while (!frames.empty()) {
        const frame_head head = read_head(frames.data());
        if (!try_push_back(to, part_view{frames.subspan(head.header, head.size)}))
            return false;
        frames = frames.subspan(head.header + head.size);
    }
    return true;
}

} // namespace

// --- sending ---

bool sender::takes_frames() const noexcept
{
    return !state_.routes->inspects && lifetime_ == 0 && !bursts_end_at_mark_;
}

void sender::begin_forwarding()
{
    state_.context->deliver_completed();
    state_.process_reports();
    staged_.clear();
}

/// `first`: is written before the frames of the message, with a header; null: nothing.
result<void> sender::write_frames(pipe& to, const frame_run& frames, const part_view* first)
{
    const bool begins = to.out.staged() == 0;
    const std::size_t name = first != nullptr ? first->bytes.size() : 0;
    if (to.out.conflates()) [[unlikely]] {
        forwarded_parts_.clear();
        if ((first != nullptr && !try_push_back(forwarded_parts_, *first)) ||
            !add_parts(forwarded_parts_, frames.bytes))
            return fail(errc::out_of_memory, phase::transfer);
        SLK_TRY(to.out.write(forwarded_parts_));
    } else {
        SLK_TRY(to.out.write_frames(frames, first));
    }
    to.bytes_sent += frames.bodies + name;
    state_.reports->counters().queued_total.add_alone(frames.messages);
    // What cannot be remembered until the end is published at once.
    if (begins && !try_push_back(staged_, &to))
        publish(to, false);
    return {};
}

result<sender::forwarded_run> sender::forward(std::span<const std::byte> run,
                                              const part_view* first, std::uint64_t max)
{
    forwarded_run done;
    while (done.messages < max) {
        const std::span<const std::byte> rest = run.subspan(done.bytes);
        frame_run next = whole_messages(rest, 1, 0);
        if (next.messages == 0)
            break;
        std::span<const part_view> none;
        const routing where = state_.routes->route(none, nullptr, *this);
        if (where.what != routing::kind::one) {
            done.full = true;
            break;
        }
        auto& to = static_cast<pipe&>(*where.to);
        // Where peers take turns, and where each message gets a part, one goes at a time.
        if (first == nullptr && !to.out.conflates() && state_.routes->sends_to_one())
            next = whole_messages(
                rest, std::min(max - done.messages, to.out.room(state_.peers.send_marks(to))),
                to.out.rest());
        if (const auto written = write_frames(to, next, first); !written) {
            state_.routes->route_failed();
            if (done.messages > 0)
                break;
            return fail(written.error());
        }
        done.messages += next.messages;
        done.bytes += next.bytes.size();
        done.bodies += next.bodies;
    }
    return done;
}

void sender::end_forwarding(std::uint64_t messages) noexcept
{
    if (messages == 0)
        return;
    // One alone may be what the other side waits for.
    const bool answers = begin_send() && messages == 1;
    for (pipe* const each : staged_)
        if (each->out.staged() > 0)
            publish(*each, answers);
    staged_.clear();
    state_.context->submit_sends();
}

// --- receiving ---

bool receiver::gives_frames() const noexcept
{
    return !state_.routes->inspects && !state_.routes->takes_requests && !tells_origin_ &&
           state_.peers.mid_message == nullptr && state_.routes->own_messages.empty();
}

/// The frames of the next peer's messages that lie in one piece; empty: there are none, or messages
/// of this peer have to be received one by one.
std::span<const std::byte> receiver::next_frames(pipe*& from)
{
    while ((from = next_source()) != nullptr) {
        if (from->in.conflates() || from->in.has_deadlines())
            return {};
        lane::lane& holds = from->in.lane();
        for (;;) {
            if (const std::span<const std::byte> run = holds.head().run(); !run.empty())
                return run;
            if (!holds.next_chunk())
                break;
        }
        lane_emptied(*from);
    }
    return {};
}

/// Those frames were moved.
void receiver::took_frames(pipe& from, std::size_t bytes, std::size_t bodies,
                           std::uint64_t messages) noexcept
{
    from.in.lane().head().skip_bytes(bytes);
    from.bytes_received += bodies;
    state_.reports->counters().received.add_alone(messages);
    consumed(from, static_cast<std::uint32_t>(messages));
    state_.routes->received(from);
}

result<forwarded> receiver::forward(sender& to, std::uint64_t max)
{
    forwarded done;
    to.begin_forwarding();
    state_.process_reports();
    if (!gives_frames() || !to.takes_frames()) {
        done.ended = forwarded::end::whole;
        return done;
    }
    const bool names = state_.type == zmtp::socket_type::router;
    error failure;
    while (done.messages < max) {
        pipe* from = nullptr;
        const std::span<const std::byte> run = next_frames(from);
        if (from == nullptr) {
            done.ended = forwarded::end::empty;
            break;
        }
        const std::uint64_t count = state_.routes->receives_from_one() ? max - done.messages : 1;
        const part_view name{std::as_bytes(std::span(from->routing_id))};
        const auto moved = to.forward(run, names ? &name : nullptr, count);
        if (!moved) {
            failure = moved.error();
            break;
        }
        if (moved->messages > 0) {
            took_frames(*from, moved->bytes, moved->bodies, moved->messages);
            done.messages += moved->messages;
            done.bytes += moved->bodies + (names ? name.bytes.size() * moved->messages : 0);
        }
        if (moved->full || moved->messages == 0) {
            done.ended = moved->full ? forwarded::end::full : forwarded::end::whole;
            break;
        }
    }
    to.end_forwarding(done.messages);
    if (done.messages == 0 && failure)
        return fail(failure);
    return done;
}

result<peeked_message> receiver::peek(std::vector<part_view>& into)
{
    state_.process_reports();
    if (!gives_frames())
        return {};
    pipe* from = nullptr;
    const frame_run next = whole_messages(next_frames(from), 1, 0);
    if (next.messages == 0)
        return {};
    into.clear();
    const bool names = state_.type == zmtp::socket_type::router;
    if ((names && !try_push_back(into, {std::as_bytes(std::span(from->routing_id))})) ||
        !add_parts(into, next.bytes))
        return fail(errc::out_of_memory, phase::transfer);
    return peeked_message{from, next.bytes.size(), next.bodies};
}

} // namespace slk::messaging
