// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_WAITER_HPP
#define SLK_MESSAGING_WAITER_HPP

/// How a thread that uses a socket waits for news: it sleeps, or it runs the loop itself.

#include <serverlink/timeout.hpp>

#include "messaging/context_core.hpp"

#include <functional>
#include <optional>
#include <stop_token>

namespace slk::messaging {

class waiter {
public:
    /// `ending`: the end of the context does not end the waiting.
    waiter(context_core& in, mailbox& box, const timeout& limit, bool ending = false)
        : context_(in), box_(box), limit_(limit), ending_(ending)
    {
    }

    /// The thread has just sent something, and waits for what comes of it.
    void expect_answer() noexcept { expects_answer_ = true; }

    /// Until there is news. Errors: would_block, timed_out, cancelled, and what running the loop
    /// brings.
    result<void> wait()
    {
        SLK_TRY(may_go_on());
        if (limit_.max_wait == duration::zero())
            return look_once();
        if (!begun_)
            begin();
        const duration left = deadline_ == never ? duration::max() : deadline_ - context_.now();
        if (left <= duration::zero())
            return fail(errc::timed_out, phase::none);
        if (io::loop_core* const loop = context_.to_run(); loop != nullptr) {
            const std::function<bool()> done = [this] { return box_.has_news() || !may_go_on(); };
            SLK_TRY(loop->run(&done, left));
        } else {
            box_.sleep(left, std::exchange(expects_answer_, false));
        }
        return {};
    }

private:
    struct woken {
        waiter* by;
        void operator()() const noexcept { by->wake(); }
    };

    [[nodiscard]] result<void> may_go_on() const noexcept
    {
        if (context_.stopped() && !ending_)
            return fail(errc::cancelled, phase::none, "the context was shut down");
        if (limit_.stop.stop_requested())
            return fail(errc::cancelled, phase::none, "a stop was requested");
        return {};
    }

    /// Without waiting; whoever runs the loop himself must give it a chance, once.
    result<void> look_once()
    {
        io::loop_core* const loop = context_.to_run();
        if (loop == nullptr || std::exchange(begun_, true))
            return fail(errc::would_block, phase::none);
        SLK_TRY(loop->run(nullptr, duration::zero()));
        return {};
    }

    void begin()
    {
        begun_ = true;
        deadline_ = after(context_.now(), limit_.max_wait);
        if (limit_.stop.stop_possible())
            on_stop_.emplace(limit_.stop, woken{this});
    }

    void wake() noexcept
    {
        box_.wake();
        context_.wake();
    }

    context_core& context_;
    mailbox& box_;
    const timeout& limit_;
    const bool ending_;
    bool expects_answer_ = false;
    bool begun_ = false;
    time_point deadline_ = never;
    std::optional<std::stop_callback<woken>> on_stop_;
};

} // namespace slk::messaging

#endif
