// SPDX-License-Identifier: MPL-2.0
#include "coroutine/socket_watch.hpp"

#include "messaging/socket/socket_core.hpp"

#include <new>
#include <utility>

namespace slk::coroutine_detail {

socket_watch::socket_watch(reference<scheduler> on) noexcept : on_(std::move(on))
{
    turn_.owner = this;
    turn_.run = [](io::task& self) noexcept {
        const auto held = reference<socket_watch>::adopt(static_cast<socket_watch*>(self.owner));
        held->run();
    };
    turn_.drop = [](io::task& self) noexcept { static_cast<socket_watch*>(self.owner)->release(); };
}

void socket_watch::reported() noexcept
{
    if (posted_.exchange(true, std::memory_order_acq_rel))
        return;
    retain();
    if (!on_->loop().post(turn_))
        release(); // the loop has ended
}

void socket_watch::add(operation& which, messaging::inbox& of) noexcept
{
    of_ = &of;
    which.wait_in(waiting_);
    if (!of.listens())
        of.listen(true);
    if (of.must_stay_awake())
        reported();
}

void socket_watch::run() noexcept
{
    posted_.store(false, std::memory_order_release);
    if (waiting_.empty())
        return;
    // Held by the operations, which may end.
    const auto of = reference<messaging::inbox>::to(*of_);
    on_->run(waiting_);
    if (waiting_.empty() && of->listener() == this)
        of->listen(false);
}

namespace {

/// The watch of this socket for the operation's loop.
result<socket_watch*> watch_of(messaging::inbox& of, scheduler& on) noexcept
{
    if (of.listener() != nullptr) {
        auto* const known = static_cast<socket_watch*>(of.listener());
        if (&known->on() == &on)
            return known;
        if (!known->is_idle())
            return fail(errc::invalid_state, phase::none,
                        "a task of another loop waits for the socket");
    }
    auto* const made = new (std::nothrow) socket_watch(reference<scheduler>::to(on));
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::none);
    of.set_listener(reference<messaging::inbox_listener>::adopt(made));
    return made;
}

} // namespace

socket_place::socket_place(messaging::socket_core* at) noexcept : at_(at)
{
    if (at_ != nullptr)
        at_->retain();
}

socket_place::socket_place(socket_place&& other) noexcept : at_(std::exchange(other.at_, nullptr))
{
}

socket_place::~socket_place()
{
    if (at_ != nullptr)
        at_->release();
}

result<void> socket_place::usable() const noexcept
{
    return at_ != nullptr ? at_->usable() : result<void>{};
}

result<void> socket_place::park(operation& which, bool receives) const noexcept
{
    messaging::inbox& reports = at_->reports();
    SLK_TRY(socket_watch* const watch, watch_of(reports, *which.by().on));
    if (receives)
        (void)at_->begin_wait();
    watch->add(which, reports);
    return {};
}

} // namespace slk::coroutine_detail
