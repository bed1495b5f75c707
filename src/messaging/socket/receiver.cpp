// SPDX-License-Identifier: MPL-2.0
#include "messaging/socket/receiver.hpp"

#include "base/fail_again.hpp"
#include "base/try_allocate.hpp"
#include "messaging/pipe/frame_reader.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace slk::messaging {

namespace {

/// Parts that a batch takes of one peer before the next one has its turn.
constexpr std::size_t max_run = 256;
/// Parts that a received_batch has room for, whatever its caller's maximum is.
constexpr std::size_t max_batch = 65536;

[[nodiscard]] std::size_t size_of(const message& part) noexcept
{
    return part.bytes().size();
}
[[nodiscard]] std::size_t size_of(const part_copy& part) noexcept
{
    return part.size();
}
[[nodiscard]] std::size_t size_of(const message_detail::part_sink& part) noexcept
{
    return part.size();
}

} // namespace

// --- giving room back ---

/// The peer's lane has room, and the other end waits for that.
void receiver::report_room(pipe& from) noexcept
{
    if (!from.far->receive_now(state_.pools))
        from.far->on_writable();
}

/// inproc only, before a message: drops those that have expired.
void receiver::drop_expired(pipe& from) noexcept
{
    if (state_.peers.mid_message != nullptr)
        return;
    bool notify = false;
    const std::uint64_t dropped = from.in.drop_expired(state_.context->now(), notify);
    if (dropped == 0)
        return;
    from.discarded += dropped;
    from.far->messages_expired(dropped);
    if (notify)
        report_room(from);
}

/// Half of a mark has become free, which is when the other end is told of room.
bool receiver::is_half_free(pipe& from, std::uint32_t messages) noexcept
{
    const auto mark = static_cast<std::uint32_t>(state_.peers.receive_marks().messages);
    from.until_look = from.counts_bytes ? 1 : mark / 2 + 1;
    if (!from.counts_bytes)
        return true;
    const std::uint64_t before = from.in.consumed_bytes();
    from.in.update_consumed_bytes();
    const std::uint64_t half_bytes = state_.peers.receive_marks().bytes / 2 + 1;
    const std::uint64_t half = mark / 2 + 1;
    const std::uint64_t count = from.in.consumed();
    return before / half_bytes != from.in.consumed_bytes() / half_bytes ||
           (mark != 0 && count / half != (count + messages) / half);
}

/// The peer's lane is empty. It has no turn until it signals.
void receiver::lane_emptied(pipe& from)
{
    // The other end must know of the room before this thread sleeps.
    if (from.counts_bytes)
        from.in.update_consumed_bytes();
    if (from.in.consume(0, true))
        report_room(from);
    if (from.in.must_wait())
        state_.peers.read_all(from);
}

// --- reading ---

/// Reads the next part for the caller; returns its peer, or null if there is none. `name`: gets
/// that of the peer.
template <class Part>
pipe* receiver::read_part(Part& into, peer_id* name)
{
    std::size_t discarded = 0;
    while (pipe* const from = next_source()) {
        if ((int{name != nullptr} | int{from->in.has_deadlines()}) != 0) [[unlikely]] {
            // First, because a part that was read cannot be put back.
            if (name != nullptr && !try_assign(name->routing_id, from->routing_id)) {
                no_memory_ = true;
                return nullptr;
            }
            if (from->in.has_deadlines())
                drop_expired(*from);
        }
        if (!from->in.read(into)) [[unlikely]] {
            if (!from->in.fetch(state_.pools))
                lane_emptied(*from);
            continue;
        }
        if (take_in(*from, into) == pattern::part_fate::deliver) [[likely]]
            return from;
        if constexpr (std::is_same_v<Part, message>)
            into.clear();
        // All parts of a message that is lost or discarded have arrived.
        const bool last = state_.peers.mid_message == nullptr;
        if (no_memory_ && last)
            return nullptr;
        discarded += last ? 1 : 0;
        if (last && discarded == max_discards) {
            state_.reports->notify(); // the others have their turn in the next call
            return nullptr;
        }
    }
    return nullptr;
}

/// What the pattern makes of a part that was read.
pattern::part_fate receiver::inspect(pipe& from, message& part, bool first)
{
    const bool last = !part.more();
    pattern::part_fate fate = pattern::part_fate::discard;
    if (!discarding_)
        fate = state_.routes->inspect(from, part, first);
    if (fate == pattern::part_fate::lose) {
        no_memory_ = true;
        fate = pattern::part_fate::discard;
    }
    discarding_ = fate == pattern::part_fate::discard && !last;
    from.count_discarded(fate == pattern::part_fate::discard && last ? 1 : 0);
    return fate;
}

