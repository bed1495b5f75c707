// SPDX-License-Identifier: MPL-2.0
#include "coroutine/scheduler.hpp"

#include <serverlink/coroutine_combine.hpp>

#include "base/call_user.hpp"
#include "io/timer.hpp"

#include <algorithm>
#include <cassert>
#include <memory>
#include <new>
#include <utility>

namespace slk::coroutine_detail {

namespace {

constexpr error was_cancelled{errc::cancelled, phase::none, 0, "the task was cancelled"};

/// The loop's reference.
class scheduler_service final : public io::service {
public:
    explicit scheduler_service(reference<scheduler> of) noexcept : of_(std::move(of)) {}
    void closing() noexcept override { of_->close(); }
    [[nodiscard]] const reference<scheduler>& get() const noexcept { return of_; }

private:
    reference<scheduler> of_;
};

} // namespace

// --- operations ---

bool operation::begin(strand& by, continuation& then) noexcept
{
    scheduler& on = *by.on;
    assert(by_ == nullptr && by.waiting == nullptr);
    if (by.cancelled || on.closed()) {
        how_->end(*this, by.cancelled ? was_cancelled : error{errc::loop_closed, phase::none});
        return true;
    }
    if (!on.spend_attempt()) {
        begin_later(by, then);
        return false;
    }
    if (how_->attempt(*this))
        return true;
    by_ = &by;
    if (const auto parked = how_->park(*this); !parked) {
        by_ = nullptr;
        how_->end(*this, parked.error());
        return true;
    }
    then_ = &then;
    parked_ = true;
    by.waiting = this;
    return false;
}

void operation::begin_later(strand& by, continuation& then) noexcept
{
    by_ = &by;
    then_ = &then;
    by.waiting = this;
    by.on->make_ready(*this);
}

void operation::wake() noexcept
{
    if (by_ != nullptr)
        by_->on->make_ready(*this);
}

void operation::request_cancel(cancellable& self) noexcept
{
    auto& which = static_cast<operation&>(self);
    which.cancelled_ = true;
    which.wake();
}

void operation::abandon() noexcept
{
    if (std::exchange(parked_, false) && how_->unpark != nullptr)
        how_->unpark(*this);
    leave();
    std::exchange(by_, nullptr)->waiting = nullptr;
}

// --- the scheduler ---

result<reference<scheduler>> scheduler::of(const std::shared_ptr<io::loop_core>& loop) noexcept
{
    if (loop == nullptr)
        return fail(errc::invalid_state, phase::none, "the loop was moved from");
    if (loop->closed() || loop->closing())
        return fail(loop->why_closed());
    if (!loop->may_touch())
        return fail(errc::invalid_state, phase::none, "not on the loop's thread");
    if (loop->coroutines == nullptr) {
        auto made = reference<scheduler>::adopt(new (std::nothrow) scheduler(loop));
        if (!made)
            return fail(errc::out_of_memory, phase::setup);
        loop->coroutines.reset(new (std::nothrow) scheduler_service(std::move(made)));
        if (loop->coroutines == nullptr)
            return fail(errc::out_of_memory, phase::setup);
    }
    return static_cast<scheduler_service&>(*loop->coroutines).get();
}

scheduler::scheduler(std::shared_ptr<io::loop_core> loop) noexcept : loop_(std::move(loop))
{
    turn_.owner = this;
    turn_.run = [](io::task& self) noexcept { static_cast<scheduler*>(self.owner)->run_ready(); };
}

/// The loop's time may be that of a turn that began long ago, or of no turn at all.
time_point scheduler::now() const noexcept
{
    return std::max(loop_->io().now(), loop_->options().time->now());
}

void scheduler::notice_timer() noexcept
{
    if (!loop_->inside() || loop_->io().waiting())
        loop_->io().wake();
}

void scheduler::add_ready(operation& which) noexcept
{
    if (std::exchange(which.parked_, false) && which.how_->unpark != nullptr)
        which.how_->unpark(which);
    which.leave();
    ready_.add(which);
}

void scheduler::make_ready(operation& which) noexcept
{
    add_ready(which);
    if (!inside_)
        loop_->post(turn_);
}

void scheduler::run(places& waiting) noexcept
{
    while (place* const each = waiting.first())
        add_ready(static_cast<operation&>(*each));
    run_ready();
}

void scheduler::run_ready() noexcept
{
    assert(!inside_);
    if (closed_)
        return;
    const auto held = reference<scheduler>::to(*this);
    take_stops();
    inside_ = true;
    running_.take(ready_);
    while (place* const next = running_.take_first()) {
        if (loop_->forked()) // in a coroutine, and this is the child
            break;
        step(static_cast<operation&>(*next));
    }
    inside_ = false;
    if (!ready_.empty() && !closed_)
        loop_->post(turn_);
}

void scheduler::step(operation& which) noexcept
{
    attempts_left_ = max_attempts;
    if (which.cancelled_) {
        which.how_->end(which, was_cancelled);
        return finish(which);
    }
    if (which.how_->attempt(which))
        return finish(which);
    if (const auto parked = which.how_->park(which); !parked) {
        which.how_->end(which, parked.error());
        return finish(which);
    }
    which.parked_ = true;
}

void scheduler::finish(operation& which) noexcept
{
    strand& by = *std::exchange(which.by_, nullptr);
    by.waiting = nullptr;
    root& of = *by.of;
    continuation& then = *which.then_;
    ++of.running_;
    then.next(then).resume();
    if (--of.running_ == 0 && (of.has_ended_ || of.doomed_))
        of.finish();
}

void scheduler::request_stop(stop_link& by) noexcept
{
    {
        const std::lock_guard lock(guard_);
        if (!by.linked())
            stops_.add(by);
    }
    loop_->post(turn_);
}

void scheduler::forget_stop(stop_link& by) noexcept
{
    const std::lock_guard lock(guard_);
    by.leave();
}

void scheduler::take_stops() noexcept
{
    for (;;) {
        place* next = nullptr;
        {
            const std::lock_guard lock(guard_);
            next = stops_.take_first();
        }
        if (next == nullptr)
            return;
        static_cast<stop_link&>(*next).which_->cancel();
    }
}

void scheduler::close() noexcept
{
    closed_ = true;
    while (place* const each = own_.first())
        static_cast<root&>(*each).destroy();
}

// --- tasks that were spawned ---

const operation::behaviour root::first_turn::how{
    .attempt = [](operation&) noexcept { return true; },
    .park = [](operation&) noexcept { return result<void>{}; },
    .unpark = nullptr,
    .end = [](operation&, const error&) noexcept {},
};

root::root(reference<scheduler> on, scope_core* in, task<>&& work, task_handler&& done) noexcept
    : on_(std::move(on)), in_(in), done_(std::move(done)), own_{.on = on_.get(), .of = this},
      work_(std::move(work))
{
}

std::coroutine_handle<> root::begin(continuation& self) noexcept
{
    root& of = static_cast<note&>(self).of;
    if (of.work_.begin(of.own_, of.ended_))
        of.has_ended_ = true;
    return std::noop_coroutine();
}

std::coroutine_handle<> root::ended(continuation& self) noexcept
{
    static_cast<note&>(self).of.has_ended_ = true;
    return std::noop_coroutine();
}

void root::destroy() noexcept
{
    leave();
    in_ = nullptr;
    doomed_ = true;
    if (running_ == 0 && !finishing_)
        finish();
}

/// The work has ended, or is to be destroyed. What it destroys may destroy the owner.
void root::finish() noexcept
{
    finishing_ = true;
    const std::unique_ptr<root> self(this);
    result<void> outcome = has_ended_ ? work_.take() : fail(was_cancelled);
    work_ = {};
    leave();
    if (doomed_)
        return;
    if (in_ != nullptr)
        in_->ended(outcome ? error{} : outcome.error());
    else if (done_)
        call_user("the handler of slk::spawn()", [&] { done_(std::move(outcome)); });
}

result<void> add_task(const reference<scheduler>& on, scope_core* in, places& to, task<>&& work,
                      task_handler&& done, bool cancelled) noexcept
{
    if (on->closed())
        return fail(errc::loop_closed, phase::none);
    if (!work)
        return fail(errc::out_of_memory, phase::none, "there was no memory for the task");
    auto* const made = new (std::nothrow) root(on, in, std::move(work), std::move(done));
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::none);
    to.add(*made);
    made->begin_soon();
    if (cancelled)
        made->cancel();
    return {};
}

