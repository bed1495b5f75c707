// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_LOOP_CORE_HPP
#define SLK_IO_LOOP_CORE_HPP

/// The implementation of slk::loop: a poller, the tasks that other threads post, and the residents
/// that are notified when the loop ends.

#include <serverlink/loop.hpp>
#include <serverlink/random.hpp>

#include "base/list.hpp"
#include "io/os/forks.hpp"
#include "io/os/thread.hpp"
#include "io/poller.hpp"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

namespace slk::io {

/// Work for the loop's thread, embedded in its owner: posting allocates nothing. Posting a task
/// again before it has run has no effect.
class task {
public:
    using body = void (*)(task& self) noexcept;

    task() = default;
    task(const task&) = delete;
    task& operator=(const task&) = delete;

    /// Called once each time the task is taken from the queue. The task may be posted again or
    /// destroyed from inside.
    body run = nullptr;
    /// Called instead of run when the loop ended first. On any thread.
    body drop = nullptr;
    void* owner = nullptr;

private:
    friend class loop_core;
    task* next_ = nullptr;
    std::atomic<bool> posted_{false};
};

/// An object that belongs to the loop.
class resident : public list_node {
public:
    /// The loop ends, and the poller still works: cancel and close everything. Called once, on the
    /// loop's thread or in its destructor.
    virtual void loop_closing() noexcept = 0;
    /// The machine was suspended, for a second or more, and is back.
    virtual void system_resumed() noexcept {}

protected:
    ~resident() = default;
};

/// An object of a higher layer that belongs to a loop. closing() is called after the residents'
/// loop_closing() and before the poller shuts down.
class service {
public:
    virtual ~service() = default;
    virtual void closing() noexcept = 0;
};

/// Where a thread that destroys a handle waits until a handler has returned, which is rare. Not
/// atomic::wait: where the system has no futex, libstdc++ 12 may miss the notification.
struct handler_calls {
    std::mutex guard;
    std::condition_variable changed;
};

class loop_core : public std::enable_shared_from_this<loop_core> {
public:
    [[nodiscard]] static result<std::shared_ptr<loop_core>> create(loop_options options);
    loop_core(std::unique_ptr<poller> chosen, std::vector<refused_backend> refused,
              loop_options options);
    ~loop_core();

    [[nodiscard]] poller& io() noexcept { return *poller_; }
    [[nodiscard]] const loop_options& options() const noexcept { return options_; }
    [[nodiscard]] std::string_view backend() const noexcept { return poller_->name(); }
    [[nodiscard]] std::span<const refused_backend> refused_backends() const noexcept
    {
        return refused_;
    }
    [[nodiscard]] time_point now() const noexcept;

    /// Any thread. False once the loop is closed: the task will not run.
    bool post(task& work) noexcept
    {
        bool fresh = false;
        return post(work, fresh);
    }
    /// `fresh` is set if the task was not posted already.
    bool post(task& work, bool& fresh) noexcept;
    bool post(std::function<void()> work);

    /// True on the thread that runs the loop, and on every thread while none does.
    [[nodiscard]] bool may_touch() const noexcept;
    /// True on the thread that is inside a turn.
    [[nodiscard]] bool inside() const noexcept;

    /// Returns the error of a call that is for the loop's thread, and for a loop that is not
    /// ending.
    [[nodiscard]] result<void> check_use() const noexcept;
    /// Timers were armed, or something is to be submitted, perhaps outside of a turn.
    void notice_change() noexcept
    {
        if (!inside() || poller_->waiting())
            poller_->wake();
    }

    /// On the loop's thread.
    void add(resident& entry) noexcept
    {
        residents_.push_back(entry);
        // A request from before the end that begins only now must end with the others.
        if (closing_)
            entry.loop_closing();
    }
    void remove(resident& entry) noexcept { entry.unlink(); }

    /// The loop is being closed. On the loop's thread.
    [[nodiscard]] bool closing() const noexcept { return closing_; }

    /// Returns a new seed for one link's random stream. Any thread.
    [[nodiscard]] std::uint64_t next_seed() noexcept;

    /// `interrupted`: is set when a handler of a signal has ended a wait, which ends the run; null:
    /// the run goes on.
    result<bool> run(const std::function<bool()>* done, duration timeout,
                     bool* interrupted = nullptr);
    result<void> start_thread(const os::thread_traits& traits = {});
    /// Runs one turn that does not wait, for a simulation that schedules the loops. Returns the
    /// time of the next one, as poller::wants_turn_at(); slk::never if another call runs the loop.
    time_point turn_now();
    [[nodiscard]] time_point wants_turn_at() const noexcept;
    /// As loop::poll_timeout(). On the loop's thread.
    [[nodiscard]] duration poll_timeout() noexcept;
    void stop();
    void close();
    /// Also true in a child process, where the loop is not the process' own.
    [[nodiscard]] bool closed() const noexcept
    {
        return open_in_.load(std::memory_order_acquire) != io::os::fork_watch::number();
    }
    /// The error of a call on a closed loop.
    [[nodiscard]] error why_closed() const noexcept;

    /// Returns true in a child of the process that made the loop (os/forks.hpp).
    [[nodiscard]] bool forked() const noexcept { return process_.forked(); }
    /// In a child process, when the first handle of the loop ends: closes the child's copies of the
    /// descriptors. The loop's memory stays as it is until the process ends.
    void leave_to_parent() noexcept;

    /// The state that the links of this loop share (link/services.hpp). Made by that layer, on the
    /// loop's thread, and destroyed with the loop.
    std::unique_ptr<service> services;
    /// What resumes the coroutines of this loop (coroutine/scheduler.hpp); as above, but that its
    /// closing() comes first.
    std::unique_ptr<service> coroutines;

    /// Guards the requests of handles from other threads; held for a few instructions.
    std::mutex& requests_guard() noexcept { return requests_guard_; }
    handler_calls& handler_calls_of_links() noexcept { return handler_calls_; }

private:
    result<void> claim() noexcept;
    result<bool> run_claimed(const std::function<bool()>* done, duration timeout,
                             bool* interrupted = nullptr);
    /// Returns whether there was one.
    bool run_tasks() noexcept;
    void drop_tasks() noexcept;
    time_point refresh_now() noexcept;
    void check_for_suspension() noexcept;
    result<void> one_turn(time_point until);

    loop_options options_;
    std::unique_ptr<poller> poller_;
    std::vector<refused_backend> refused_; ///< constant
    std::atomic<task*> tasks_{nullptr}; ///< newest first
    std::atomic<std::int64_t> now_{0}; ///< for readers on other threads
    std::atomic<std::thread::id> runner_{};
    std::atomic<std::thread::id> closer_{}; ///< owns the loop after its own thread
    std::atomic<bool> stop_requested_{false};
    const os::fork_watch process_;
    /// The number of the process' fork; no_process once the loop is closed.
    std::atomic<std::uint32_t> open_in_{os::fork_watch::number()};
    static constexpr std::uint32_t no_process = UINT32_MAX;
    std::atomic<bool> left_{false};
    std::shared_ptr<loop_core> kept_; ///< itself, once it is left to the parent
    std::atomic<std::uint64_t> seed_state_;
    std::mutex requests_guard_;
    handler_calls handler_calls_;
    std::mutex thread_guard_;
    os::thread thread_;
    list<resident> residents_;
    bool closing_ = false;
    duration suspended_so_far_{};
};

} // namespace slk::io

#endif
