// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_OBSERVE_READY_NOTICE_HPP
#define SLK_MESSAGING_OBSERVE_READY_NOTICE_HPP

/// Tells the loop of a socket's watch, or a function of the user, that the inbox may have reports.
/// It belongs to the inbox, and is used by one watch or function after another.

#include "base/call_user.hpp"
#include "base/ref_counted.hpp"
#include "io/loop_core.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace slk::messaging {

class ready_notice final : public ref_counted<ready_notice> {
public:
    using body = void (*)(void* owner) noexcept;

    ready_notice() noexcept
    {
        task_.owner = this;
        task_.run = [](io::task& self) noexcept { static_cast<ready_notice*>(self.owner)->run(); };
        task_.drop = [](io::task& self) noexcept {
            static_cast<ready_notice*>(self.owner)->release();
        };
    }

    /// Any thread. Of many calls before clear(), one posts a task.
    void set() noexcept
    {
        if (!set_.exchange(true, std::memory_order_seq_cst))
            post();
    }
    /// By the owner, before it looks.
    void clear() noexcept { set_.store(false, std::memory_order_seq_cst); }

    // On the loop's thread.

    /// `look` is called on the loop's thread, now and after each set(). False: there is an owner.
    [[nodiscard]] bool attach(std::shared_ptr<io::loop_core> loop, body look, void* owner) noexcept
    {
        {
            const std::lock_guard lock(guard_);
            if (owner_ != nullptr || call_)
                return false;
            loop_ = std::move(loop);
            look_ = look;
            owner_ = owner;
        }
        set_.store(true, std::memory_order_seq_cst);
        post();
        return true;
    }
    void detach() noexcept
    {
        std::shared_ptr<io::loop_core> gone;
        const std::lock_guard lock(guard_);
        gone = std::move(loop_);
        loop_.reset();
        owner_ = nullptr;
    }

    /// `call` is called now and after each set(), on the thread that calls set(). Empty: ends it.
    /// When this returns no call of an earlier one is under way. Returns false if there is another
    /// owner, and from inside of the call.
    [[nodiscard]] bool attach(std::function<void()> call) noexcept
    {
        if (is_calling())
            return false;
        {
            const std::lock_guard lock(guard_);
            if (owner_ != nullptr || (call && call_))
                return false;
            std::swap(call_, call);
            if (!call_)
                return true;
        }
        set_.store(true, std::memory_order_seq_cst);
        post();
        return true;
    }

private:
    friend class ref_counted<ready_notice>;
    ~ready_notice() = default;

    /// Whether this thread is inside of the function, which must not use the socket.
    [[nodiscard]] bool is_calling() const noexcept
    {
        return caller_.load(std::memory_order_relaxed) == std::this_thread::get_id();
    }

    void post() noexcept
    {
        if (is_calling())
            return;
        const std::lock_guard lock(guard_);
        if (call_) {
            caller_.store(std::this_thread::get_id(), std::memory_order_relaxed);
            call_user("the function of socket::on_news()", call_);
            caller_.store({}, std::memory_order_relaxed);
        }
        if (loop_ == nullptr)
            return;
        retain();
        bool fresh = false; // one that is posted already has a reference
        if (!loop_->post(task_, fresh) || !fresh)
            release();
    }

    void run() noexcept
    {
        body look = nullptr;
        void* owner = nullptr;
        bool elsewhere = false;
        {
            const std::lock_guard lock(guard_);
            // It may have been posted for an earlier owner, on another loop.
            elsewhere = loop_ != nullptr && !loop_->inside();
            if (loop_ != nullptr && !elsewhere) {
                look = look_;
                owner = owner_;
            }
        }
        if (elsewhere)
            post();
        else if (owner != nullptr)
            look(owner); // which may detach the owner
        release();
    }

    std::atomic<bool> set_{false};
    io::task task_;
    std::mutex guard_;
    std::shared_ptr<io::loop_core> loop_; ///< guarded
    body look_ = nullptr; ///< guarded
    void* owner_ = nullptr; ///< guarded; changed on the loop's thread only
    std::function<void()> call_; ///< guarded
    std::atomic<std::thread::id> caller_{}; ///< inside of call_
};

} // namespace slk::messaging

#endif