// --- scopes ---

result<void> scope_core::spawn(task<>&& work) noexcept
{
    SLK_TRY(add_task(on_, this, tasks_, std::move(work), {}, cancelled_));
    ++size_;
    return {};
}

void scope_core::cancel() noexcept
{
    cancelled_ = true;
    tasks_.for_each([](place& each) { static_cast<root&>(each).cancel(); });
}

void scope_core::destroy_tasks() noexcept
{
    stop_.unlink();
    while (place* const each = tasks_.first())
        static_cast<root*>(each)->destroy();
    size_ = 0;
    wake_joins();
}

void scope_core::ended(const error& why) noexcept
{
    --size_;
    if (why && !first_error_ && !(cancelled_ && why == errc::cancelled))
        first_error_ = why;
    if (size_ == 0)
        wake_joins();
}

void scope_core::wake_joins() noexcept
{
    while (place* const each = joins_.first())
        operation::of(*each).wake();
}

const operation::behaviour join_operation::how{
    .attempt =
        [](operation& self) noexcept {
            auto& join = static_cast<join_operation&>(self);
            if (join.of_ != nullptr && join.of_->size() > 0)
                return false;
            if (join.of_ == nullptr)
                join.outcome_.emplace(fail(errc::invalid_state, phase::none, "an empty scope"));
            else if (const error& why = join.of_->first_error(); why)
                join.outcome_.emplace(fail(why));
            else
                join.outcome_.emplace();
            return true;
        },
    .park = [](operation& self) noexcept -> result<void> {
        self.wait_in(static_cast<join_operation&>(self).of_->joins());
        return {};
    },
    .unpark = nullptr,
    .end = &fail_with,
};

