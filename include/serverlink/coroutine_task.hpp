// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_COROUTINE_TASK_HPP
#define SERVERLINK_COROUTINE_TASK_HPP

/// slk::task: a coroutine that returns a result; slk::task_scope, slk::spawn() and slk::run_task(),
/// which run tasks on a loop. Included by serverlink/coroutine.hpp, which has the rules.

#include <serverlink/clock.hpp>
#include <serverlink/coroutine_operation.hpp>
#include <serverlink/export.hpp>
#include <serverlink/loop.hpp>
#include <serverlink/result.hpp>
#include <serverlink/timeout.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <new>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace slk {

template <class T>
class task;

namespace coroutine_detail {

/// Joins a coroutine to the operation that it waits for.
template <class Awaited>
class awaiter final : private continuation {
public:
    awaiter(Awaited&& what, strand& by) noexcept
        : continuation(&resume), what_(static_cast<Awaited&&>(what)), by_(by)
    {
    }
    awaiter(const awaiter&) = delete;
    awaiter& operator=(const awaiter&) = delete;
    ~awaiter() = default;

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    /// Returns false if the operation has ended at once: no stack grows, also where the compiler
    /// makes no tail calls.
    [[nodiscard]] bool await_suspend(std::coroutine_handle<> who) noexcept
    {
        who_ = who;
        return !what_.begin(by_, *this);
    }
    [[nodiscard]] auto await_resume() noexcept { return what_.take(); }

private:
    static std::coroutine_handle<> resume(continuation& self) noexcept
    {
        return static_cast<awaiter&>(self).who_;
    }

    Awaited what_;
    strand& by_;
    std::coroutine_handle<> who_{};
};

class promise_base {
public:
    [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }

    struct final_awaiter {
        [[nodiscard]] bool await_ready() const noexcept { return false; }
        template <class Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept
        {
            return ended.promise().after_end();
        }
        void await_resume() const noexcept {}
    };
    [[nodiscard]] final_awaiter final_suspend() const noexcept { return {}; }
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }

    template <class Awaited>
    [[nodiscard]] awaiter<Awaited> await_transform(Awaited&& what) noexcept
    {
        static_assert(is_awaited<std::remove_reference_t<Awaited>>,
                      "a slk::task waits for tasks and operations of serverlink only");
        return awaiter<Awaited>(std::forward<Awaited>(what), *by_);
    }

private:
    template <class T>
    friend class slk::task;

    [[nodiscard]] std::coroutine_handle<> after_end() noexcept
    {
        return beginning_ ? std::noop_coroutine() : then_->next(*then_);
    }

    strand* by_ = nullptr;
    continuation* then_ = nullptr;
    bool beginning_ = false;
};

template <class T>
class promise final : public promise_base {
public:
    [[nodiscard]] task<T> get_return_object() noexcept;
    /// Makes the compiler allocate the frame without exceptions.
    [[nodiscard]] static task<T> get_return_object_on_allocation_failure() noexcept;
    void return_value(result<T> outcome) noexcept { outcome_.emplace(std::move(outcome)); }

private:
    friend class task<T>;

    std::optional<result<T>> outcome_{};
};

} // namespace coroutine_detail

/// A coroutine that returns a slk::result<T>, by co_return: a value, or slk::fail(...). Every path
/// through a task<> ends with `co_return {};` or an error.
///
///     slk::task<std::size_t> count(slk::pull& from)
///     {
///         slk::message next;
///         SLK_CO_TRY(co_await slk::async_receive(from, next));
///         co_return next.size();
///     }
///
/// It begins when it is awaited or spawned, once. Until then, and while it is suspended, it may be
/// destroyed, with all that it waits for. If there was no memory for it, it is empty, and its
/// result is out_of_memory.
template <class T = void>
class [[nodiscard]] task {
public:
    /// For the compiler.
    using promise_type = coroutine_detail::promise<T>;
    /// What co_await returns.
    using awaited_result = result<T>;

    task() noexcept = default;
    task(task&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    task& operator=(task&& other) noexcept
    {
        if (this != &other) {
            const task old(std::move(*this));
            of_ = std::exchange(other.of_, nullptr);
        }
        return *this;
    }
    ~task()
    {
        if (of_)
            of_.destroy();
    }

    /// It is not empty.
    [[nodiscard]] explicit operator bool() const noexcept { return of_ != nullptr; }

    /// Used by the library only.
    [[nodiscard]] bool begin(coroutine_detail::strand& by,
                             coroutine_detail::continuation& then) noexcept
    {
        if (!of_)
            return true;
        promise_type& promise = of_.promise();
        if (promise.by_ != nullptr)
            return true; // take() says so
        promise.by_ = &by;
        promise.then_ = &then;
        promise.beginning_ = true;
        of_.resume();
        promise.beginning_ = false;
        return of_.done();
    }
    /// Used by the library only.
    [[nodiscard]] result<T> take() noexcept
    {
        if (!of_)
            return fail(errc::out_of_memory, phase::none, "there was no memory for a task");
        std::optional<result<T>>& outcome = of_.promise().outcome_;
        if (!of_.done() || !outcome)
            return fail(errc::invalid_state, phase::none, "a task is awaited once");
        result<T> taken = *std::move(outcome);
        outcome.reset();
        return taken;
    }

private:
    friend promise_type;
    explicit task(std::coroutine_handle<promise_type> of) noexcept : of_(of) {}

    std::coroutine_handle<promise_type> of_{};
};

template <class T>
task<T> coroutine_detail::promise<T>::get_return_object() noexcept
{
    return task<T>(std::coroutine_handle<promise>::from_promise(*this));
}

template <class T>
task<T> coroutine_detail::promise<T>::get_return_object_on_allocation_failure() noexcept
{
    return {};
}

/// Called on the loop's thread with the result of a task. It must not throw.
using task_handler = std::function<void(result<void>)>;

/// Owns tasks of one loop. They begin in the loop's next turn. A handle: moved, not copied; for the
/// loop's thread (or for any thread while none runs the loop).
class SLK_API task_scope {
public:
    /// `stop`: cancels all tasks once a stop is requested, on any thread. Errors: invalid_state
    /// (another thread runs the loop), loop_closed, forked, out_of_memory.
    [[nodiscard]] static result<task_scope> create(loop& on, std::stop_token stop = {});