/// What becomes of a part that was read. Patterns inspect messages only.
template <class Part>
inline pattern::part_fate receiver::take_in(pipe& from, Part& part)
{
    const bool first = state_.peers.mid_message == nullptr;
    const bool last = !part.more();
    state_.peers.mid_message = last ? nullptr : &from;
    pattern::part_fate fate = pattern::part_fate::deliver;
    if constexpr (std::is_same_v<Part, message>)
        if (state_.routes->inspects) [[unlikely]]
            fate = inspect(from, part, first);
    from.bytes_received += fate == pattern::part_fate::deliver ? size_of(part) : 0;
    if (last) {
        counters& counts = state_.reports->counters();
        (fate == pattern::part_fate::discard ? counts.discarded : counts.received).add_alone(1);
        consumed(from, 1);
        state_.routes->received(from);
    }
    return fate;
}

/// Throws away messages that are not wanted, up to one that is. Returns false if there is none, or
/// `left` is used up.
bool receiver::skip_to_wanted(pipe& from, std::size_t& left)
{
    std::span<const std::byte> first;
    const auto looks_at_first = [&] {
        if (from.in.has_deadlines())
            drop_expired(from);
        return from.in.peek(first);
    };
    for (; left > 0 && (looks_at_first() || (from.in.fetch(state_.pools) && looks_at_first()));
         --left) {
        if (state_.routes->wants(first))
            return true;
        for (message part; from.in.read(part) && part.more();)
            part.clear();
        from.count_discarded(1);
        state_.reports->counters().discarded.add_alone(1);
        consumed(from, 1);
    }
    return false;
}

/// Where parts are stripped: takes what comes before the parts that are for the caller, and throws
/// away messages that are not. Returns whether a receive would not wait.
bool receiver::strip_to_body()
{
    if (no_memory_)
        return true;
    if (state_.peers.mid_message == nullptr && !state_.routes->check_receive()) {
        state_.reports->clear_event_handle(); // until the caller has sent
        return false;
    }
    std::size_t left = max_discards;
    for (message part;
         state_.peers.mid_message == nullptr || discarding_ || !state_.routes->in_body();
         part.clear()) {
        pipe* const from = next_source();
        if (from == nullptr)
            return false;
        if (from->in.has_deadlines())
            drop_expired(*from);
        if (!from->in.read(part)) {
            if (!from->in.fetch(state_.pools))
                lane_emptied(*from);
            continue;
        }
        (void)take_in(*from, part);
        if (state_.peers.mid_message != nullptr)
            continue;
        if (no_memory_)
            return true;
        if (--left == 0) {
            state_.reports->notify(); // the others have their turn in the next call
            return false;
        }
    }
    return true;
}

/// Whether the peer has a message that has not expired.
bool receiver::is_readable(pipe& from) noexcept
{
    if (from.in.has_deadlines())
        drop_expired(from);
    return from.in.readable();
}

bool receiver::can_receive()
{
    if (state_.routes->inspects && !state_.routes->filters)
        return strip_to_body();
    if (!state_.routes->own_messages.empty() || state_.peers.mid_message != nullptr)
        return true;
    std::size_t left = max_discards;
    while (pipe* const from = next_source()) {
        if (state_.routes->inspects ? skip_to_wanted(*from, left) : is_readable(*from))
            return true;
        if (left == 0) {
            state_.reports->notify(); // the others have their turn in the next call
            return false;
        }
        lane_emptied(*from);
    }
    return false;
}

template <class Take>
result<void> receiver::wait_for(const Take& take, const timeout& limit)
{
    return state_.await(take, limit, sender_.begin_wait());
}

template <class Take>
[[gnu::always_inline]] inline result<void> receiver::take_or_wait(const Take& take,
                                                                  const timeout& limit)
{
    // Nothing comes between the parts of a message, and all of them are there.
    if (state_.peers.mid_message == nullptr) {
        state_.process_reports();
        if (state_.routes->inspects) {
            if (no_memory_)
                return {};
            SLK_TRY(state_.routes->check_receive());
        }
    }
    if (take())
        return {};
    return wait_for(take, limit);
}

result<router_event> receiver::receive(message& into, const timeout& limit, peer_id* from)
{
    into.clear();
    pattern::own_message_queue& own = state_.routes->own_messages;
    pipe* source = nullptr;
    const auto take = [&] {
        if (!own.empty() && state_.peers.mid_message == nullptr) [[unlikely]]
            return true;
        source = read_part(into, from);
        return source != nullptr || no_memory_;
    };
    for (;;) {
        if (const auto waited = take_or_wait(take, limit); !waited) [[unlikely]]
            return fail_again(waited.error());
        if (no_memory_) [[unlikely]] {
            no_memory_ = false;
            return fail(errc::out_of_memory, phase::transfer);
        }
        if (tells_origin_)
            origins_.set(source != nullptr ? source->origin_of_messages() : nullptr);
        if (source != nullptr) {
            if (from != nullptr)
                from->generation = source->generation;
            return router_event::message;
        }
        // What was to be reported may not be true any more.
        auto what = receive_own(into, from);
        if (what || what.error() != errc::would_block || limit.max_wait == duration::zero())
            return what;
    }
}

