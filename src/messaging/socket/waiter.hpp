// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_SOCKET_WAITER_HPP
#define SLK_MESSAGING_SOCKET_WAITER_HPP

/// How a thread that uses a socket waits for reports: it sleeps, or it runs the loop itself.

#include <serverlink/timeout.hpp>

#include "messaging/context/context_core.hpp"

#include <functional>
#include <optional>
#include <stop_token>

namespace slk::messaging {

class waiter {
public:
    /// `closing`: the wait goes on when the context is shut down.
    waiter(context_core& in, inbox& reports, const timeout& limit, bool closing = false)
        : context_(in), reports_(reports), limit_(limit), closing_(closing)
    {
    }

    /// A handler of a signal ends the wait.
    void set_interruptible(bool on) noexcept { interruptible_ = on; }
    /// The thread has just sent a message, and waits for the reply.
    void expect_reply() noexcept { expects_reply_ = true; }

    /// Waits until there are reports. Errors: would_block, timed_out, cancelled, interrupted, and
    /// those of running the loop.
    result<void> wait()
    {
        SLK_TRY(may_go_on());
        if (interrupted_)
            return fail_interrupted();
        if (limit_.max_wait == duration::zero())
            return look_once();
        if (!begun_)
            begin();
        const duration left = deadline_ == never ? duration::max() : deadline_ - context_.now();
        if (left <= duration::zero())
            return fail(errc::timed_out, phase::none);
        if (io::loop_core* const loop = context_.to_run(); loop != nullptr) {
            const std::function<bool()> done = [this] {
                return reports_.has_reports() || !may_go_on();
            };
            SLK_TRY(loop->run(&done, left, interruptible_ ? &interrupted_ : nullptr));
        } else {
            interrupted_ =
                reports_.sleep(left, std::exchange(expects_reply_, false), interruptible_);
        }
        // What the caller waits for may have come with the signal: it looks once more.
        return interrupted_ && !reports_.has_reports() ? fail_interrupted() : result<void>{};
    }

private:
    struct wake_on_stop {
        waiter* by;
        void operator()() const noexcept { by->wake(); }
    };

    [[nodiscard]] result<void> may_go_on() const noexcept
    {
        if (context_.stopped() && !closing_)
            return fail(context_.why_stopped());
        if (limit_.stop.stop_requested())
            return fail(errc::cancelled, phase::none, "a stop was requested");
        return {};
    }

    [[nodiscard]] static result<void> fail_interrupted() noexcept
    {
        return fail(errc::interrupted, phase::none, "a handler of a signal has run");
    }

    /// Does not wait. A loop that the caller runs has one turn, but for a call from inside a turn.
    result<void> look_once()
    {
        io::loop_core* const loop = context_.to_run();
        // A function that the loop calls cannot run it, and there is nothing to be expected of it.
        if (loop == nullptr || loop->inside() || std::exchange(begun_, true))
            return fail(errc::would_block, phase::none);
        SLK_TRY(loop->run(nullptr, duration::zero()));
        return {};
    }

    void begin()
    {
        begun_ = true;
        deadline_ = after(context_.now(), limit_.max_wait);
        if (limit_.stop.stop_possible())
            on_stop_.emplace(limit_.stop, wake_on_stop{this});
    }

    void wake() noexcept
    {
        reports_.wake();
        context_.wake();
    }

    context_core& context_;
    inbox& reports_;
    const timeout& limit_;
    const bool closing_;
    bool expects_reply_ = false;
    bool interruptible_ = false;
    bool interrupted_ = false;
    bool begun_ = false;
    time_point deadline_ = never;
    std::optional<std::stop_callback<wake_on_stop>> on_stop_;
};

} // namespace slk::messaging

#endif
