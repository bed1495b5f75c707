// SPDX-License-Identifier: MPL-2.0

// What an endpoint does after its socket has given it up: its connections send what is queued, and
// it ends with them. No other thread than the loop's has to do with it.

#include "messaging/context/context_core.hpp"
#include "messaging/socket/endpoint_table.hpp"

#include <chrono>
#include <utility>

namespace slk::messaging {

namespace {

/// context::wait_closed() waits for this time until the peers have read what was sent. A peer that
/// does not read has the rest in its system.
constexpr duration max_awaited_drain = std::chrono::seconds(1);

} // namespace

endpoint_entry::endpoint_entry() noexcept
{
    timer_.owner = this;
    timer_.on_expiry = [](io::timer& self) noexcept {
        static_cast<endpoint_entry*>(self.owner)->expire();
    };
}

io_loop* endpoint_entry::on() const noexcept
{
    return accepting    ? accepting->on().get()
           : connected  ? connected->on().get()
           : successive ? successive->on().get()
                        : nullptr;
}

void endpoint_entry::depart(duration linger, const std::shared_ptr<context_core>& from) noexcept
{
    io_loop& at = *on();
    // One that was never tried is about to begin.
    const link_status link = connecting ? connecting->status() : link_status{};
    const bool is_stopped = connecting && link.state == link_state::idle && link.attempt > 0;
    const time_point deadline =
        !is_stopped && linger > duration::zero() ? after(time_now(), linger) : time_point{};
    state_ = departure::begins;
    counted_by_ = from;
    counted_by_->count_departing();
    at.departing.push_back(*this);
    at.core->io().arm(timer_, deadline);
    if (accepting) {
        accepting->depart(deadline, *this);
    } else if (connected) {
        connected->observe(this);
        connected->depart(deadline);
    } else {
        successive->depart(deadline);
    }
    if (std::exchange(state_, departure::under_way) == departure::over)
        delete this;
    else
        at.core->add(*this); // which ends it, if the loop ends
}

/// A loop that the caller runs may not have had a turn for a long time.
time_point endpoint_entry::time_now() const noexcept
{
    return on()->core->options().time->now();
}

/// What is left of the time is the peers', to read.
void endpoint_entry::everything_sent() noexcept
{
    if (state_ == departure::none)
        return;
    is_sent_ = true;
    if (connecting)
        connecting->pause();
    on()->core->io().arm(timer_, time_now() + max_awaited_drain);
}

void endpoint_entry::expire() noexcept
{
    // A connection that drains knows when its time is over.
    if (is_sent_)
        count_out();
    else
        end_departure();
}

void endpoint_entry::link_stopped(const error& reason) noexcept
{
    // One that was connected gets no more messages. For one that never was they wait, as before.
    if (state_ == departure::none && connected && log->record().handshakes_succeeded.value() > 0)
        connected->give_up(reason);
    // Not at once: this is the link's handler.
    if (state_ == departure::under_way && !is_sent_)
        on()->core->io().arm(timer_, time_point{});
}

void endpoint_entry::end_departure() noexcept
{
    count_out();
    if (accepting)
        accepting->end(closed_by_owner);
    else if (connected)
        connected->end(closed_by_owner);
    else
        successive->end(closed_by_owner);
}

void endpoint_entry::connection_closed() noexcept
{
    if (state_ == departure::none)
        return;
    count_out();
    departing_endpoint::unlink();
    if (io::resident::linked())
        on()->core->remove(*this);
    on()->core->io().disarm(timer_);
    if (std::exchange(state_, departure::over) == departure::under_way)
        delete this;
}

void endpoint_entry::count_out() noexcept
{
    if (const auto context = std::exchange(counted_by_, {}); context != nullptr)
        context->count_departed();
}

} // namespace slk::messaging
