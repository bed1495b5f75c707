// SPDX-License-Identifier: MPL-2.0
#include "io/loop_core.hpp"

#include "base/call_user.hpp"
#include "base/try_allocate.hpp"

#include <algorithm>
#include <mutex>
#include <new>
#include <utility>

namespace slk::io {

namespace {

/// After a shorter suspension the timers are correct enough by themselves.
constexpr duration min_suspension = std::chrono::seconds(1);
/// A wait that fails may work the next time, and a loop that gave up at once would end all its
/// links. The pause keeps a loop whose wait always fails from spinning.
constexpr int max_failed_waits = 16;
constexpr auto pause_after_failed_wait = std::chrono::milliseconds(10);

/// Not called once the loop closes: what it uses may be gone.
struct posted_function final : task {
    posted_function(loop_core& on, std::function<void()> body) noexcept : work(std::move(body))
    {
        owner = &on;
        run = [](task& self) noexcept {
            auto& posted = static_cast<posted_function&>(self);
            if (!static_cast<loop_core*>(posted.owner)->closing())
                call_user("the work of loop::post()", posted.work);
            delete &posted;
        };
        drop = [](task& self) noexcept { delete &static_cast<posted_function&>(self); };
    }

    std::function<void()> work;
};

} // namespace

result<std::shared_ptr<loop_core>> loop_core::create(loop_options options)
{
    if (options.resolver_threads < 1 || options.resolver_threads > 64)
        return fail(errc::invalid_argument, phase::setup, "resolver_threads is not 1 to 64");
    clock& time = options.time != nullptr ? *options.time : system_clock_source();
    std::vector<refused_backend> refused;
    auto chosen =
        options.backend.empty() ? make_poller(time, &refused) : make_poller(time, options.backend);
    if (!chosen)
        return fail(chosen.error());
    auto made =
        try_make_shared<loop_core>(std::move(*chosen), std::move(refused), std::move(options));
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    return made;
}

loop_core::loop_core(std::unique_ptr<poller> chosen, std::vector<refused_backend> refused,
                     loop_options options)
    : options_(std::move(options)), poller_(std::move(chosen)), refused_(std::move(refused)),
      seed_state_(options_.seed ? *options_.seed : system_entropy())
{
    if (options_.time == nullptr)
        options_.time = &system_clock_source();
    suspended_so_far_ = options_.time->now_with_suspend() - options_.time->now();
    now_.store(poller_->now().time_since_epoch().count(), std::memory_order_relaxed);
}

loop_core::~loop_core()
{
    close();
}

time_point loop_core::now() const noexcept
{
    return time_point(duration(now_.load(std::memory_order_relaxed)));
}

std::uint64_t loop_core::next_seed() noexcept
{
    // Adjacent seeds of SplitMix64 give unrelated streams once they have been mixed.
    return random_stream(seed_state_.fetch_add(1, std::memory_order_relaxed)).next();
}

bool loop_core::may_touch() const noexcept
{
    const std::thread::id runner = runner_.load(std::memory_order_acquire);
    return runner == std::thread::id() || runner == std::this_thread::get_id();
}

bool loop_core::inside() const noexcept
{
    return runner_.load(std::memory_order_acquire) == std::this_thread::get_id();
}

result<void> loop_core::check_use() const noexcept
{
    if (closed() || closing_)
        return fail(why_closed());
    if (!may_touch())
        return fail(errc::invalid_state, phase::none, "not on the loop's thread");
    return {};
}

// --- tasks ---

bool loop_core::post(task& work, bool& fresh) noexcept
{
    if (closed())
        return false;
    if (work.posted_.exchange(true, std::memory_order_acq_rel))
        return true;
    fresh = true;
    task* newest = tasks_.load(std::memory_order_relaxed);
    do
        work.next_ = newest;
    while (!tasks_.compare_exchange_weak(newest, &work, std::memory_order_seq_cst));
    // close() sets its flag before it empties the queue for the last time: either it saw this
    // task, or this thread sees the flag.
    if (open_in_.load(std::memory_order_seq_cst) == no_process)
        drop_tasks();
    else
        notice_change();
    return true;
}

bool loop_core::post(std::function<void()> work)
{
    if (closed())
        return false;
    auto* const posted = new (std::nothrow) posted_function(*this, std::move(work));
    return posted != nullptr && post(*posted);
}

bool loop_core::run_tasks() noexcept
{
    task* newest = tasks_.exchange(nullptr, std::memory_order_seq_cst);
    task* oldest = nullptr;
    const bool any = newest != nullptr;
    while (newest != nullptr)
        newest = std::exchange(newest->next_, std::exchange(oldest, newest));
    // Not in a child that a task has forked: the others are the parent's.
    while (oldest != nullptr && !forked()) {
        task& next = *std::exchange(oldest, oldest->next_);
        next.posted_.exchange(false, std::memory_order_acq_rel);
        next.run(next);
    }
    return any;
}

void loop_core::drop_tasks() noexcept
{
    task* left = tasks_.exchange(nullptr, std::memory_order_seq_cst);
    while (left != nullptr) {
        task& next = *std::exchange(left, left->next_);
        next.posted_.exchange(false, std::memory_order_acq_rel);
        if (next.drop != nullptr)
            next.drop(next);
    }
}

// --- running ---

time_point loop_core::refresh_now() noexcept
{
    const time_point present = poller_->refresh_now();
    now_.store(present.time_since_epoch().count(), std::memory_order_relaxed);
    return present;
}

result<void> loop_core::one_turn(time_point until)
{
    // The caller may wait for the effect of a task: poll, but do not wait.
    if (run_tasks() || tasks_.load(std::memory_order_relaxed) != nullptr ||
        stop_requested_.load(std::memory_order_relaxed))
        until = time_point{};
    auto turned = poller_->turn(until);
    now_.store(poller_->now().time_since_epoch().count(), std::memory_order_relaxed);
    check_for_suspension();
    return turned;
}

void loop_core::check_for_suspension() noexcept
{
    const duration suspended = options_.time->now_with_suspend() - options_.time->now();
    if (suspended - suspended_so_far_ < min_suspension)
        return;
    suspended_so_far_ = suspended;
    residents_.for_each([](resident& entry) { entry.system_resumed(); });
}

result<bool> loop_core::run(const std::function<bool()>* done, duration timeout, bool* interrupted)
{
    SLK_TRY(claim());
    poller_->set_interruptible(interrupted != nullptr);
    auto outcome = run_claimed(done, timeout, interrupted);
    poller_->set_interruptible(false);
    runner_.store(std::thread::id(), std::memory_order_release);
    return outcome;
}

result<void> loop_core::claim() noexcept
{
    std::thread::id none{};
    if (closed())
        return fail(why_closed());
    if (!runner_.compare_exchange_strong(none, std::this_thread::get_id()))
        return fail(errc::invalid_state, phase::setup, "the loop is running already");
    return {};
}

result<bool> loop_core::run_claimed(const std::function<bool()>* done, duration timeout,
                                    bool* interrupted)
{
    const time_point until = after(refresh_now(), timeout);
    if (done != nullptr && (*done)())
        return true;
    int failed_waits = 0; // in a row
    for (;;) {
        const auto turned = one_turn(timeout == duration::zero() ? time_point{} : until);
        if (forked()) // in a handler, and this is the child
            return fail(why_closed());
        failed_waits = turned ? 0 : failed_waits + 1;
        if (interrupted != nullptr && poller_->was_interrupted())
            *interrupted = true;
        if (done != nullptr && (*done)())
            return true;
        if (stop_requested_.exchange(false) || (interrupted != nullptr && *interrupted))
            return false;
        if (failed_waits == max_failed_waits || (!turned && poller_->now() >= until))
            return fail({turned.error().code, turned.error().phase, turned.error().native,
                         "the system's wait for events fails"});
        if (poller_->now() >= until)
            return false;
        if (!turned)
            std::this_thread::sleep_for(pause_after_failed_wait);
    }
}

time_point loop_core::turn_now()
{
    if (!claim())
        return never;
    // The tasks run before the turn, and the last turn may be long ago.
    refresh_now();
    // A failed wait is tried again with the next turn, as on a thread of the loop's own.
    (void)one_turn(time_point{});
    runner_.store(std::thread::id(), std::memory_order_release);
    return wants_turn_at();
}

time_point loop_core::wants_turn_at() const noexcept
{
    const bool tasks = tasks_.load(std::memory_order_relaxed) != nullptr;
    return tasks ? time_point{} : poller_->wants_turn_at();
}

duration loop_core::poll_timeout() noexcept
{
    poller_->flush_submissions();
    const time_point due = wants_turn_at();
    const duration limit = poller_->has_unsubmitted() ? pause_after_failed_wait : duration::max();
    if (due == never)
        return limit;
    const time_point present = std::max(poller_->now(), options_.time->now());
    return std::clamp(due - std::min(due, present), duration::zero(), limit);
}

result<void> loop_core::start_thread(const os::thread_traits& traits)
{
    if (closed())
        return fail(why_closed());
    const std::lock_guard guard(thread_guard_);
    if (closed())
        return fail(why_closed());
    if (poller_->names() != nullptr)
        return fail(errc::not_supported, phase::setup, "a simulated loop has no thread of its own");
    if (thread_.joinable() || runner_.load() != std::thread::id())
        return fail(errc::invalid_state, phase::setup, "the loop is running already");
    stop_requested_.store(false);
    // From the return of this call on, only the new thread may use the loop.
    struct starting {
        loop_core* self;
        const os::thread_traits& traits;
        std::mutex guard{};
        std::condition_variable changed{};
        bool over = false;
        result<void> outcome{};
    } shared{this, traits};
    const auto body = [](void* argument) noexcept {
        auto& from = *static_cast<starting*>(argument);
        loop_core& self = *from.self;
        os::apply(from.traits);
        const auto claimed = self.claim();
        const bool mine = claimed.has_value();
        {
            const std::lock_guard lock(from.guard);
            from.outcome = claimed;
            from.over = true;
            from.changed.notify_one();
        } // `from` ends now
        if (!mine)
            return;
        // There is no caller to return the errors of failed waits to.
        while (!self.run_claimed(nullptr, duration::max()))
            std::this_thread::sleep_for(pause_after_failed_wait);
        // While another thread closes the loop, it is never without an owner.
        self.runner_.store(self.closer_.load(), std::memory_order_release);
    };
    SLK_TRY(thread_, os::thread::start(body, &shared));
    {
        std::unique_lock lock(shared.guard);
        shared.changed.wait(lock, [&] { return shared.over; });
    }
    if (!shared.outcome)
        thread_.join();
    return shared.outcome;
}

void loop_core::stop()
{
    if (forked())
        return;
    // Asked first: a loop whose thread ends may be left to this one.
    const bool from_inside = inside();
    stop_requested_.store(true);
    poller_->wake();
    if (from_inside)
        return;
    const std::lock_guard guard(thread_guard_);
    if (thread_.joinable()) {
        thread_.join();
        stop_requested_.store(false);
    }
}

error loop_core::why_closed() const noexcept
{
    if (forked())
        return {errc::forked, phase::none, 0, "the loop is the parent process'"};
    return {errc::loop_closed, phase::setup};
}

void loop_core::leave_to_parent() noexcept
{
    if (left_.exchange(true))
        return;
    kept_ = shared_from_this();
    poller_->close_copies();
}

void loop_core::close()
{
    // The parent has closed it before the fork: nothing is left to leave.
    if (open_in_.load(std::memory_order_seq_cst) == no_process)
        return;
    if (forked())
        return leave_to_parent();
    if (closed())
        return;
    closer_.store(std::this_thread::get_id());
    stop();
    runner_.store(std::this_thread::get_id(), std::memory_order_release);
    if (coroutines != nullptr)
        coroutines->closing();
    closing_ = true;
    list<resident> leaving;
    leaving.take(residents_);
    while (!leaving.empty()) {
        resident& next = leaving.pop_front();
        residents_.push_back(next);
        next.loop_closing();
    }
    if (services != nullptr)
        services->closing();
    run_tasks();
    poller_->shutdown();
    run_tasks();
    open_in_.store(no_process, std::memory_order_seq_cst);
    drop_tasks();
    services.reset();
    coroutines.reset();
    closer_.store(std::thread::id());
    runner_.store(std::thread::id(), std::memory_order_release);
}

} // namespace slk::io
