// SPDX-License-Identifier: MPL-2.0
#include "messaging/context/context_core.hpp"

#include "base/try_allocate.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>

namespace slk::messaging {

namespace {

constexpr error left_to_parent{errc::forked, phase::none, 0, "the context is the parent process'"};

} // namespace

result<std::shared_ptr<context_core>> context_core::create(const context_options& wanted)
{
    SLK_TRY(wanted.validate());
    const int loops = std::max(wanted.threads, 1);
    auto budget = try_make_shared<memory_budget>(wanted.max_memory);
    auto made = budget != nullptr ? try_make_shared<context_core>(std::move(budget)) : nullptr;
    if (made == nullptr || !try_reserve(made->loops_, static_cast<std::size_t>(loops)))
        return fail(errc::out_of_memory, phase::setup);
    made->max_sockets_ = wanted.max_sockets;
    made->threads_ = wanted.threads > 0;
    for (int number = 0; number < loops; ++number) {
        loop_options each;
        if (!try_allocate([&] { each = wanted.loop; }))
            return fail(errc::out_of_memory, phase::setup);
        SLK_TRY(auto loop, slk::loop::create(std::move(each)));
        SLK_TRY(made->add_loop(
            try_make_shared<io_loop>(std::move(loop), !made->threads_, made->budget_)));
    }
    if (made->threads_)
        for (std::size_t number = 0; number < made->loops_.size(); ++number)
            SLK_TRY(made->loops_[number]->core->start_thread(
                {wanted.thread.name_prefix, static_cast<unsigned>(number), wanted.thread.cpus,
                 wanted.thread.policy, wanted.thread.priority}));
    return made;
}

result<std::shared_ptr<context_core>> context_core::on(loop& of_user, std::uint64_t max_memory)
{
    auto budget = try_make_shared<memory_budget>(max_memory);
    auto made = budget != nullptr ? try_make_shared<context_core>(std::move(budget)) : nullptr;
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    SLK_TRY(made->add_loop(try_make_shared<io_loop>(of_user, made->budget_)));
    return made;
}

/// `made`: null when memory is exhausted.
result<void> context_core::add_loop(std::shared_ptr<io_loop> made)
{
    if (made == nullptr || !made->pools.complete())
        return fail(errc::out_of_memory, phase::setup);
    made->context = weak_from_this();
    if (!try_push_back(loops_, std::move(made)))
        return fail(errc::out_of_memory, phase::setup);
    return {};
}

const std::shared_ptr<io_loop>& context_core::next_loop(std::uint64_t affinity) noexcept
{
    for (;;) {
        const std::size_t next = next_loop_.fetch_add(1, std::memory_order_relaxed) % loops_.size();
        if (affinity == 0 || (affinity >> next & 1) != 0)
            return loops_[next];
    }
}

result<void> context_core::check_affinity(std::uint64_t affinity) const noexcept
{
    if (loops_.size() < 64 && affinity >> loops_.size() != 0)
        return fail(errc::invalid_argument, phase::setup,
                    "affinity names a thread that the context does not have");
    return {};
}

result<void> context_core::add(const reference<inbox>& socket)
{
    if (forked())
        return fail(left_to_parent);
    const std::lock_guard lock(guard_);
    if (stopped())
        return fail(errc::cancelled, phase::setup, "the context was shut down");
    if (sockets_.size() >= max_sockets_)
        return fail(errc::too_many_descriptors, phase::setup, "max_sockets");
    for (const auto& each : events_)
        if (each->is_of_context())
            SLK_TRY(socket->events().add(each));
    if (!try_push_back(sockets_, reference<inbox>(socket)))
        return fail(errc::out_of_memory, phase::setup);
    return {};
}

void context_core::remove(const reference<inbox>& socket) noexcept
{
    const std::lock_guard lock(guard_);
    std::erase_if(sockets_, [&](const auto& each) { return each.get() == socket.get(); });
}

result<void> context_core::add(const reference<event_queue>& events)
{
    if (forked())
        return fail(left_to_parent);
    const std::lock_guard lock(guard_);
    if (stopped())
        return fail(why_stopped());
    if (!try_push_back(events_, reference<event_queue>(events)))
        return fail(errc::out_of_memory, phase::setup);
    if (!events->is_of_context())
        return {};
    for (const auto& each : sockets_) {
        const auto added = each->events().add(events);
        if (added || added.error() == errc::invalid_state) // it is being closed
            continue;
        for (const auto& before : sockets_)
            before->events().remove(*events);
        events_.pop_back();
        return added;
    }
    return {};
}

void context_core::remove(const event_queue& events) noexcept
{
    const std::lock_guard lock(guard_);
    if (events.is_of_context())
        for (const auto& each : sockets_)
            each->events().remove(events);
    std::erase_if(events_, [&](const auto& each) { return each.get() == &events; });
}

error context_core::why_stopped() const noexcept
{
    if (forked())
        return left_to_parent;
    return {errc::cancelled, phase::none, 0, "the context was shut down"};
}

void context_core::leave_to_parent() noexcept
{
    if (left_.exchange(true))
        return;
    kept_ = shared_from_this();
    for (const auto& each : loops_)
        each->core->leave_to_parent();
}

void context_core::shutdown() noexcept
{
    if (forked())
        return;
    const std::lock_guard lock(guard_);
    usable_in_.store(no_process, std::memory_order_release);
    for (const auto& each : sockets_)
        each->wake();
    for (const auto& each : events_)
        each->wake();
    for (const auto& each : loops_)
        if (!each->core->closed())
            each->core->io().wake();
}

void context_core::end() noexcept
{
    if (forked())
        return leave_to_parent();
    shutdown();
    end_departing();
    for (const auto& each : loops_)
        each->own.reset();
    // A close() that has waited for the loops does not wait any longer.
    const std::lock_guard lock(guard_);
    for (const auto& each : sockets_)
        each->wake();
    for (const auto& each : events_)
        if (each->is_of_context())
            each->end();
}

/// On a loop that goes on without the context.
void context_core::end_departing() noexcept
{
    for (const auto& each : loops_)
        if (!each->own)
            (void)each->perform([&] {
                each->departing.for_each([](departing_endpoint& one) { one.end_departure(); });
            });
}

void context_core::count_departed() noexcept
{
    const std::lock_guard lock(departing_guard_);
    --departing_;
    if (departing_ > 0)
        return;
    departed_.notify_all();
    departed_parker_.wake();
}

result<void> context_core::wait_closed(const timeout& limit, bool interruptible)
{
    if (forked())
        return fail(left_to_parent);
    const time_point deadline = after(now(), limit.max_wait);
    const auto may_go_on = [&]() -> result<void> {
        if (limit.stop.stop_requested())
            return fail(errc::cancelled, phase::none, "a stop was requested");
        const auto late = limit.max_wait == duration::zero() ? errc::would_block : errc::timed_out;
        return now() < deadline ? result<void>{} : fail(late, phase::none);
    };
    const auto wake_all = [this] {
        {
            const std::lock_guard lock(departing_guard_);
        }
        departed_.notify_all();
        departed_parker_.wake();
        wake();
    };
    std::optional<std::stop_callback<decltype(wake_all)>> on_stop;
    if (limit.stop.stop_possible())
        on_stop.emplace(limit.stop, wake_all);
    // Beyond this the standard library's arithmetic would overflow.
    constexpr duration max_timed_wait = std::chrono::hours(24 * 365);
    for (;;) {
        io::loop_core* const loop = to_run();
        if (loop != nullptr && any_departing())
            SLK_TRY(loop->run(nullptr, duration::zero()));
        if (!any_departing())
            return {};
        SLK_TRY(may_go_on());
        const duration left = deadline == never ? max_timed_wait : deadline - now();
        if (loop != nullptr) {
            const std::function<bool()> done = [&] {
                return !any_departing() || limit.stop.stop_requested();
            };
            bool interrupted = false;
            SLK_TRY(loop->run(&done, left, interruptible ? &interrupted : nullptr));
            if (interrupted)
                return fail(errc::interrupted, phase::none);
            continue;
        }
        if (interruptible) {
            // Another thread that waits too may have had the wake.
            constexpr duration max_nap = std::chrono::milliseconds(100);
            if (departed_parker_.park_interruptibly(std::min(left, max_nap)))
                return fail(errc::interrupted, phase::none);
            continue;
        }
        std::unique_lock lock(departing_guard_);
        if (departing_ > 0 && !limit.stop.stop_requested())
            departed_.wait_for(lock, std::min(left, max_timed_wait));
    }
}

bool context_core::ended() const noexcept
{
    return std::ranges::all_of(loops_, [](const auto& each) { return each->core->closed(); });
}

io::loop_core* context_core::to_run() const noexcept
{
    io::loop_core& first = *loops_.front()->core;
    return !threads_ && first.may_touch() && !first.closed() ? &first : nullptr;
}

void context_core::wake() noexcept
{
    for (const auto& each : loops_)
        if (each->by_caller && !each->core->closed())
            each->core->io().wake();
}

void context_core::run_completed() noexcept
{
    if (io::loop_core* const loop = to_run();
        loop != nullptr && loop->wants_turn_at() == time_point{})
        (void)loop->run(nullptr, duration::zero());
}

void context_core::submit_to_loop()
{
    io::loop_core* const loop = to_run();
    if (loop == nullptr)
        return;
    loop->io().flush_submissions();
    // A backend without direct transfers sends by operations only: a finished one must be delivered
    // before the next one can begin.
    if (loop->io().direct() == nullptr)
        (void)loop->run(nullptr, duration::zero());
}

std::uint64_t context_core::next_random() noexcept
{
    return loops_.front()->core->next_seed();
}

result<std::vector<reference<inbox>>> context_core::sockets()
{
    if (forked())
        return fail(left_to_parent);
    std::vector<reference<inbox>> all;
    const std::lock_guard lock(guard_);
    if (!try_reserve(all, sockets_.size()))
        return fail(errc::out_of_memory, phase::none);
    all = sockets_;
    return all;
}

result<std::vector<socket_metrics>> context_core::metrics()
{
    SLK_TRY(const auto sockets, this->sockets());
    std::vector<socket_metrics> all;
    if (!try_reserve(all, sockets.size()))
        return fail(errc::out_of_memory, phase::none);
    for (const auto& each : sockets) {
        SLK_TRY(auto of, each->metrics());
        all.push_back(std::move(of));
    }
    return all;
}

duration context_core::poll_timeout() const noexcept
{
    io::loop_core* const loop = to_run();
    const time_point wanted = loop != nullptr ? loop->wants_turn_at() : never;
    return wanted == never ? duration::max() : std::max(wanted - now(), duration::zero());
}

time_point context_core::now() const noexcept
{
    // A clock of the user's is for the loop's thread only.
    const io::loop_core& first = *loops_.front()->core;
    return !threads_ && first.may_touch() ? first.options().time->now()
                                          : system_clock_source().now();
}

} // namespace slk::messaging

