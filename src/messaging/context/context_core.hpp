// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONTEXT_CONTEXT_CORE_HPP
#define SLK_MESSAGING_CONTEXT_CONTEXT_CORE_HPP

/// What slk::context is made of: its loops, the sockets that must be woken when it ends, and the
/// names of inproc.

#include <serverlink/context.hpp>
#include <serverlink/timeout.hpp>

#include "base/memory_budget.hpp"
#include "base/reference.hpp"
#include "io/os/forks.hpp"
#include "messaging/context/inproc_names.hpp"
#include "messaging/context/io_loop.hpp"
#include "messaging/observe/inbox.hpp"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

namespace slk::messaging {

class context_core : public std::enable_shared_from_this<context_core> {
public:
    [[nodiscard]] static result<std::shared_ptr<context_core>>
    create(const context_options& wanted);
    [[nodiscard]] static result<std::shared_ptr<context_core>> on(loop& of_user,
                                                                  std::uint64_t max_memory);
    explicit context_core(std::shared_ptr<memory_budget> budget) noexcept
        : budget_(std::move(budget))
    {
    }

    /// The loop of the next connection or listener, among those that an affinity allows.
    [[nodiscard]] const std::shared_ptr<io_loop>& next_loop(std::uint64_t affinity) noexcept;
    /// Errors: invalid_argument (the affinity names a loop that does not exist).
    [[nodiscard]] result<void> check_affinity(std::uint64_t affinity) const noexcept;
    /// Errors: too_many_descriptors, cancelled, forked, out_of_memory.
    result<void> add(const reference<inbox>& socket);
    void remove(const reference<inbox>& socket) noexcept;
    /// A stream of events of the context, or of one socket: it is woken when the context ends. That
    /// of the context gets the events of all sockets. Errors: cancelled, forked, out_of_memory.
    result<void> add(const reference<event_queue>& events);
    void remove(const event_queue& events) noexcept;

    /// Also true in a child process, where the context is not the process' own.
    [[nodiscard]] bool stopped() const noexcept
    {
        return usable_in_.load(std::memory_order_acquire) != io::os::fork_watch::number();
    }
    /// The error of a call while stopped.
    [[nodiscard]] error why_stopped() const noexcept;
    /// Returns true in a child of the process that made the context (io/os/forks.hpp).
    [[nodiscard]] bool forked() const noexcept { return process_.forked(); }
    /// In a child process, when the context or the first of its sockets ends: see
    /// loop_core::leave_to_parent().
    void leave_to_parent() noexcept;
    void shutdown() noexcept;
    /// The context is gone, and so are its loops.
    void end() noexcept;
    /// No loop is left: nothing is sent or received any more. Any thread.
    [[nodiscard]] bool ended() const noexcept;

    /// The context has no threads: the thread that uses a socket runs the loop.
    [[nodiscard]] bool run_by_caller() const noexcept { return !threads_; }
    /// The loop that the caller's thread has to run if anything is to happen; null where another
    /// thread does that.
    [[nodiscard]] io::loop_core* to_run() const noexcept;
    /// The time for deadlines, on any thread that uses sockets.
    [[nodiscard]] time_point now() const noexcept;
    [[nodiscard]] std::uint64_t next_number() noexcept
    {
        return numbers_.fetch_add(1, std::memory_order_relaxed) + 1;
    }
    [[nodiscard]] std::uint64_t next_random() noexcept;
    /// The loop that calls the handlers of events, and whose clock is that of the sockets while the
    /// caller runs it.
    [[nodiscard]] const std::shared_ptr<io::loop_core>& first_loop() const noexcept
    {
        return loops_.front()->core;
    }
    // Endpoints that their sockets have given up. On their loop's thread.

    void count_departing() noexcept
    {
        const std::lock_guard lock(departing_guard_);
        ++departing_;
    }
    void count_departed() noexcept;
    /// As context::wait_closed().
    result<void> wait_closed(const timeout& limit, bool interruptible);

    /// Ends the wait of a caller that runs a loop. Any thread.
    void wake() noexcept;
    /// As socket::poll_timeout().
    [[nodiscard]] duration poll_timeout() const noexcept;
    /// Before a call: a loop that the caller runs delivers what has completed.
    void deliver_completed() noexcept
    {
        if (!threads_)
            run_completed();
    }
    /// After a send: what a loop that the caller runs has queued goes out now.
    void submit_sends()
    {
        if (!threads_)
            submit_to_loop();
    }
    /// Where all sockets are looked at. Errors: forked, out_of_memory.
    [[nodiscard]] result<std::vector<reference<inbox>>> sockets();
    /// The numbers of all sockets. Errors: forked, out_of_memory.
    [[nodiscard]] result<std::vector<socket_metrics>> metrics();
    [[nodiscard]] inproc_names& names() noexcept { return names_; }
    [[nodiscard]] std::span<const std::shared_ptr<io_loop>> loops() const noexcept
    {
        return loops_;
    }
    /// What the queues of all sockets hold.
    [[nodiscard]] const std::shared_ptr<memory_budget>& budget() const noexcept { return budget_; }

private:
    result<void> add_loop(std::shared_ptr<io_loop> made);
    void run_completed() noexcept;
    void submit_to_loop();
    void end_departing() noexcept;
    [[nodiscard]] bool any_departing() noexcept
    {
        const std::lock_guard lock(departing_guard_);
        return departing_ > 0;
    }

    const std::shared_ptr<memory_budget> budget_;
    std::vector<std::shared_ptr<io_loop>> loops_;
    bool threads_ = false; ///< the loops have threads of their own
    std::size_t max_sockets_ = SIZE_MAX;
    std::atomic<std::size_t> next_loop_{0};
    std::atomic<std::uint64_t> numbers_{0};
    const io::os::fork_watch process_;
    /// The number of the process' fork; no_process once it is shut down.
    std::atomic<std::uint32_t> usable_in_{io::os::fork_watch::number()};
    static constexpr std::uint32_t no_process = UINT32_MAX;
    std::atomic<bool> left_{false};
    std::shared_ptr<context_core> kept_; ///< itself, once it is left to the parent
    std::mutex guard_;
    std::vector<reference<inbox>> sockets_; ///< guarded
    std::vector<reference<event_queue>> events_; ///< guarded
    inproc_names names_;
    std::mutex departing_guard_;
    std::condition_variable departed_;
    /// As departed_, for the one thread whose wait may be interrupted.
    thread_parker departed_parker_;
    std::size_t departing_ = 0; ///< guarded
};

} // namespace slk::messaging

#endif
