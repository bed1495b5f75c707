// SPDX-License-Identifier: MPL-2.0
#include "io/timed_call.hpp"

#include "base/call_user.hpp"
#include "base/reference.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace slk::io {

timed_call::timed_call(std::shared_ptr<loop_core> on, duration period,
                       std::function<void()> work) noexcept
    : loop_(std::move(on)), period_(period), work_(std::move(work))
{
    timer_.owner = this;
    timer_.on_expiry = [](io::timer& self) noexcept {
        static_cast<timed_call*>(self.owner)->expired();
    };
    cancel_task_.owner = this;
    cancel_task_.run = [](task& self) noexcept {
        auto& call = *static_cast<timed_call*>(self.owner);
        call.end();
        call.release();
    };
    // The loop has ended, and this call with it.
    cancel_task_.drop = [](task& self) noexcept {
        static_cast<timed_call*>(self.owner)->release();
    };
}

result<timed_call*> timed_call::start(const std::shared_ptr<loop_core>& on, duration delay,
                                      duration period, std::function<void()> work)
{
    if (!work)
        return fail(errc::invalid_argument, phase::none, "the function is empty");
    SLK_TRY(on->check_use());
    auto* const made = new (std::nothrow) timed_call(on, period, std::move(work));
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    made->retain(); // the loop's reference
    on->add(*made);
    on->io().arm(made->timer_, after(made->present(), delay));
    on->notice_change();
    return made;
}

/// The loop's time may be that of a turn that began long ago, or of no turn at all.
time_point timed_call::present() const noexcept
{
    return std::max(loop_->io().now(), loop_->options().time->now());
}

void timed_call::expired() noexcept
{
    const auto held = reference<timed_call>::to(*this);
    const bool wanted = period_ == duration::zero()
                            ? active_.exchange(false, std::memory_order_acq_rel)
                            : active_.load(std::memory_order_acquire);
    if (!wanted)
        return end();
    inside_ = true;
    call_user("the function of a timer", work_);
    inside_ = false;
    if (loop_->forked()) // in the function, and this is the child
        return;
    if (active_.load(std::memory_order_acquire) && attached_)
        arm_again();
    else
        end();
}

/// The deadlines keep the rhythm of the first one; those that have passed meanwhile are left out.
void timed_call::arm_again() noexcept
{
    const time_point now = present();
    time_point next = after(timer_.deadline(), period_);
    if (next <= now)
        next = after(next, (now - next) / period_ * period_ + period_);
    loop_->io().arm(timer_, next);
}

void timed_call::cancel() noexcept
{
    const bool wanted = active_.exchange(false, std::memory_order_acq_rel);
    if (loop_->forked()) {
        loop_->leave_to_parent();
    } else if (loop_->closed()) {
        // It was ended when the loop closed.
    } else if (loop_->may_touch()) {
        end();
    } else if (wanted) {
        retain();
        if (!loop_->post(cancel_task_))
            release();
    }
}

/// On the loop's thread. The function may own the handle, whose end destroys nothing yet.
void timed_call::end() noexcept
{
    active_.store(false, std::memory_order_release);
    const auto held = reference<timed_call>::to(*this);
    if (std::exchange(attached_, false)) {
        loop_->io().disarm(timer_);
        loop_->remove(*this);
        release();
    }
    if (!inside_)
        const std::function<void()> gone = std::exchange(work_, nullptr);
}

} // namespace slk::io

namespace slk {

timer::timer(timer&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}

timer& timer::operator=(timer&& other) noexcept
{
    if (this != &other) {
        timer old(std::move(*this));
        core_ = std::exchange(other.core_, nullptr);
    }
    return *this;
}

timer::~timer()
{
    if (core_ == nullptr)
        return;
    core_->cancel();
    core_->release();
}

void timer::cancel() noexcept
{
    if (core_ != nullptr)
        core_->cancel();
}

bool timer::active() const noexcept
{
    return core_ != nullptr && core_->active();
}

void timer::detach() noexcept
{
    if (core_ != nullptr)
        std::exchange(core_, nullptr)->release();
}

} // namespace slk
