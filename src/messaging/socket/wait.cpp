// SPDX-License-Identifier: MPL-2.0

// slk::wait: several sockets, streams of events and descriptors at once.

#include <serverlink/events.hpp>
#include <serverlink/wait.hpp>

#include "base/try_allocate.hpp"
#include "io/os/signal.hpp"
#include "messaging/context/yield_policy.hpp"
#include "messaging/observe/event_watch.hpp"
#include "messaging/socket/socket_core.hpp"
#include "messaging/socket/wait_or_interrupt.hpp"

#include <algorithm>
#include <atomic>
#include <optional>
#include <stop_token>
#include <utility>

namespace slk::messaging {

namespace {

/// One call of wait().
class wait_call {
public:
    /// `interrupted`: ends the wait, after a wake of one of the sockets; or null. `by_signals`: a
    /// handler of a signal ends it too.
    wait_call(std::span<wait_item> items, const timeout& limit,
              const std::atomic<bool>* interrupted = nullptr, bool by_signals = false)
        : items_(items), limit_(limit), interrupted_(interrupted), by_signals_(by_signals)
    {
    }

    ~wait_call()
    {
        if (prepared_ && !waits_for_one_socket())
            redirect_wakes(nullptr);
    }

    result<std::size_t> run()
    {
        SLK_TRY(begin());
        for (;;) {
            SLK_TRY(const std::size_t ready, look());
            if (ready > 0)
                return ready;
            SLK_TRY(may_go_on());
            // What it waits for may have come with the signal: it has looked once more.
            if (signalled_)
                return fail(errc::interrupted, phase::none, "a handler of a signal has run");
            if (limit_.max_wait == duration::zero())
                return fail(errc::would_block, phase::none);
            const duration left = deadline_ == never ? duration::max() : deadline_ - now();
            if (left <= duration::zero())
                return fail(errc::timed_out, phase::none);
            // What costs more than a look comes only after a look in vain.
            if (!prepared_) {
                if (!yield())
                    SLK_TRY(prepare_to_sleep());
                continue;
            }
            SLK_TRY(sleep(left));
        }
    }

private:
    struct wake_on_stop {
        wait_call* by;
        void operator()() const noexcept { by->wake(); }
    };

    result<void> begin()
    {
        if (items_.empty() && !by_signals_)
            return fail(errc::invalid_argument, phase::none, "there are no items");
        for (const wait_item& each : items_) {
            if (each.on == nullptr && each.events != nullptr) {
                SLK_TRY(begin(*each.events));
                continue;
            }
            if (each.on == nullptr) {
                if (each.descriptor == wait_item{}.descriptor)
                    return fail(errc::invalid_argument, phase::none,
                                "an item has neither a socket nor a descriptor");
                if (!try_push_back(descriptors_,
                                   io::os::watched{each.descriptor, each.to_receive, each.to_send,
                                                   each.to_fail, each.to_urgent, each.apart}))
                    return fail(errc::out_of_memory, phase::none);
                continue;
            }
            if (each.on->core() == nullptr)
                return fail(errc::invalid_argument, phase::none, "an item's socket is empty");
            SLK_TRY(each.on->core()->usable());
            if (!try_push_back(sockets_, each.on->core()))
                return fail(errc::out_of_memory, phase::none);
        }
        const auto apart = [&](const auto* each) {
            return each->context().get() != &context() &&
                   (each->context()->run_by_caller() || context().run_by_caller());
        };
        if (std::ranges::any_of(sockets_, apart) || std::ranges::any_of(streams_, apart))
            return fail(errc::invalid_argument, phase::none,
                        "a context without threads goes with no other");
        deadline_ = after(now(), limit_.max_wait);
        return {};
    }

    /// A socket alone has a sleeper of its own, which yields before it sleeps.
    [[nodiscard]] bool waits_for_one_socket() const noexcept
    {
        return sockets_.size() == 1 && streams_.empty() && descriptors_.empty();
    }

