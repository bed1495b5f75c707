// SPDX-License-Identifier: MPL-2.0

// What a connection knows about its peer: how much the peer has read, whether it lives, whether it
// may have finished, and which messages it refuses.

#include "messaging/connection/connection.hpp"

#include "base/try_allocate.hpp"
#include "io/os/wall_clock.hpp"

#include <utility>

namespace slk::messaging {

namespace {

/// Streams that the peer ends in the same message, soon after they were ready, before the message
/// is set aside.
constexpr int max_ends_in_message = 3;
constexpr duration soon = std::chrono::seconds(10);

/// A PONG is not held back for longer while this side receives.
constexpr duration max_hold = std::chrono::milliseconds(250);

/// Where peer_timeout is 0, and the peer has a timeout of its own.
constexpr duration default_patience = std::chrono::seconds(10);

[[nodiscard]] bool ended_by_peer(const error& reason) noexcept
{
    return reason == errc::connection_reset || reason == errc::connection_aborted ||
           reason == errc::broken_pipe || reason == errc::end_of_stream;
}

} // namespace

/// Messages for the peer. The taken ones are those that the system has taken on all streams up to
/// now, and those that were dropped.
message_counts connection::queue() const noexcept
{
    const lane::lane& lane = lanes_->toward[0];
    return lanes_->latest != nullptr
               ? lanes_->latest->toward[0].counts(lane)
               : message_counts{.written = lane.produced(), .taken = lane.consumed_by_now()};
}

/// Messages that have arrived. Not while paused, when a caller may be counting them. Those of a
/// conflating socket are not counted.
std::uint64_t connection::arrived() const noexcept
{
    return lanes_->latest == nullptr ? lanes_->toward[1].produced() : 0;
}

/// Messages were sent that the peer may not have read yet: no PING after them was answered, and
/// fewer messages have come back since than were sent. More than were sent are no answers: the peer
/// sends by itself. One may be the one that the peer works on, and that it has read. Not while
/// paused.
bool connection::may_have_unread() const noexcept
{
    const std::uint64_t sent = taken() - read_;
    const std::uint64_t came_back = arrived() - answers_before_;
    const std::uint64_t answers = came_back <= sent ? came_back : 0;
    return sent > answers + 1;
}

/// The peer knows PING; or the program has asked for PINGs, and for their answers.
bool connection::has_to_answer() const noexcept
{
    return session_->peer_answers_pings() ||
           settings_->options().heartbeat_interval > duration::zero();
}

/// The system does not take what is to be sent.
bool connection::is_stuck() const noexcept
{
    return sending_ || session_->has_ping();
}

/// The peer has been silent for too long. A peer that has not read everything may be busy with what
/// it has read, and need not answer a PING before; one that does not know PING never answers. Both
/// live as long as their system acknowledges.
bool connection::lives_in_silence() noexcept
{
    const bool need_not_answer = is_stuck() || may_have_unread() || !has_to_answer();
    const duration own = settings_->options().peer_timeout;
    return need_not_answer &&
           transport_->peer_acknowledges(own > duration::zero() ? own : default_patience);
}

/// A peer is stalled that neither says anything nor takes anything, although something waits for
/// it.
void connection::look_for_stall(bool silent) noexcept
{
    const time_point at = now();
    const std::uint64_t sent = taken() + transport_->sent();
    if (std::exchange(sent_at_last_look_, sent) != sent) {
        progress_at_ = at;
        set_stalled(false);
    } else if (silent && at >= after(progress_at_, settings_->options().peer_timeout) &&
               (is_stuck() || (has_to_answer() && may_have_unread()))) {
        set_stalled(true);
    }
}

void connection::set_stalled(bool stalled) noexcept
{
    if (stalled == (stalled_since_ != never))
        return;
    stalled_since_ = stalled ? now() : never;
    if (!departs_)
        owner_->post(peer_stalled{near_, stalled});
    log_->registry().change([&] { record_.stalled = stalled; });
    report(stalled ? event_kind::stalled : event_kind::recovered, peer_id());
}

time_point connection::stall_ends() const noexcept
{
    const duration limit = settings_->options().stalled_timeout;
    return stalled_since_ == never || limit == duration::zero() ? never
                                                                : after(stalled_since_, limit);
}

/// A peer that stops in the middle of its work can be told from a busy one only if it has shown
/// what it had read. It is asked soon after messages were sent, and not only when it becomes
/// silent.
void connection::ask_what_was_read() noexcept
{
    if (is_ready() && session_->state() == zmtp::session_state::ready && ping_ == 0 && !paused_ &&
        taken() != read_)
        session_->ask_what_was_read(now());
}

void connection::note_round_trip() noexcept
{
    if (timed_ping_ == 0 || session_->answered_ping() < timed_ping_)
        return;
    timed_ping_ = 0;
    const duration time = now() - timed_since_;
    record_.round_trip.store(static_cast<std::uint64_t>(time.count()), std::memory_order_relaxed);
    log_->record().round_trips.add(time);
    report(event_kind::heartbeat_answered, peer_id(), {}, 0, time);
}

/// Something has arrived.
void connection::note_sign_of_life() noexcept
{
    if (stalled_since_ != never)
        set_stalled(false);
    note_round_trip();
    if (session_->take_heartbeat())
        lanes_->last_heartbeat.store(io::os::wall_clock_milliseconds(), std::memory_order_relaxed);
    // While it is paused, a caller may be counting messages.
    if (ping_ != 0 && !paused_ && session_->answered_ping() >= ping_) {
        read_ = taken_before_ping_;
        answers_before_ = arrived();
        ping_ = 0;
        if (taken() == read_)
            direct_.tell_of_next_send();
        else
            ask_what_was_read();
    }
}

/// While this side does not receive, it does not see the peer's end, which is behind what waits to
/// be received. Nothing is sent to a peer that has finished: the next connection gets the messages.
/// If there are any, the rest is received, so that it can begin; the system does not hold much.
bool connection::holds_back() noexcept
{
    if (receives_rest_)
        return true;
    if (!paused_ || !transport_->peer_has_finished())
        return false;
    session_->skip_heartbeats();
    receives_rest_ = finishing_ || out_->inside_message() || !out_->must_wait();
    return true;
}

/// A heartbeat is not sent if the peer's end has arrived or may be under way, because it would make
/// the peer's system throw away what it has not passed on yet. While this side does not receive, it
/// is omitted. Otherwise it waits until what is there has been received; a PONG not for long,
/// because a peer that sends all the time waits for it, and is alive.
bool connection::may_send_heartbeat() noexcept
{
    if (!is_ready() || session_->state() != zmtp::session_state::ready ||
        !transport_->peer_may_have_finished()) {
        held_since_ = never;
        return true;
    }
    if (paused_) {
        session_->skip_heartbeats();
        held_since_ = never;
        return false;
    }
    if (held_since_ == never)
        held_since_ = now();
    return session_->has_pong() && now() - held_since_ >= max_hold &&
           !transport_->peer_has_finished();
}

/// The stream is over. A message that the peer refuses, for example because it is too large for it,
/// would be sent again on the next one, and would end that too. It is set aside after a few, so
/// that the messages behind it arrive.
void connection::look_for_refusal() noexcept
{
    if (ready_since_ == never) // the stream has not got that far
        return;
    const bool quick = now() - std::exchange(ready_since_, never) <= soon;
    if (!quick || !out_->inside_message() || !ended_by_peer(ending_because_)) {
        lanes_->set_ends_in_message(taken(), 0);
        return;
    }
    const std::uint64_t at = taken();
    const int ends = lanes_->ends_in_message(at) + 1;
    lanes_->set_ends_in_message(at, static_cast<std::uint8_t>(ends));
    if (ends < max_ends_in_message)
        return;
    const auto dropped = out_->drop_message();
    read_ += dropped.messages;
    lanes_->refused.fetch_add(dropped.messages, std::memory_order_release);
    owner_->counters().refused.add(dropped.messages);
    if (!departs_)
        owner_->post(message_refused{near_}, ending_because_);
    report(event_kind::set_aside, peer_id(), ending_because_, dropped.messages);
    if (dropped.notify && near_)
        near_->on_writable();
}

/// The link is back. What has waited for that is sent, or not (option on_reconnect).
void connection::drop_stale() noexcept
{
    const queue_policy policy = settings_->options().on_reconnect;
    if (policy == queue_policy::keep || origin_ != pipe_origin::connect ||
        log_->record().handshakes_succeeded.value() == 0)
        return;
    const std::uint64_t kept = policy == queue_policy::keep_newest ? 1 : 0;
    wire_out::progress all;
    const auto waiting = [&] {
        const message_counts now = queue();
        return now.written - now.replaced - now.taken;
    };
    // What comes meanwhile is not stale.
    const std::uint64_t before = waiting();
    const std::uint64_t stale = before - std::min(kept, before);
    while (all.messages < stale && waiting() > kept) {
        const auto dropped = out_->drop_message();
        if (dropped.messages == 0)
            break; // the writer has counted it, and publishes it next
        all.messages += dropped.messages;
        all.notify = all.notify || dropped.notify;
    }
    note_lapsed(drop_reason::stale, all);
}

/// Drops the next messages if their deadlines have passed. Returns the number of the first one
/// behind them that is not to be sent either, or no_message. While nothing is being sent.
std::uint64_t connection::drop_expired() noexcept
{
    lane::lane& lane = lanes_->toward[0];
    if (!lane.has_deadlines()) [[likely]]
        return wire_out::no_message;
    lane::deadline_list& all = *lane.deadlines();
    const time_point at = now();
    wire_out::progress dropped;
    // Of a message of which the system has taken a part the rest follows.
    const std::uint64_t begun = machine_.has_stream() && out_->inside_message() ? 1 : 0;
    std::uint64_t passed = all.passed(lane.consumed_by_now(), begun, at);
    while (passed == lane.consumed_by_now()) {
        const auto one = out_->drop_message();
        if (one.messages == 0) { // it is not published yet
            passed = wire_out::no_message;
            break;
        }
        dropped.messages += one.messages;
        dropped.notify = dropped.notify || one.notify;
        passed = all.passed(lane.consumed_by_now(), 0, at);
    }
    note_lapsed(drop_reason::expired, dropped);
    return passed;
}

/// When the next message is to be dropped, if it can be dropped then.
time_point connection::next_deadline() noexcept
{
    lane::lane& lane = lanes_->toward[0];
    if (!lane.has_deadlines()) [[likely]]
        return never;
    return (sending_ && is_ready()) || (machine_.has_stream() && out_->inside_message())
               ? never
               : lane.deadlines()->of(lane.consumed_by_now());
}

/// While there is no stream: drops what has expired, and comes again when the next message does.
void connection::watch_for_deadline() noexcept
{
    if (machine_.state() != connection_state::waiting)
        return;
    (void)drop_expired();
    if (departs_ && !has_unsent())
        return end(closed_by_owner);
    const time_point at = next_deadline();
    if (at == never)
        return stop_watching();
    if (!linked()) {
        retain();
        on_->core->add(*this);
        if (machine_.state() != connection_state::waiting)
            return; // the loop ends
    }
    on_->core->io().arm(timer_, at);
}

/// It is the loop's resident without a stream only while it watches.
void connection::stop_watching() noexcept
{
    if (machine_.state() != connection_state::waiting || !linked())
        return;
    on_->core->io().disarm(timer_);
    on_->core->remove(*this);
    release();
}

/// Messages were dropped instead of sent.
void connection::note_lapsed(drop_reason why, const wire_out::progress& dropped) noexcept
{
    if (dropped.messages == 0)
        return;
    // There is nothing of them that the peer could read.
    read_ += dropped.messages;
    taken_before_ping_ += dropped.messages;
    lanes_->toward[0].count_lapsed(dropped.messages);
    messaging::counters& counts = owner_->counters();
    (why == drop_reason::stale ? counts.dropped_stale : counts.expired).add(dropped.messages);
    log_->emit(event_kind::dropped, [&](slk::event& made) {
        made.address = transport_ ? transport_->peer() : address{};
        made.drop = why;
        made.count = dropped.messages;
        return try_assign(made.routing_id, peer_id());
    });
    if (dropped.notify && near_)
        near_->on_writable();
}

/// The stream is over. What the peer has not shown to have read may be lost with it.
void connection::count_unconfirmed() noexcept
{
    const std::uint64_t all = taken();
    const std::uint64_t unknown = all - std::exchange(read_, all);
    if (unknown == 0)
        return;
    lanes_->unconfirmed.fetch_add(unknown, std::memory_order_relaxed);
    owner_->counters().unconfirmed.add(unknown);
}

} // namespace slk::messaging