join_operation::join_operation(scope_core* of) noexcept : operation_of(how), of_(of)
{
    if (of_ != nullptr)
        of_->retain();
}

join_operation::join_operation(join_operation&& other) noexcept
    : operation_of(std::move(other)), of_(std::exchange(other.of_, nullptr))
{
}

join_operation::~join_operation()
{
    leave_strand();
    if (of_ != nullptr)
        of_->release();
}

// --- timers and stops ---

static_assert(sizeof(io::timer) <= 10 * sizeof(std::uint64_t));

namespace {

io::timer& timer_in(std::byte* storage) noexcept
{
    return *std::launder(reinterpret_cast<io::timer*>(storage));
}

} // namespace

alarm::alarm() noexcept
{
    auto* const made = new (timer_) io::timer;
    made->owner = this;
    made->on_expiry = [](io::timer& self) noexcept {
        auto& of = *static_cast<alarm*>(self.owner);
        std::exchange(of.on_, nullptr)->release();
        of.call_(of.owner_);
    };
}

alarm::~alarm()
{
    cancel();
    timer_in(timer_).~timer();
}

void alarm::set(scheduler& on, duration delay, body call, void* owner) noexcept
{
    set_at(on, delay == duration::max() ? never : after(on.now(), delay), call, owner);
}

void alarm::set_at(scheduler& on, time_point when, body call, void* owner) noexcept
{
    cancel();
    if (when == never || on.closed())
        return;
    on_ = &on;
    on.retain();
    call_ = call;
    owner_ = owner;
    on.loop().io().arm(timer_in(timer_), when);
    on.notice_timer();
}

void alarm::cancel() noexcept
{
    if (on_ == nullptr)
        return;
    on_->loop().io().disarm(timer_in(timer_));
    std::exchange(on_, nullptr)->release();
}

const operation::behaviour sleep_operation::how{
    .attempt =
        [](operation& self) noexcept {
            auto& sleep = static_cast<sleep_operation&>(self);
            if (sleep.over_)
                sleep.outcome_.emplace();
            return sleep.over_;
        },
    .park = [](operation& self) noexcept -> result<void> {
        auto& sleep = static_cast<sleep_operation&>(self);
        sleep.alarm_.set(
            *self.by().on, sleep.time_,
            [](void* owner) noexcept {
                auto& woken = *static_cast<sleep_operation*>(owner);
                woken.over_ = true;
                woken.wake();
            },
            &sleep);
        return {};
    },
    .unpark = [](operation& self) noexcept { static_cast<sleep_operation&>(self).alarm_.cancel(); },
    .end = &fail_with,
};

sleep_operation::~sleep_operation()
{
    leave_strand();
}

void stop_link::link(std::stop_token token, scheduler& on, strand& which) noexcept
{
    if (!token.stop_possible())
        return;
    on_ = &on;
    on.retain();
    which_ = &which;
    callback_.emplace(std::move(token), request{this});
}

void stop_link::unlink() noexcept
{
    if (on_ == nullptr)
        return;
    callback_.reset(); // waits for a thread that is inside of it
    on_->forget_stop(*this);
    std::exchange(on_, nullptr)->release();
}

void stop_link::requested() noexcept
{
    on_->request_stop(*this);
}

} // namespace slk::coroutine_detail

namespace slk {

namespace {

using coroutine_detail::scheduler;

task<> stopped_by(std::stop_token stop, task<> work)
{
    co_return co_await with_stop(std::move(stop), std::move(work));
}

} // namespace

result<task_scope> task_scope::create(loop& on, std::stop_token stop)
{
    SLK_TRY(auto runs, scheduler::of(on.core()));
    auto* const made = new (std::nothrow) coroutine_detail::scope_core(std::move(runs));
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    made->link(std::move(stop));
    return task_scope(made);
}

task_scope& task_scope::operator=(task_scope&& other) noexcept
{
    if (this != &other) {
        const task_scope old(std::move(*this));
        core_ = std::exchange(other.core_, nullptr);
    }
    return *this;
}

task_scope::~task_scope()
{
    if (core_ == nullptr)
        return;
    core_->destroy_tasks();
    core_->release();
}

result<void> task_scope::spawn(task<> work)
{
    if (core_ == nullptr)
        return fail(errc::invalid_state, phase::none, "the scope was moved from");
    return core_->spawn(std::move(work));
}

void task_scope::cancel() noexcept
{
    if (core_ != nullptr)
        core_->cancel();
}

std::size_t task_scope::size() const noexcept
{
    return core_ != nullptr ? core_->size() : 0;
}

error task_scope::first_error() const noexcept
{
    return core_ != nullptr ? core_->first_error() : error{};
}

result<void> spawn(loop& on, task<> work, task_handler done)
{
    SLK_TRY(const auto runs, scheduler::of(on.core()));
    return coroutine_detail::add_task(runs, nullptr, runs->own_tasks(), std::move(work),
                                      std::move(done), false);
}

result<void> spawn(loop& on, task<> work, std::stop_token stop, task_handler done)
{
    return spawn(on, stopped_by(std::move(stop), std::move(work)), std::move(done));
}

} // namespace slk
