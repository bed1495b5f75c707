// SPDX-License-Identifier: MPL-2.0

// What a connection knows about its peer: how much the peer has read, whether it lives, and
// whether it may have finished.

#include "messaging/connection/connection.hpp"

#include <memory>
#include <new>
#include <utility>

namespace slk::messaging {

namespace {

/// Streams that the peer ends in the same message before the message is set aside.
constexpr int max_breaks = 3;

[[nodiscard]] bool ended_by_peer(const error& reason) noexcept
{
    return reason == errc::connection_reset || reason == errc::connection_aborted ||
           reason == errc::broken_pipe || reason == errc::end_of_stream;
}

} // namespace

/// Messages that the system has taken on all streams up to now.
std::uint64_t connection::taken() const noexcept
{
    const lane::lane& lane = lanes_->toward[0];
    return lanes_->latest != nullptr ? lanes_->latest->toward[0].counts(lane).taken
                                     : lane.consumed_by_now();
}

/// Messages were sent that the peer may not have read yet: no PING after them was answered, and
/// fewer messages have come back since than were sent.
bool connection::may_have_unread() const noexcept
{
    const std::uint64_t answers = lanes_->toward[1].produced() - answers_before_;
    return taken() - read_ > (lanes_->latest == nullptr ? answers : 0);
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
    const bool need_not_answer = is_stuck() || may_have_unread() || !session_->peer_beats();
    return need_not_answer && transport_->peer_acknowledges(settings_->options().peer_timeout);
}

/// A peer is stalled that neither says anything nor takes anything, although something waits for
/// it.
void connection::look_for_stall(bool silent) noexcept
{
    const std::uint64_t sent = taken() + transport_->sent();
    const bool progress = std::exchange(sent_at_last_look_, sent) != sent;
    const bool waits = is_stuck() || (session_->peer_beats() && may_have_unread());
    if (progress)
        set_stalled(false);
    else if (silent && waits)
        set_stalled(true);
}

void connection::set_stalled(bool stalled) noexcept
{
    if (stalled == (stalled_since_ != never))
        return;
    stalled_since_ = stalled ? now() : never;
    // The end of a stall that was reported needs no memory. Without memory for both, neither is.
    if (stalled) {
        std::unique_ptr<queued_event> began(new (std::nothrow) queued_event);
        stall_end_event_.reset(new (std::nothrow) queued_event);
        if (began == nullptr)
            stall_end_event_.reset();
        if (stall_end_event_ == nullptr)
            return;
        began->report = event_of(peer_stalled{near_, true});
        owner_->post(std::move(began));
    } else if (stall_end_event_ != nullptr) {
        stall_end_event_->report = event_of(peer_stalled{near_, false});
        owner_->post(std::move(stall_end_event_));
    }
}

time_point connection::stall_ends() const noexcept
{
    const duration limit = settings_->options().stalled_timeout;
    return stalled_since_ == never || limit == duration::zero() ? never
                                                                : after(stalled_since_, limit);
}

/// Something has arrived.
void connection::note_sign_of_life() noexcept
{
    if (stalled_since_ != never)
        set_stalled(false);
    // While it is paused, a caller may be counting messages.
    if (ping_ != 0 && !paused_ && session_->answered_ping() >= ping_) {
        read_ = taken_before_ping_;
        answers_before_ = lanes_->toward[1].produced();
        ping_ = 0;
    }
}

/// While this side does not receive, it does not see the peer's end, which is behind what waits to
/// be received. Messages are not sent to a peer that has finished: the next connection gets them.
bool connection::holds_back() noexcept
{
    return paused_ && transport_->peer_has_finished();
}

/// A heartbeat is not sent if the peer's end has arrived or may be under way, because it would make
/// the peer's system throw away what it has not passed on yet. While this side receives, the
/// heartbeat waits until what is there has been received; otherwise it is omitted.
bool connection::may_send_heartbeat() noexcept
{
    if (!is_ready() || session_->state() != zmtp::session_state::ready ||
        !transport_->peer_may_have_finished())
        return true;
    if (paused_)
        session_->skip_heartbeats();
    return false;
}

/// The stream is over. A message that the peer refuses, for example because it is too large for it,
/// would be sent again on the next one, and would end that too. It is set aside after a few, so
/// that the messages behind it arrive.
void connection::look_for_refusal() noexcept
{
    if (!out_->inside_message() || !ended_by_peer(ending_because_))
        return;
    const std::uint64_t at = taken();
    breaks_ = breaks_ > 0 && broken_at_ == at ? static_cast<std::uint8_t>(breaks_ + 1) : 1;
    broken_at_ = at;
    if (breaks_ < max_breaks)
        return;
    breaks_ = 0;
    const auto dropped = out_->drop_message();
    read_ += dropped.messages;
    lanes_->refused.fetch_add(dropped.messages, std::memory_order_relaxed);
    owner_->counters().refused.add(dropped.messages);
    (void)owner_->post(event_of(message_refused{near_}, ending_because_));
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
