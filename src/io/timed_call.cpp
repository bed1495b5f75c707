// SPDX-License-Identifier: MPL-2.0
#include "io/timed_call.hpp"

#include "base/call_user.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace slk::io {

timed_call::timed_call(std::shared_ptr<loop_core> on, duration period,
                       std::function<void()> work) noexcept
    : user_call(std::move(on)), period_(period), work_(std::move(work))
{
    timer_.owner = this;
    timer_.on_expiry = [](io::timer& self) noexcept {
        static_cast<timed_call*>(self.owner)->expired();
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
    made->attach();
    on->io().arm(made->timer_, after(made->present(), delay));
    on->notice_change();
    return made;
}

/// The loop's time may be that of a turn that began long ago, or of no turn at all.
time_point timed_call::present() const noexcept
{
    return std::max(on().io().now(), on().options().time->now());
}

void timed_call::expired() noexcept
{
    const bool single = period_ == duration::zero();
    if (make(single, [this] { call_user("the function of a timer", work_); }))
        arm_again();
}

/// The deadlines keep the rhythm of the first one; those that have passed meanwhile are left out.
void timed_call::arm_again() noexcept
{
    const time_point now = present();
    time_point next = after(timer_.deadline(), period_);
    if (next <= now)
        next = after(next, (now - next) / period_ * period_ + period_);
    on().io().arm(timer_, next);
}

void timed_call::detach() noexcept
{
    on().io().disarm(timer_);
}

void timed_call::destroy_function() noexcept
{
    const std::function<void()> gone = std::exchange(work_, nullptr);
}

} // namespace slk::io

namespace slk {

timer::timer(timer&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}

timer& timer::operator=(timer&& other) noexcept
{
    if (this != &other) {
        const timer old(std::move(*this));
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
