// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_COROUTINE_SCHEDULER_HPP
#define SLK_COROUTINE_SCHEDULER_HPP

/// Resumes the tasks of one loop, on its thread.
///
/// Whatever an operation waits for only puts it into a list. A task of the loop takes the list,
/// lets each operation make an attempt, and resumes the coroutines of those that have ended. So a
/// coroutine is never resumed inside a call of another one, and what an attempt takes goes to its
/// coroutine without a gap.

#include <serverlink/coroutine_task.hpp>

#include "base/ref_counted.hpp"
#include "base/reference.hpp"
#include "io/loop_core.hpp"

#include <memory>
#include <mutex>

namespace slk::coroutine_detail {

/// A task that was spawned, with its strand. Owned by a scope or by the scheduler.
class root final : public place {
public:
    root(reference<scheduler> on, scope_core* in, task<>&& work, task_handler&& done) noexcept;

    /// It begins in the loop's next turn.
    void begin_soon() noexcept { start_.begin_later(own_, begin_); }
    void cancel() noexcept { own_.cancel(); }
    /// Its owner goes: it ends now, or when it is suspended.
    void destroy() noexcept;

private:
    friend class scheduler;

    /// Resumes the task for the first time.
    class first_turn final : public operation {
    public:
        first_turn() noexcept : operation(how) {}

    private:
        static const behaviour how;
    };
    struct note final : continuation {
        note(body what, root& which) noexcept : continuation(what), of(which) {}
        root& of;
    };

    static std::coroutine_handle<> begin(continuation& self) noexcept;
    static std::coroutine_handle<> ended(continuation& self) noexcept;
    void finish() noexcept;

    const reference<scheduler> on_;
    scope_core* in_; ///< null: the scheduler's own, or doomed
    task_handler done_;
    strand own_;
    note begin_{&begin, *this};
    note ended_{&ended, *this};
    task<> work_;
    first_turn start_;
    unsigned running_ = 0; ///< calls that are inside of it
    bool has_ended_ = false;
    bool doomed_ = false;
    bool finishing_ = false;
};

class scheduler final : public ref_counted<scheduler> {
public:
    /// Makes it on first use. On the loop's thread. Errors: invalid_state, loop_closed, forked,
    /// out_of_memory.
    [[nodiscard]] static result<reference<scheduler>>
    of(const std::shared_ptr<io::loop_core>& loop) noexcept;

    [[nodiscard]] io::loop_core& loop() const noexcept { return *loop_; }
    [[nodiscard]] bool closed() const noexcept { return closed_; }
    [[nodiscard]] time_point now() const noexcept;

    /// An attempt at once is allowed. A coroutine whose operations all end at once would keep the
    /// loop from everything else.
    [[nodiscard]] bool spend_attempt() noexcept
    {
        return attempts_left_ > 0 && attempts_left_-- > 0;
    }
    void make_ready(operation& which) noexcept;
    /// Resumes these, and what is ready. In the loop's turn, outside of coroutines.
    void run(places& waiting) noexcept;
    /// A timer was armed, perhaps outside of a turn.
    void notice_timer() noexcept;

    /// Any thread.
    void request_stop(stop_link& by) noexcept;
    void forget_stop(stop_link& by) noexcept;

    [[nodiscard]] places& own_tasks() noexcept { return own_; }
    /// The loop ends: its own tasks are destroyed, and no other one is resumed any more.
    void close() noexcept;

private:
    friend class ref_counted<scheduler>;
    explicit scheduler(std::shared_ptr<io::loop_core> loop) noexcept;
    ~scheduler() = default;

    void run_ready() noexcept;
    void add_ready(operation& which) noexcept;
    void step(operation& which) noexcept;
    void finish(operation& which) noexcept;
    void take_stops() noexcept;

    static constexpr int max_attempts = 128;

    const std::shared_ptr<io::loop_core> loop_;
    io::task turn_;
    places ready_;
    places running_;
    places own_;
    int attempts_left_ = 0;
    bool inside_ = false;
    bool closed_ = false;
    std::mutex guard_;
    places stops_; ///< guarded
};

/// What task_scope is made of.
class scope_core final : public ref_counted<scope_core> {
public:
    explicit scope_core(reference<scheduler> on) noexcept : on_(std::move(on)) {}

    [[nodiscard]] result<void> spawn(task<>&& work) noexcept;
    void cancel() noexcept;
    void link(std::stop_token stop) noexcept { stop_.link(std::move(stop), *on_, stopped_); }
    /// The handle is gone.
    void destroy_tasks() noexcept;
    /// Of a task that has ended, and left the list.
    void ended(const error& why) noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] const error& first_error() const noexcept { return first_error_; }
    [[nodiscard]] places& joins() noexcept { return joins_; }

private:
    friend class ref_counted<scope_core>;
    ~scope_core() = default;
    void wake_joins() noexcept;

    struct all_tasks final : cancellable {
        explicit all_tasks(scope_core& which) noexcept
            : cancellable(
                  [](cancellable& self) noexcept { static_cast<all_tasks&>(self).of.cancel(); }),
              of(which)
        {
        }
        scope_core& of;
    };

    const reference<scheduler> on_;
    all_tasks all_{*this};
    strand stopped_{.waiting = &all_}; ///< cancelled by the stop token
    stop_link stop_;
    places tasks_;
    places joins_;
    std::size_t size_ = 0;
    error first_error_{};
    bool cancelled_ = false;
};

/// Adds a task to its owner's list. Errors, after which it is destroyed: out_of_memory,
/// loop_closed.
[[nodiscard]] result<void> add_task(const reference<scheduler>& on, scope_core* in, places& to,
                                    task<>&& work, task_handler&& done, bool cancelled) noexcept;

} // namespace slk::coroutine_detail

#endif
