// SPDX-License-Identifier: MPL-2.0

// Several sockets at once, and the event loops of others.

#include <serverlink/wait.hpp>

#include "messaging/socket_core.hpp"
#include "pattern/router.hpp"

#include <algorithm>
#include <optional>
#include <stop_token>

namespace slk::messaging {

socket_events socket_core::events()
{
    if (!usable())
        return {};
    look_around();
    socket_events told;
    told.readable = can_receive();
    if (router_ == nullptr)
        told.writable = choose() != nullptr;
    else // who is not mandatory never waits
        told.writable = !mandatory || std::ranges::any_of(pipes_, [&](const auto& each) {
            return each->attached && !each->ended && has_credit(*each);
        });
    return told;
}

result<std::intptr_t> socket_core::event_handle()
{
    SLK_TRY(usable());
    if (!context_->run_by_caller())
        return box_->show();
    io::loop_core* const loop = context_->to_run();
    const auto handle = loop != nullptr ? loop->io().wait_handle() : io::invalid_handle;
    if (handle == io::invalid_handle)
        return fail(errc::not_supported, phase::none, "this loop's backend has no handle");
    return handle;
}

duration socket_core::poll_timeout() const noexcept
{
    io::loop_core* const loop = context_->to_run();
    if (loop == nullptr)
        return duration::max();
    const time_point wanted = loop->wants_turn_at();
    return wanted == never ? duration::max() : std::max(wanted - context_->now(), duration::zero());
}

namespace {

/// One call of wait().
class gathering {
public:
    gathering(std::span<wait_item> items, const timeout& limit) : items_(items), limit_(limit) {}

    ~gathering()
    {
        for (socket_core* const each : sockets_)
            each->box().use(nullptr);
    }

    result<std::size_t> run()
    {
        SLK_TRY(begin());
        for (;;) {
            SLK_TRY(const std::size_t ready, look());
            if (ready > 0)
                return ready;
            SLK_TRY(may_go_on());
            if (limit_.max_wait == duration::zero())
                return fail(errc::would_block, phase::none);
            const duration left = deadline_ == never ? duration::max() : deadline_ - now();
            if (left <= duration::zero())
                return fail(errc::timed_out, phase::none);
            SLK_TRY(sleep(left));
        }
    }

private:
    struct woken {
        gathering* by;
        void operator()() const noexcept { by->wake(); }
    };

    result<void> begin()
    {
        if (items_.empty())
            return fail(errc::invalid_argument, phase::none, "there are no items");
        for (const wait_item& each : items_) {
            if (each.on == nullptr) {
                descriptors_.push_back({each.descriptor, each.to_receive, each.to_send});
                continue;
            }
            if (each.on->core() == nullptr)
                return fail(errc::invalid_argument, phase::none, "an item's socket is empty");
            SLK_TRY(each.on->core()->usable());
            sockets_.push_back(each.on->core());
        }
        const auto apart = [&](const socket_core* each) {
            return each->context() != sockets_.front()->context() &&
                   (each->context()->run_by_caller() || context().run_by_caller());
        };
        if (std::ranges::any_of(sockets_, apart))
            return fail(errc::invalid_argument, phase::none,
                        "a context without threads goes with no other");
        deadline_ = after(now(), limit_.max_wait);
        if (limit_.max_wait == duration::zero())
            return {};
        if (!descriptors_.empty()) {
            SLK_TRY(stop_signal_, io::os::signal::create());
        } else {
            for (socket_core* const each : sockets_)
                each->box().use(&parker_);
        }
        if (limit_.stop.stop_possible())
            on_stop_.emplace(limit_.stop, woken{this});
        return {};
    }

    [[nodiscard]] context_core& context() const noexcept { return *sockets_.front()->context(); }
    [[nodiscard]] time_point now() const noexcept
    {
        return sockets_.empty() ? system_clock_source().now() : context().now();
    }

    result<void> may_go_on() const
    {
        if (limit_.stop.stop_requested())
            return fail(errc::cancelled, phase::none, "a stop was requested");
        for (const socket_core* const each : sockets_)
            SLK_TRY(each->usable());
        return {};
    }

    result<std::size_t> look()
    {
        if (!descriptors_.empty())
            SLK_TRY(io::os::wait_for(descriptors_, duration::zero()));
        std::size_t ready = 0;
        std::size_t descriptor = 0;
        for (wait_item& each : items_) {
            if (each.on == nullptr) {
                each.readable = descriptors_[descriptor].readable;
                each.writable = descriptors_[descriptor].writable;
                ++descriptor;
            } else {
                const socket_events found = each.on->core()->events();
                each.readable = each.to_receive && found.readable;
                each.writable = each.to_send && found.writable;
            }
            ready += each.readable || each.writable ? 1 : 0;
        }
        return ready;
    }

    result<void> sleep(duration left)
    {
        if (!descriptors_.empty())
            return sleep_on_descriptors(left);
        if (io::loop_core* const loop = context().to_run(); loop != nullptr) {
            const std::function<bool()> done = [this] { return any_news() || !may_go_on(); };
            SLK_TRY(loop->run(&done, left));
            return {};
        }
        if (!any_news())
            (void)parker_.park(left);
        return {};
    }

    /// Poll(2), with what the sockets show.
    result<void> sleep_on_descriptors(duration left)
    {
        std::vector<io::os::watched> all = descriptors_;
        all.push_back({stop_signal_->handle(), true, false});
        for (socket_core* const each : sockets_) {
            SLK_TRY(const std::intptr_t shown, each->event_handle());
            all.push_back({shown, true, false});
            left = std::min(left, each->poll_timeout());
        }
        if (!any_news())
            SLK_TRY(io::os::wait_for(all, left));
        return {};
    }

    [[nodiscard]] bool any_news() const noexcept
    {
        return std::ranges::any_of(sockets_,
                                   [](socket_core* each) { return each->box().has_news(); });
    }

    void wake() noexcept
    {
        parker_.wake();
        if (stop_signal_ != nullptr)
            stop_signal_->set();
        if (!sockets_.empty())
            context().wake();
    }

    const std::span<wait_item> items_;
    const timeout& limit_;
    std::vector<socket_core*> sockets_;
    std::vector<io::os::watched> descriptors_;
    time_point deadline_ = never;
    thread_parker parker_;
    std::unique_ptr<io::os::signal> stop_signal_;
    std::optional<std::stop_callback<woken>> on_stop_;
};

} // namespace

} // namespace slk::messaging

namespace slk {

result<std::size_t> wait(std::span<wait_item> items, const timeout& limit)
{
    return messaging::gathering(items, limit).run();
}

} // namespace slk