namespace slk {

namespace {

result<void> check_memory(std::uint64_t max_memory)
{
    if (max_memory > UINT64_MAX / 2)
        return fail(errc::invalid_argument, phase::setup, "max_memory is 2^63 or more");
    return {};
}

} // namespace

result<void> context_options::validate() const
{
    if (threads < 0 || threads > 64)
        return fail(errc::invalid_argument, phase::setup, "threads is not 0 to 64");
    if (max_sockets == 0)
        return fail(errc::invalid_argument, phase::setup, "max_sockets is 0");
    if (std::ranges::any_of(thread.cpus, [](int cpu) { return cpu < 0; }))
        return fail(errc::invalid_argument, phase::setup, "thread: a CPU is negative");
    if (thread.policy < -1 || thread.priority < -1)
        return fail(errc::invalid_argument, phase::setup,
                    "thread: policy and priority are -1 or more");
    return check_memory(max_memory);
}

context::context(std::shared_ptr<messaging::context_core> core) noexcept : core_(std::move(core)) {}
context::context(context&& other) noexcept = default;

context& context::operator=(context&& other) noexcept
{
    if (this != &other) {
        if (core_ != nullptr)
            core_->end();
        core_ = std::move(other.core_);
    }
    return *this;
}

context::~context()
{
    if (core_ != nullptr)
        core_->end();
}

result<context> context::create(context_options options)
{
    SLK_TRY(auto core, messaging::context_core::create(options));
    return context(std::move(core));
}

result<context> context::on(loop& of_user, std::uint64_t max_memory)
{
    if (of_user.core() == nullptr)
        return fail(errc::loop_closed, phase::setup);
    if (of_user.core()->closed())
        return fail(of_user.core()->why_closed());
    SLK_TRY(check_memory(max_memory));
    SLK_TRY(auto core, messaging::context_core::on(of_user, max_memory));
    return context(std::move(core));
}

memory_use context::memory() const noexcept
{
    if (core_ == nullptr)
        return {};
    const memory_budget& budget = *core_->budget();
    return {
        .bytes = budget.used(), .max_bytes = budget.limit(), .ended_connections = budget.ended()};
}

result<void> context::wait_closed(const timeout& limit, bool interruptible)
{
    return core_ != nullptr ? core_->wait_closed(limit, interruptible) : result<void>{};
}

void context::shutdown()
{
    if (core_ != nullptr)
        core_->shutdown();
}

} // namespace slk