    /// What is sent next to the sockets that this thread waits for answers what it has waited for,
    /// as after a receive(). Returns whether a reply is to be expected.
    [[nodiscard]] bool begin_wait() noexcept
    {
        bool expects_reply = false;
        for (const wait_item& each : items_)
            if (each.on != nullptr && each.to_receive && each.on->core()->begin_wait())
                expects_reply = true;
        return expects_reply;
    }

    /// A yield costs less than a sleep and a wake. Returns whether there are reports now.
    [[nodiscard]] bool yield() noexcept
    {
        expects_reply_ = begin_wait();
        if (!descriptors_.empty() || waits_for_one_socket() || !has_context() ||
            context().run_by_caller())
            return false;
        return yield_until([this] { return any_reports(); }, expects_reply_);
    }

    /// From here on the reports of the sockets, and a stop, end a sleep.
    result<void> prepare_to_sleep()
    {
        if (!descriptors_.empty()) {
            SLK_TRY(wakes_.open());
            parker_.also_set(&wakes_);
        }
        if (!waits_for_one_socket())
            redirect_wakes(&parker_);
        if (limit_.stop.stop_possible())
            on_stop_.emplace(limit_.stop, wake_on_stop{this});
        prepared_ = true;
        return {};
    }

    /// From now on wakes are for `parker`; null: for their own sleepers.
    void redirect_wakes(thread_parker* parker) noexcept
    {
        for (socket_core* const each : sockets_)
            each->reports().redirect_wakes(parker);
        for (event_watch* const each : streams_)
            each->events().redirect_wakes(parker);
    }

    result<void> begin(const event_stream& of)
    {
        event_watch* const watch = of.core();
        if (watch == nullptr)
            return fail(errc::invalid_argument, phase::none, "an item's stream is empty");
        if (watch->events().has_handler())
            return fail(errc::invalid_argument, phase::none, "an item's stream has a handler");
        if (watch->context()->forked())
            return fail(watch->context()->why_stopped());
        if (!try_push_back(streams_, watch))
            return fail(errc::out_of_memory, phase::none);
        return {};
    }

    [[nodiscard]] bool has_context() const noexcept
    {
        return !sockets_.empty() || !streams_.empty();
    }
    [[nodiscard]] context_core& context() const noexcept
    {
        return sockets_.empty() ? *streams_.front()->context() : *sockets_.front()->context();
    }
    [[nodiscard]] time_point now() const noexcept
    {
        return has_context() ? context().now() : system_clock_source().now();
    }

    result<void> may_go_on() const
    {
        if (limit_.stop.stop_requested())
            return fail(errc::cancelled, phase::none, "a stop was requested");
        if (interrupted_ != nullptr && interrupted_->load(std::memory_order_acquire))
            return fail(errc::interrupted, phase::none);
        for (const socket_core* const each : sockets_)
            SLK_TRY(each->usable());
        for (const event_watch* const each : streams_)
            if (each->context()->stopped())
                return fail(each->context()->why_stopped());
        return {};
    }

    result<std::size_t> look()
    {
        // A loop that the caller runs has a turn: sockets give it one themselves.
        if (sockets_.empty() && !streams_.empty())
            if (io::loop_core* const loop = context().to_run(); loop != nullptr)
                SLK_TRY(loop->run(nullptr, duration::zero()));
        if (!descriptors_.empty())
            SLK_TRY(io::os::wait_for(descriptors_, duration::zero()));
        std::size_t ready = 0;
        std::size_t descriptor = 0;
        for (wait_item& each : items_) {
            each.failed = each.urgent = false;
            if (each.on == nullptr && each.events != nullptr) {
                each.readable = each.to_receive && each.events->readable();
                each.writable = false;
            } else if (each.on == nullptr) {
                each.readable = descriptors_[descriptor].readable;
                each.writable = descriptors_[descriptor].writable;
                each.failed = descriptors_[descriptor].failed;
                each.urgent = descriptors_[descriptor].urgent;
                ++descriptor;
            } else {
                const socket_events found = each.on->core()->events(each.to_receive, each.to_send);
                each.readable = found.readable;
                each.writable = found.writable;
            }
            ready += each.readable || each.writable || each.failed || each.urgent ? 1 : 0;
        }
        return ready;
    }

