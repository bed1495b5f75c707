// SPDX-License-Identifier: MPL-2.0
#include "io/user_call.hpp"

#include <utility>

namespace slk::io {

user_call::user_call(std::shared_ptr<loop_core> on) noexcept : loop_(std::move(on))
{
    cancel_task_.owner = this;
    cancel_task_.run = [](task& self) noexcept {
        auto& call = *static_cast<user_call*>(self.owner);
        call.end();
        call.release();
    };
    // The loop has ended, and this call with it.
    cancel_task_.drop = [](task& self) noexcept { static_cast<user_call*>(self.owner)->release(); };
}

void user_call::attach() noexcept
{
    retain();
    attached_ = true;
    loop_->add(*this);
}

void user_call::cancel() noexcept
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

void user_call::end() noexcept
{
    active_.store(false, std::memory_order_release);
    // The function may own the handle, whose end destroys nothing yet.
    const auto held = reference<user_call>::to(*this);
    if (std::exchange(attached_, false)) {
        detach();
        loop_->remove(*this);
        release();
    }
    if (!inside_)
        destroy_function();
}

} // namespace slk::io
