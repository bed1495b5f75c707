// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_TIMED_CALL_HPP
#define SLK_IO_TIMED_CALL_HPP

/// The implementation of slk::timer: a function of the user and its timer.
///
/// The handle has one reference, and the loop has one for as long as a call is to come.

#include <serverlink/timer.hpp>

#include "base/ref_counted.hpp"
#include "io/loop_core.hpp"

#include <atomic>
#include <functional>
#include <memory>

namespace slk::io {

class timed_call final : public ref_counted<timed_call>, public resident {
public:
    /// `period`: zero for a single call. On the loop's thread.
    [[nodiscard]] static result<timed_call*> start(const std::shared_ptr<loop_core>& on,
                                                   duration delay, duration period,
                                                   std::function<void()> work);

    /// Any thread.
    void cancel() noexcept;
    [[nodiscard]] bool active() const noexcept
    {
        return active_.load(std::memory_order_acquire) && !loop_->closed();
    }

    void loop_closing() noexcept override { end(); }

private:
    friend class ref_counted<timed_call>;

    timed_call(std::shared_ptr<loop_core> on, duration period, std::function<void()> work) noexcept;
    ~timed_call() = default;

    [[nodiscard]] time_point present() const noexcept;
    void expired() noexcept;
    void arm_again() noexcept;
    void end() noexcept;

    const std::shared_ptr<loop_core> loop_;
    const duration period_;
    std::function<void()> work_;
    io::timer timer_;
    task cancel_task_; ///< of cancel() on another thread
    std::atomic<bool> active_{true};
    bool attached_ = true; ///< the loop has its reference
    bool inside_ = false; ///< in a call of work_
};

} // namespace slk::io

#endif
