// SPDX-License-Identifier: MPL-2.0
#include "messaging/socket/socket_watch_call.hpp"

#include "base/call_user.hpp"

#include <new>
#include <utility>

namespace slk::messaging {

socket_watch_call::socket_watch_call(std::shared_ptr<io::loop_core> on, socket_core& of,
                                     watch_for wanted, function work) noexcept
    : user_call(std::move(on)), socket_(reference<socket_core>::to(of)),
      notice_(reference<ready_notice>::to(*of.reports().notice())), wanted_(wanted),
      work_(std::move(work))
{
}

result<socket_watch_call*> socket_watch_call::start(socket_core& of,
                                                    const std::shared_ptr<io::loop_core>& on,
                                                    watch_for wanted, function work)
{
    SLK_TRY(of.usable());
    if (!work)
        return fail(errc::invalid_argument, phase::none, "the function is empty");
    SLK_TRY(on->check_use());
    const context_core& in = *of.context();
    if (in.run_by_caller() && in.first_loop() != on)
        return fail(errc::invalid_argument, phase::none,
                    "a context without threads needs the watch on its own loop");
    if (!of.reports().make_notice())
        return fail(errc::out_of_memory, phase::none);
    auto* const made = new (std::nothrow) socket_watch_call(on, of, wanted, std::move(work));
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::none);
    const auto look = [](void* owner) noexcept { static_cast<socket_watch_call*>(owner)->look(); };
    if (!made->notice_->attach(on, look, made)) {
        made->release();
        return fail(errc::already_exists, phase::none, "the socket has a watch already");
    }
    made->attach();
    return made;
}

void socket_watch_call::look() noexcept
{
    const auto held = reference<socket_watch_call>::to(*this);
    if (!socket_->usable())
        return end();
    const socket_events now = socket_->events(io::includes(wanted_, watch_for::readable),
                                              io::includes(wanted_, watch_for::writable));
    if (!now.readable && !now.writable)
        return; // there will be a report
    if (make(false, [&] { call_user("the function of a watch", [&] { work_(now); }); }))
        notice_->set(); // by level: there may be more
}

result<void> socket_watch_call::set(watch_for wanted) noexcept
{
    SLK_TRY(on().check_use());
    if (!active())
        return fail(errc::invalid_state, phase::none, "the watch has ended");
    wanted_ = wanted;
    notice_->set();
    return {};
}

void socket_watch_call::detach() noexcept
{
    notice_->detach();
}

void socket_watch_call::destroy_function() noexcept
{
    const function gone = std::exchange(work_, nullptr);
    socket_.reset();
}

} // namespace slk::messaging

namespace slk {

socket_watch::socket_watch(socket_watch&& other) noexcept
    : core_(std::exchange(other.core_, nullptr))
{
}

socket_watch& socket_watch::operator=(socket_watch&& other) noexcept
{
    if (this != &other) {
        const socket_watch old(std::move(*this));
        core_ = std::exchange(other.core_, nullptr);
    }
    return *this;
}

socket_watch::~socket_watch()
{
    if (core_ == nullptr)
        return;
    core_->cancel();
    core_->release();
}

void socket_watch::cancel() noexcept
{
    if (core_ != nullptr)
        core_->cancel();
}

result<void> socket_watch::set(watch_for wanted)
{
    if (core_ == nullptr)
        return fail(errc::invalid_state, phase::none, "the handle has no watch");
    return core_->set(wanted);
}

bool socket_watch::active() const noexcept
{
    return core_ != nullptr && core_->active();
}

} // namespace slk
