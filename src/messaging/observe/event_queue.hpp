// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_OBSERVE_EVENT_QUEUE_HPP
#define SLK_MESSAGING_OBSERVE_EVENT_QUEUE_HPP

/// The unread events of one event_stream. Any thread adds events; one thread reads them, or the
/// loop calls the handler for them. Adding never waits for the reader: what does not fit is
/// counted.

#include <serverlink/events.hpp>

#include "base/list.hpp"
#include "base/ref_counted.hpp"
#include "base/reference.hpp"
#include "io/loop_core.hpp"
#include "io/os/signal.hpp"
#include "messaging/context/thread_parker.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace slk::messaging {

class event_queue final : public ref_counted<event_queue> {
public:
    /// `of_context`: it outlives the sockets that it is about. `loop`: where the handler is called.
    event_queue(event_options options, bool of_context,
                std::shared_ptr<io::loop_core> loop) noexcept;

    [[nodiscard]] bool is_of_context() const noexcept { return of_context_; }
    [[nodiscard]] bool has_handler() const noexcept { return has_handler_; }
    [[nodiscard]] event_set kinds() const noexcept { return kinds_; }

    // --- any thread ---

    /// `whole`: false if there was no memory for all of the event, which is lost then.
    void add(const slk::event& what, bool whole) noexcept;
    /// Nothing is added any more.
    void end() noexcept;
    void wake() noexcept;
    [[nodiscard]] std::uint64_t lost() const noexcept
    {
        return lost_total_.load(std::memory_order_relaxed);
    }

    // --- the reader's thread ---

    [[nodiscard]] std::optional<slk::event> take() noexcept;
    /// There is an event, or the end has come.
    [[nodiscard]] bool readable() const noexcept;
    [[nodiscard]] bool has_ended() const noexcept;
    /// Until there may be something to read.
    void sleep(duration timeout) { (void)own_.park(timeout); }
    /// Wakes `other` from now on; null: the queue's own sleeper.
    void redirect_wakes(thread_parker* other) noexcept;
    result<io::native_handle> event_handle();
    /// Nobody reads any more. Waits until the handler is not running on another thread.
    void stop() noexcept;
    /// In a child process (io/os/forks.hpp), without the lock: closes the child's copies of the
    /// descriptors.
    void leave_to_parent() noexcept { shown_.reset(); }

private:
    friend class ref_counted<event_queue>;
    ~event_queue();

    struct unread : list_node {
        slk::event what;
        std::uint64_t lost_before = 0;
    };

    struct drop_set {
        std::array<unread*, 4> all{};
        unsigned next = 0; ///< the place that is used next
    };
    [[nodiscard]] drop_set& drops_like(const slk::event& what) noexcept;
    [[nodiscard]] bool count_further(const slk::event& what) noexcept;
    [[nodiscard]] bool append(const slk::event& what) noexcept;
    [[nodiscard]] std::optional<slk::event> take_next() noexcept;
    [[nodiscard]] bool is_readable() const noexcept
    {
        return !unread_.empty() || lost_ > 0 || ended_;
    }
    void show() noexcept;
    void deliver() noexcept;
    void post() noexcept;

    const event_set kinds_;
    const std::size_t capacity_;
    const bool of_context_;
    const bool has_handler_;
    const std::shared_ptr<io::loop_core> loop_; ///< null without a handler
    io::task task_;
    std::atomic<std::uint64_t> lost_total_{0};
    thread_parker own_;

    mutable std::mutex guard_; // of everything below
    list<unread> unread_;
    std::size_t size_ = 0; ///< places of unread_
    std::uint64_t number_ = 0; ///< of the last event
    std::uint64_t lost_ = 0; ///< after the last one of unread_
    struct place {
        time_point at{};
        std::uint64_t socket = 0;
        std::uint64_t number = 0;
    };
    place last_lost_;
    /// Unread ones that may still count further messages, by a hash of what they tell apart.
    std::array<drop_set, 512> drops_{};
    bool ended_ = false;
    bool posted_ = false; ///< the task has a reference
    bool stopped_ = false;
    std::function<void(const slk::event&)> handler_;
    std::thread::id handler_runs_on_{};
    std::condition_variable handler_returned_;
    thread_parker* parker_ = &own_;
    std::unique_ptr<io::os::signal> shown_;
};

} // namespace slk::messaging

#endif