    result<void> sleep(duration left)
    {
        if (!descriptors_.empty())
            return sleep_on_descriptors(left);
        if (io::loop_core* const loop = has_context() ? context().to_run() : nullptr;
            loop != nullptr) {
            const std::function<bool()> done = [this] { return any_reports() || !may_go_on(); };
            SLK_TRY(loop->run(&done, left, by_signals_ ? &signalled_ : nullptr));
            return {};
        }
        if (waits_for_one_socket())
            signalled_ = sockets_.front()->reports().sleep(
                left, std::exchange(expects_reply_, false), by_signals_);
        else if (any_reports())
            return {};
        else if (by_signals_)
            signalled_ = parker_.park_interruptibly(left);
        else
            (void)parker_.park(left);
        return {};
    }

    /// poll(2) or its like. Where the caller runs the loop, that has a descriptor of its own.
    result<void> sleep_on_descriptors(duration left)
    {
        std::vector<io::os::watched> all;
        if (!try_reserve(all, descriptors_.size() + 2))
            return fail(errc::out_of_memory, phase::none);
        all.assign(descriptors_.begin(), descriptors_.end());
        all.push_back({wakes_.handle(), true});
        if (io::loop_core* const loop = has_context() ? context().to_run() : nullptr;
            loop != nullptr) {
            const io::native_handle shown = loop->io().wait_handle();
            if (shown == io::invalid_handle)
                return fail(errc::not_supported, phase::none, "this loop's backend has no handle");
            all.push_back({shown, true});
            left = std::min(left, context().poll_timeout());
        }
        if (!any_reports())
            SLK_TRY(io::os::wait_for(all, left, by_signals_ ? &signalled_ : nullptr));
        // Before the next look, which sees what is reported before it.
        wakes_.clear();
        return {};
    }

    [[nodiscard]] bool any_reports() const noexcept
    {
        return std::ranges::any_of(
                   sockets_, [](socket_core* each) { return each->reports().must_stay_awake(); }) ||
               std::ranges::any_of(streams_,
                                   [](event_watch* each) { return each->events().readable(); });
    }

    void wake() noexcept
    {
        parker_.wake();
        if (waits_for_one_socket())
            sockets_.front()->reports().wake();
        if (has_context())
            context().wake();
    }

    const std::span<wait_item> items_;
    const timeout& limit_;
    const std::atomic<bool>* const interrupted_;
    const bool by_signals_;
    bool signalled_ = false; ///< a handler has run
    std::vector<socket_core*> sockets_;
    std::vector<event_watch*> streams_;
    std::vector<io::os::watched> descriptors_;
    bool prepared_ = false;
    bool expects_reply_ = false;
    time_point deadline_ = never;
    io::os::wake_signal wakes_; ///< where there are descriptors
    thread_parker parker_;
    std::optional<std::stop_callback<wake_on_stop>> on_stop_;
};

} // namespace

result<std::size_t> wait_or_interrupt(std::span<wait_item> items, const timeout& limit,
                                      const std::atomic<bool>& interrupted)
{
    return wait_call(items, limit, &interrupted).run();
}

} // namespace slk::messaging

namespace slk {

result<std::size_t> wait(std::span<wait_item> items, const timeout& limit)
{
    return messaging::wait_call(items, limit).run();
}

result<std::size_t> wait_interruptibly(std::span<wait_item> items, const timeout& limit)
{
    return messaging::wait_call(items, limit, nullptr, true).run();
}

} // namespace slk