template <class Part>
result<void> receiver::receive_part(Part& into, const timeout& limit)
{
    const pattern::own_message_queue& own = state_.routes->own_messages;
    pipe* source = nullptr;
    const auto take = [&] {
        if (!own.empty() && state_.peers.mid_message == nullptr) [[unlikely]]
            return true;
        source = read_part(into);
        return source != nullptr;
    };
    if (!state_.routes->inspects) [[likely]] {
        if (const auto waited = take_or_wait(take, limit); !waited) [[unlikely]]
            return fail_again(waited.error());
    }
    if (source != nullptr) [[likely]] {
        if (!std::is_same_v<Part, part_copy> && tells_origin_)
            origins_.set(source->origin_of_messages());
        return {};
    }
    message whole;
    if (const auto received = receive(whole, limit); !received) [[unlikely]]
        return fail_again(received.error());
    into.take(whole);
    return {};
}

template result<void> receiver::receive_part(part_copy& into, const timeout& limit);
template result<void> receiver::receive_part(message_detail::part_sink& into, const timeout& limit);

/// A message that the pattern has, of which there is one.
result<router_event> receiver::receive_own(message& into, peer_id* from)
{
    SLK_TRY(const router_event what, state_.routes->receive_own(into, from));
    if (state_.routes->takes_requests) {
        if (!into.more())
            state_.reports->counters().received.add_alone(1);
        state_.peers.resume_requests();
    }
    return what;
}

// --- batches ---

result<std::size_t> receiver::receive_batch(std::span<message> into, const timeout& limit)
{
    if (into.empty())
        return fail(errc::invalid_argument, phase::transfer, "there is no space");
    SLK_TRY(receive(into.front(), limit));
    std::size_t count = 1;
    // What a ROUTER has to report ends a batch.
    const pattern::pattern& routes = *state_.routes;
    for (; count < into.size(); ++count) {
        into[count].clear();
        if (routes.takes_requests ? routes.own_messages.empty() || !receive_own(into[count])
                                  : read_part(into[count]) == nullptr)
            break;
    }
    return count;
}

std::size_t receiver::read_batch(received_batch& into, std::size_t max)
{
    std::size_t discarded = 0;
    while (into.size() < max) {
        if (discarded >= max_discards) {
            state_.reports->notify(); // the others have their turn in the next call
            break;
        }
        pipe* const from = next_source();
        if (from == nullptr)
            break;
        // After the end of a message that was begun, the next peer has its turn.
        const bool one_by_one = state_.peers.mid_message != nullptr || from->in.has_deadlines();
        if (from->in.has_deadlines())
            drop_expired(*from);
        const std::size_t run = one_by_one ? 1 : std::min(max - into.size(), max_run);
        const auto wants = [this](std::span<const std::byte> first) {
            return state_.routes->wants(first);
        };
        const auto found = state_.routes->inspects ? read_parts(from->in.lane(), into, run, wants,
                                                                state_.peers.mid_message == nullptr)
                                                   : read_parts(from->in.lane(), into, run);
        if (found.discarded > 0) [[unlikely]] {
            discarded += found.discarded;
            from->count_discarded(found.discarded);
            state_.reports->counters().discarded.add_alone(found.discarded);
            consumed(*from, static_cast<std::uint32_t>(found.discarded));
        }
        if (found.parts == 0) {
            if (found.discarded > 0)
                continue;
            if (!from->in.fetch(state_.pools))
                lane_emptied(*from);
            continue;
        }
        state_.peers.mid_message = into.more(into.size() - 1) ? from : nullptr;
        if (found.messages == 0)
            continue;
        state_.reports->counters().received.add_alone(found.messages);
        consumed(*from, static_cast<std::uint32_t>(found.messages));
        if (state_.peers.mid_message == nullptr)
            state_.routes->received(*from);
    }
    return into.size();
}

result<std::size_t> receiver::receive_batch(received_batch& into, std::size_t max,
                                            const timeout& limit)
{
    into.clear();
    if (max == 0)
        return fail(errc::invalid_argument, phase::transfer, "there is no space");
    if ((state_.routes->inspects && !state_.routes->filters) || state_.routes->takes_requests)
        return fail(errc::not_supported, phase::transfer,
                    "this type of socket does not receive a received_batch");
    max = std::min(max, max_batch);
    if (!message_detail::access::reserve(into, max))
        return fail(errc::out_of_memory, phase::transfer);
    SLK_TRY(take_or_wait([&] { return read_batch(into, max) > 0; }, limit));
    return into.size();
}

} // namespace slk::messaging
