// SPDX-License-Identifier: MPL-2.0
#include "messaging/socket/sender.hpp"

#include "base/ticks.hpp"
#include "base/try_allocate.hpp"
#include "messaging/pipe/frame_writer.hpp"

namespace slk::messaging {

using pattern::part_view;
using pattern::routing;

namespace {

/// With a shorter timeout a sender is not kept waiting for the system to take a large body.
constexpr duration min_wait_to_send_body = std::chrono::milliseconds(20);

/// Each turn is a system call.
constexpr std::uint32_t max_sends_without_turn = 16;

/// Messages to the same peers, before it is expected that more will follow.
constexpr std::uint32_t repeats_before_run = 8;

} // namespace

void sender::begin_burst() noexcept
{
    in_burst_ = true;
    const std::uint64_t now = ticks_now();
    if (now - last_look_ < ticks_of_a_millisecond)
        return;
    last_look_ = now;
    for (const auto& each : state_.peers.all())
        each->out.see_room();
}

/// The pattern does not hear when the peers have room that were not looked at: it asks them again.
void sender::end_burst() noexcept
{
    in_burst_ = false;
    pipe* const only = std::exchange(full_, nullptr);
    if (!std::exchange(more_full_, false)) {
        if (only != nullptr)
            state_.routes->writable(*only, true);
        return;
    }
    for (const auto& each : state_.peers.all())
        if (each->state == peer_state::connected || each->state == peer_state::queueing)
            state_.routes->writable(*each, true);
}

bool sender::has_room(pattern::peer& entry) noexcept
{
    auto& to = static_cast<pipe&>(entry);
    const high_water marks = state_.peers.send_marks(to);
    if (in_burst_ && !to.is_inproc) {
        if (to.out.has_seen_room(marks))
            return true;
        more_full_ = more_full_ || full_ != nullptr;
        full_ = &to;
        return false;
    }
    if (to.out.has_room(marks)) [[likely]]
        return true;
    if (to.out.staged() > 0)
        publish(to, false);
    // To send what the lane holds takes less time than to sleep until the loop has done so.
    if (to.far->send_now() && to.out.has_room(marks))
        return true;
    if (!to.out.must_wait(marks))
        return true;
    return to.out.is_short_of_memory() && !state_.must_wait_for_memory() && to.out.has_room(marks);
}

bool sender::has_room_now(pattern::peer& entry) noexcept
{
    auto& to = static_cast<pipe&>(entry);
    const high_water marks = state_.peers.send_marks(to);
    return to.out.shares() ? has_room_to_share(to, marks) : to.out.has_room(marks);
}

/// Nobody waits for the room. But a peer whose queue has just become full need not miss anything if
/// the system takes more at once.
bool sender::has_room_to_share(pipe& to, const high_water& marks) noexcept
{
    const bool no_memory = !has_memory();
    if (to.out.has_room_to_share(marks, no_memory)) [[likely]] {
        to.is_full = false;
        to.known_room = marks.bytes == 0 ? to.out.room_after_next(marks.messages) : 0;
        return true;
    }
    if (to.is_full)
        return false;
    to.is_full = !to.far->send_now() || !to.out.has_room_to_share(marks, no_memory);
    return !to.is_full;
}

bool sender::has_room_for_all(pattern::peer& entry) noexcept
{
    auto& to = static_cast<pipe&>(entry);
    if (!to.out.shares())
        return has_room(entry);
    const high_water marks = state_.peers.send_marks(to);
    if (in_burst_ && !to.is_inproc)
        return to.out.has_seen_room(marks);
    if (has_room_to_share(to, marks))
        return true;
    // The other end notifies when it has taken more; but it may have done so meanwhile.
    to.out.request_notice();
    const bool no_memory = budget_ != nullptr && budget_->is_used_up();
    to.is_full = !to.out.has_room_to_share(marks, no_memory && state_.must_wait_for_memory());
    return !to.is_full;
}

time_point sender::expiry_after(std::uint32_t lifetime) const noexcept
{
    return lifetime == message_detail::access::forever || state_.type == zmtp::socket_type::stream
               ? never
               : after(state_.context->now(), std::chrono::milliseconds(lifetime));
}

[[gnu::always_inline]] inline result<void> sender::write(pipe& to, std::span<const part_view> parts,
                                                         time_point expires)
{
    if ((int{parts.size() > 1} | int{expires != never}) != 0) [[unlikely]]
        return write_with_care(to, parts, expires);
    SLK_TRY(to.out.write(parts));
    state_.reports->counters().queued_total.add_alone(1);
    return {};
}

/// A message of several parts, or with a deadline.
result<void> sender::write_with_care(pipe& to, std::span<const part_view> parts, time_point expires)
{
    // What was written before must not be lost with a message that finds no memory.
    if (parts.size() > 1 && to.out.staged() > 0)
        publish(to, false);
    SLK_TRY(to.out.write(parts, expires));
    state_.reports->counters().queued_total.add_alone(1);
    if (expires != never && to.out.has_one_deadline())
        to.far->watch_deadlines();
    return {};
}

/// Of the targets that share the message. Returns false when memory is exhausted: none has it.
bool sender::add_deadlines(std::span<pattern::peer* const> targets, time_point expires) noexcept
{
    for (std::size_t index = 0; index < targets.size(); ++index) {
        pipe_out& out = static_cast<pipe&>(*targets[index]).out;
        if (!out.shares() || out.add_deadline(expires))
            continue;
        take_deadlines_back(targets.first(index));
        return false;
    }
    return true;
}

void sender::take_deadlines_back(std::span<pattern::peer* const> targets) noexcept
{
    for (pattern::peer* const each : targets)
        if (auto& to = static_cast<pipe&>(*each); to.out.shares())
            to.out.take_deadline_back();
}

/// To wake the loop costs more than to send. A thread that sends one message after another leaves
/// sending to the loop, which then sends many at a time. But a thread that has just waited for a
/// message, and now replies or asks the next thing, sends by itself; and so does a thread that runs
/// the loop.
inline void sender::publish(pipe& to, bool answers) noexcept
{
    to.publish(answers || state_.context->run_by_caller());
}

void sender::count_dropped(send_outcome why, const peer_id* to) noexcept
{
    const bool full = why == send_outcome::dropped_full;
    counters& counts = state_.reports->counters();
    (full ? counts.dropped_full : counts.dropped_no_route).add_alone(1);
    report_dropped(full ? drop_reason::full : drop_reason::no_route, 1, to);
}

/// `to`: the peer that the caller has named, or null.
void sender::report_dropped(drop_reason why, std::uint64_t count, const peer_id* to) noexcept
{
    event_source& events = state_.reports->events();
    if (!events.wants(event_kind::dropped)) [[likely]]
        return;
    events.emit(event_kind::dropped, {}, [&](slk::event& made) {
        made.drop = why;
        made.count = count;
        if (to == nullptr)
            return true;
        made.generation = to->generation;
        return try_assign(made.routing_id, to->routing_id);
    });
}

/// Straight from the caller's memory, if this thread may wait a moment. Where there are several
/// peers it may not: a slow one would hold up the others.
result<bool> sender::send_body(pipe& to, const part_view& whole, const timeout& limit)
{
    if (limit.max_wait < min_wait_to_send_body || state_.peers.all().size() > 1 ||
        to.out.conflates())
        return false;
    SLK_TRY(const bool sent, to.far->send_body(whole.bytes, whole.owner));
    if (sent)
        state_.reports->counters().queued_total.add_alone(1);
    return sent;
}

[[gnu::always_inline]] inline result<void> sender::write_to(pipe& to,
                                                            std::span<const part_view> parts,
                                                            const timeout& limit,
                                                            time_point expires)
{
    const bool answers = begin_send();
    std::uint64_t size = parts.front().bytes.size();
    for (const part_view& part : parts.subspan(1))
        size += part.bytes.size();
    if (parts.size() == 1 && size >= large_body) [[unlikely]] {
        SLK_TRY(const bool sent,
                expires == never ? send_body(to, parts.front(), limit) : result<bool>(false));
        if (sent) {
            to.bytes_sent += size;
            return {};
        }
    }
    SLK_TRY(write(to, parts, expires));
    to.bytes_sent += size;
    publish(to, answers);
    return {};
}

/// A socket that never waits may have no other call than this one: a loop that the caller runs has
/// a turn now and then, and always if a message had no room or no peer.
void sender::give_turn(bool now) noexcept
{
    if (!state_.context->run_by_caller() ||
        (!now && ++sends_without_turn_ < max_sends_without_turn))
        return;
    sends_without_turn_ = 0;
    state_.run_and_process();
}

/// Frames the message once for all targets that share it, and makes room in their queues. Returns
/// how many they are. Errors: out_of_memory.
result<std::size_t> sender::prepare_to_share(std::span<pattern::peer* const> targets,
                                             std::span<const part_view> parts) noexcept
{
    std::size_t count = 0;
    for (pattern::peer* const each : targets) {
        pipe_out& out = static_cast<pipe&>(*each).out;
        if (!out.shares())
            continue;
        if ((count == 0 && !shared_.frame(parts)) || !out.reserve_runs(shared_.runs().size())) {
            shared_.clear();
            return fail(errc::out_of_memory, phase::transfer);
        }
        ++count;
    }
    return count;
}

/// Writes the message to those that do not share it, and publishes it. On an error it is written to
/// none, but for those that conflate.
result<void> sender::write_copies(std::span<pattern::peer* const> targets,
                                  std::span<const part_view> parts, bool answers,
                                  time_point expires)
{
    // What a batch has written before is not to be taken back with this message.
    for (pattern::peer* const each : targets)
        if (auto& to = static_cast<pipe&>(*each); to.out.staged() > 0)
            publish(to, false);
    for (std::size_t index = 0; index < targets.size(); ++index) {
        pipe_out& out = static_cast<pipe&>(*targets[index]).out;
        if (out.shares())
            continue;
        const auto written = out.write(parts, expires);
        if (written)
            continue;
        // What was put into a slot has replaced what was there.
        for (pattern::peer* const before : targets.first(index))
            if (auto& to = static_cast<pipe&>(*before); to.out.conflates())
                publish(to, answers);
            else if (!to.out.shares())
                to.out.discard_unpublished();
        shared_.clear();
        return fail(written.error());
    }
    for (pattern::peer* const each : targets)
        if (auto& to = static_cast<pipe&>(*each); !to.out.shares())
            publish(to, answers);
    return {};
}

/// All of the targets get the message, or none of them.
result<void> sender::write_to_targets(const routing& where, std::span<const part_view> parts,
                                      time_point expires)
{
    const bool answers = begin_send();
    const std::span<pattern::peer* const> targets = state_.routes->targets();
    SLK_TRY(const std::size_t sharing, prepare_to_share(targets, parts));
    if (expires != never && !add_deadlines(targets, expires)) [[unlikely]] {
        shared_.clear();
        return fail(errc::out_of_memory, phase::transfer);
    }
    if (sharing < targets.size()) {
        if (const auto written = write_copies(targets, parts, answers, expires); !written) {
            if (expires != never)
                take_deadlines_back(targets);
            return written;
        }
    }
    if (sharing > 0) {
        for (pattern::peer* const each : targets) {
            auto& to = static_cast<pipe&>(*each);
            if (to.out.shares() && to.out.share(shared_.runs()))
                to.far->on_readable();
        }
        shared_.clear();
    }
    if (expires != never)
        for (pattern::peer* const each : targets)
            if (auto& to = static_cast<pipe&>(*each); to.out.has_one_deadline())
                to.far->watch_deadlines();
    counters& counts = state_.reports->counters();
    counts.queued_total.add_alone(targets.size());
    if (targets.empty() || where.skipped > 0) {
        counts.dropped_full.add_alone(where.skipped);
        const bool no_route = where.outcome == send_outcome::dropped_no_route;
        counts.dropped_no_route.add_alone(no_route ? 1 : 0);
        if (no_route)
            report_dropped(drop_reason::no_route, 1, nullptr);
        if (!state_.reports->events().wants(event_kind::dropped)) [[likely]]
            return {};
        for (pattern::peer* const each : state_.routes->skipped())
            state_.peers.events().report_dropped(drop_reason::full, 1, static_cast<pipe&>(*each));
    }
    return {};
}

/// While a run is open: the message goes to the same many peers as those before. Returns false: it
/// must be routed.
bool sender::add_to_run(std::span<const part_view> parts, std::uint32_t lifetime) noexcept
{
    fan_out_run& run = *state_.run;
    const part_view& part = parts.front();
    if (parts.size() > 1 || expiry(lifetime) != never || state_.reports->has_reports() ||
        !has_memory() || !state_.routes->is_routed_as_before(part.bytes) || !run.prepare())
        return false;
    if (run.skipped() > 0 && state_.reports->events().wants(event_kind::dropped))
        return false;
    if (run.targets() == 0) {
        run.add_missed();
    } else {
        const auto framed = shared_.frame_behind(part);
        if (!framed)
            return false;
        run.add(*framed);
    }
    (void)begin_send();
    counters& counts = state_.reports->counters();
    counts.queued_total.add_alone(run.targets());
    counts.dropped_full.add_alone(run.skipped());
    return true;
}

/// A message was routed to several peers. If many have gone to just these peers, a run begins.
void sender::look_for_run(std::span<const part_view> parts, time_point expires) noexcept
{
    const std::span<pattern::peer* const> targets = state_.routes->targets();
    const std::span<pattern::peer* const> skipped = state_.routes->skipped();
    const bool may_repeat = parts.size() == 1 && expires == never &&
                            targets.size() + skipped.size() >= fan_out_run::min_peers &&
                            !state_.context->run_by_caller() && state_.routes->repeats_route();
    repeated_ = may_repeat ? repeated_ + 1 : 0;
    if (repeated_ < repeats_before_run)
        return;
    repeated_ = 0;
    const auto& any = static_cast<const pipe&>(*(targets.empty() ? skipped : targets).front());
    const high_water marks = state_.peers.send_marks(any);
    if (any.is_inproc || marks.bytes != 0)
        return;
    if (!state_.run)
        state_.run = reference<fan_out_run>::adopt(new (std::nothrow)
                                                       fan_out_run(state_.context->first_loop()));
    if (state_.run && state_.run->begin(targets, skipped, marks.messages))
        repeated_ = repeats_before_run; // another one may follow at once
}

result<send_outcome> sender::send(std::span<const part_view> parts, const timeout& limit,
                                  const peer_id* to, std::uint32_t lifetime)
{
    if (parts.empty())
        return fail(errc::invalid_argument, phase::transfer, "a message has at least one part");
    if (state_.has_open_run() && add_to_run(parts, lifetime)) [[unlikely]]
        return state_.run->targets() > 0 ? send_outcome::queued : send_outcome::dropped_full;
    state_.context->deliver_completed();
    state_.process_reports();
    std::span<const part_view> written = parts;
    const bool in_burst = is_burst(limit);
    if (in_burst) [[unlikely]]
        begin_burst();
    routing where = state_.routes->route(written, to, *this);
    if (in_burst) [[unlikely]]
        end_burst();
    if (where.what == routing::kind::wait) {
        if (in_burst)
            return fail(errc::would_block, phase::none);
        const auto decided = [&] {
            written = parts;
            where = state_.routes->route(written, to, *this);
            return where.what != routing::kind::wait;
        };
        SLK_TRY(state_.await(decided, limit));
    }
    switch (where.what) {
    [[likely]] case routing::kind::one:
        if (const auto sent =
                write_to(static_cast<pipe&>(*where.to), written, limit, expiry(lifetime));
            !sent) {
            state_.routes->route_failed();
            return fail(sent.error());
        }
        break;
    case routing::kind::several:
        if (const auto sent = write_to_targets(where, written, expiry(lifetime)); !sent) {
            state_.routes->route_failed();
            return fail(sent.error());
        }
        look_for_run(written, expiry(lifetime));
        state_.context->submit_sends();
        give_turn(where.skipped > 0 || state_.routes->targets().empty());
        return where.outcome;
    case routing::kind::refused: return fail(where.failure);
    case routing::kind::dropped:
        count_dropped(where.outcome, to);
        state_.show_readable();
        return where.outcome;
    case routing::kind::wait: break; // await() has ended it
    }
    state_.context->submit_sends();
    if (state_.routes->inspects) [[unlikely]]
        state_.show_readable();
    return send_outcome::queued;
}

result<void> sender::await_room(std::span<const std::byte> first_part, const timeout& limit,
                                const peer_id* to)
{
    state_.context->deliver_completed();
    state_.process_reports();
    routing where;
    const auto decided = [&] {
        where = state_.routes->check_send(first_part, to, *this);
        return where.what != routing::kind::wait;
    };
    const bool in_burst = is_burst(limit);
    if (in_burst)
        begin_burst();
    const bool known = decided();
    if (in_burst)
        end_burst();
    if (!known && in_burst)
        return fail(errc::would_block, phase::none);
    if (!known)
        SLK_TRY(state_.await(decided, limit));
    return where.what == routing::kind::refused ? fail(where.failure) : result<void>{};
}

/// The loops write topics into the same lanes, with the lock of the topics held. It must not be
/// held when the other end is notified.
result<send_outcome> sender::send_upstream(std::span<const part_view> parts)
{
    state_.run_and_process();
    const std::span<const reference<pipe>> peers = state_.peers.all();
    staged_.clear();
    std::vector<pipe*> skipped;
    if (!try_reserve(staged_, peers.size()) || !try_reserve(skipped, peers.size()))
        return fail(errc::out_of_memory, phase::transfer);
    std::uint64_t queued = 0;
    {
        const auto held = state_.routes->topics()->hold();
        for (const auto& each : peers) {
            pipe& to = *each;
            if (to.state != peer_state::connected && to.state != peer_state::queueing)
                continue;
            to.out.allocate_from(state_.pools);
            if (!to.out.has_room(state_.peers.send_marks(to))) {
                skipped.push_back(&to);
                continue;
            }
            if (!to.out.write(parts)) {
                for (pipe* const before : staged_)
                    before->out.discard_unpublished();
                staged_.clear();
                return fail(errc::out_of_memory, phase::transfer);
            }
            staged_.push_back(&to);
        }
        queued = staged_.size();
        // Those whose connection waits for something to send are left.
        std::erase_if(staged_, [](pipe* each) { return !each->out.publish(); });
    }
    for (pipe* const each : staged_)
        each->far->on_readable();
    staged_.clear();
    counters& counts = state_.reports->counters();
    counts.queued_total.add_alone(queued);
    counts.dropped_full.add_alone(skipped.size());
    for (pipe* const each : skipped) {
        ++each->dropped;
        state_.peers.events().report_dropped(drop_reason::full, 1, *each);
    }
    state_.context->submit_sends();
    if (queued == 0 && skipped.empty()) {
        count_dropped(send_outcome::dropped_no_route, nullptr);
        return send_outcome::dropped_no_route;
    }
    return queued > 0 ? send_outcome::queued : send_outcome::dropped_full;
}

// --- batches ---

void sender::publish_staged() noexcept
{
    for (pipe* const each : staged_)
        if (each->out.staged() > 0)
            publish(*each, false);
    staged_.clear();
}

/// `part(index)` is the message of that index, with `part.lifetime(index)`; `part.queued(index)` is
/// called when it is queued.
template <class Part>
result<std::size_t> sender::send_all(std::size_t count, const timeout& limit, Part part)
{
    state_.context->deliver_completed();
    if (state_.reports->has_reports())
        state_.process_reports();
    std::size_t queued = 0;
    error failure;
    waiter waiting(*state_.context, *state_.reports, limit);
    waiting.set_interruptible(state_.options.interruptible);
    while (queued < count) {
        const part_view one = part(queued);
        std::span<const part_view> parts(&one, 1);
        if (state_.has_open_run() && add_to_run(parts, part.lifetime(queued))) {
            part.queued(queued);
            ++queued;
            continue;
        }
        state_.end_run();
        const routing where = state_.routes->route(parts, nullptr, *this);
        if (where.what == routing::kind::wait) {
            publish_staged();
            if (const auto waited = waiting.wait(); !waited) {
                failure = waited.error();
                break;
            }
            state_.process_reports();
            continue;
        }
        if (where.what == routing::kind::refused) {
            failure = where.failure;
            break;
        }
        if (where.what == routing::kind::one) [[likely]] {
            auto& to = static_cast<pipe&>(*where.to);
            const bool first = to.out.staged() == 0;
            if (const auto written = write(to, parts, expiry(part.lifetime(queued))); !written) {
                state_.routes->route_failed();
                failure = written.error();
                break;
            }
            // What cannot be remembered until the end of the batch is published at once.
            if (first && !try_push_back(staged_, &to))
                publish(to, false);
        } else if (where.what == routing::kind::several) {
            if (const auto written = write_to_targets(where, parts, expiry(part.lifetime(queued)));
                !written) {
                state_.routes->route_failed();
                failure = written.error();
                break;
            }
            look_for_run(parts, expiry(part.lifetime(queued)));
        } else {
            count_dropped(where.outcome, nullptr);
        }
        part.queued(queued);
        ++queued;
    }
    if (queued > 0)
        (void)begin_send();
    publish_staged();
    state_.context->submit_sends();
    if (state_.routes->takes_requests)
        give_turn(true);
    if (queued == 0 && failure)
        return fail(failure);
    return queued;
}

result<std::size_t> sender::send_batch(std::span<message> messages, const timeout& limit)
{
    struct of_messages {
        std::span<message> all;
        part_view operator()(std::size_t index) const noexcept
        {
            return {all[index].bytes(), message_detail::access::owner_of(all[index])};
        }
        [[nodiscard]] std::uint32_t lifetime(std::size_t index) const noexcept
        {
            return message_detail::access::lifetime_of(all[index]);
        }
        void queued(std::size_t index) const noexcept { all[index].clear(); }
    };
    return send_all(messages.size(), limit, of_messages{messages});
}

result<std::size_t> sender::send_batch(std::span<const std::span<const std::byte>> messages,
                                       const timeout& limit)
{
    struct of_bytes {
        std::span<const std::span<const std::byte>> all;
        part_view operator()(std::size_t index) const noexcept { return {all[index], nullptr}; }
        [[nodiscard]] std::uint32_t lifetime(std::size_t) const noexcept { return 0; }
        void queued(std::size_t) const noexcept {}
    };
    return send_all(messages.size(), limit, of_bytes{messages});
}

} // namespace slk::messaging