    task_scope(task_scope&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
    task_scope& operator=(task_scope&& other) noexcept;
    /// Destroys all tasks, wherever they are suspended. One of them that destroys its own scope
    /// goes on until it is suspended, and is destroyed then.
    ~task_scope();

    /// Errors, after which the task is destroyed: out_of_memory (also for an empty task),
    /// loop_closed, invalid_state (moved from). After cancel() the task begins cancelled.
    result<void> spawn(task<> work);
    /// What each task waits for ends with errc::cancelled, and so does all that it awaits later.
    void cancel() noexcept;
    /// Tasks that have not ended.
    [[nodiscard]] std::size_t size() const noexcept;
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    /// The first error that a task has ended with, but for `cancelled` after cancel().
    [[nodiscard]] error first_error() const noexcept;
    /// co_await: waits until there are no tasks. Its result is first_error(), if there is one. Not
    /// for a task of this scope.
    [[nodiscard]] coroutine_detail::join_operation join() noexcept;

private:
    explicit task_scope(coroutine_detail::scope_core* core) noexcept : core_(core) {}

    coroutine_detail::scope_core* core_;
};

namespace coroutine_detail {

class SLK_API join_operation final : public operation_of<result<void>> {
public:
    explicit join_operation(scope_core* of) noexcept;
    join_operation(join_operation&& other) noexcept;
    join_operation& operator=(join_operation&&) = delete;
    ~join_operation();

private:
    static const behaviour how;

    scope_core* of_;
};

} // namespace coroutine_detail

inline coroutine_detail::join_operation task_scope::join() noexcept
{
    return coroutine_detail::join_operation(core_);
}

/// Runs a task that belongs to the loop: the loop's end destroys it. `done` (may be empty) is
/// called with its result, but not by the loop's end. Errors: as task_scope::create() and spawn().
SLK_API result<void> spawn(loop& on, task<> work, task_handler done = {});
/// As above; the task is cancelled once a stop is requested.
SLK_API result<void> spawn(loop& on, task<> work, std::stop_token stop, task_handler done = {});

namespace coroutine_detail {

template <class T>
task<> keep_result(task<T> work, std::optional<result<T>>& into)
{
    into.emplace(co_await std::move(work));
    co_return {};
}

} // namespace coroutine_detail

/// Runs the loop on this thread until the task has ended, and returns its result. When the time is
/// over, or a stop was requested, the task is cancelled; if it has not ended a second later, it is
/// destroyed. Errors: those of the task; timed_out; cancelled (also by loop::stop()); and those of
/// task_scope::create() and loop::run_until().
template <class T>
[[nodiscard]] result<T> run_task(loop& on, task<T> work, const timeout& limit = {})
{
    std::optional<result<T>> outcome;
    const std::function<bool()> ended = [&outcome] { return outcome.has_value(); };
    SLK_TRY(task_scope scope, task_scope::create(on, limit.stop));
    SLK_TRY(scope.spawn(coroutine_detail::keep_result(std::move(work), outcome)));
    SLK_TRY(on.run_until(ended, duration::zero()));
    const time_point begun = on.now();
    SLK_TRY(on.run_until(ended, limit.max_wait));
    if (outcome)
        return *std::move(outcome);
    const bool late = limit.max_wait != duration::max() && on.now() - begun >= limit.max_wait;
    scope.cancel();
    SLK_TRY(on.run_until(ended, std::chrono::seconds(1)));
    if (outcome && (outcome->has_value() || !(outcome->error() == errc::cancelled)))
        return *std::move(outcome);
    return fail(late ? errc::timed_out : errc::cancelled, phase::none);
}

} // namespace slk

#define SLK_DETAIL_CO_TRY_BIND(name, declaration, expression)                                      \
    auto name = (expression);                                                                      \
    if (!name)                                                                                     \
        co_return ::slk::unexpected(std::move(name).error());                                      \
    declaration = std::move(*name)
#define SLK_DETAIL_CO_TRY_VOID(name, expression)                                                   \
    do {                                                                                           \
        auto name = (expression);                                                                  \
        if (!name)                                                                                 \
            co_return ::slk::unexpected(std::move(name).error());                                  \
    } while (false)
#define SLK_DETAIL_CO_TRY_1(expression)                                                            \
    SLK_DETAIL_CO_TRY_VOID(SLK_DETAIL_CONCAT(slk_try_, __LINE__), expression)
#define SLK_DETAIL_CO_TRY_2(declaration, expression)                                               \
    SLK_DETAIL_CO_TRY_BIND(SLK_DETAIL_CONCAT(slk_try_, __LINE__), declaration, expression)
/// SLK_TRY for tasks:
///
///     SLK_CO_TRY(expression);             // ends the task with the error, or continues
///     SLK_CO_TRY(auto value, expression); // ends it with the error, or binds the value
#define SLK_CO_TRY(...)                                                                            \
    SLK_DETAIL_TRY_PICK(__VA_ARGS__, SLK_DETAIL_CO_TRY_2, SLK_DETAIL_CO_TRY_1, unused)(__VA_ARGS__)

#endif
