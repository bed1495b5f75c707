// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_USER_CALL_HPP
#define SLK_IO_USER_CALL_HPP

/// A function of the user that a loop calls, as long as there is a handle: what slk::timer and
/// slk::descriptor_watch share.
///
/// The handle has one reference, and the loop has one until the call ends.

#include <serverlink/descriptor_watch.hpp>

#include "base/ref_counted.hpp"
#include "base/reference.hpp"
#include "io/loop_core.hpp"

#include <atomic>
#include <memory>

namespace slk::io {

[[nodiscard]] constexpr bool includes(watch_for wanted, watch_for what) noexcept
{
    return wanted == what || wanted == watch_for::both;
}

class user_call : public ref_counted<user_call>, public resident {
public:
    /// The handle's. Any thread.
    void cancel() noexcept;
    [[nodiscard]] bool active() const noexcept
    {
        return active_.load(std::memory_order_acquire) && !loop_->closed();
    }

    void loop_closing() noexcept final { end(); }

protected:
    explicit user_call(std::shared_ptr<loop_core> on) noexcept;
    virtual ~user_call() = default;

    // On the loop's thread.

    /// Takes the loop's reference.
    void attach() noexcept;
    /// Ends the call, but for one that is being made, and destroys the function.
    void end() noexcept;
    /// Makes the call, unless another thread has cancelled it; `last`: no other one follows.
    /// Returns true if there is another one to come. Otherwise the call has ended, or this is a
    /// child process that it has forked.
    template <class Call>
    [[nodiscard]] bool make(bool last, const Call& call) noexcept
    {
        const auto held = reference<user_call>::to(*this);
        const bool wanted = last ? active_.exchange(false, std::memory_order_acq_rel)
                                 : active_.load(std::memory_order_acquire);
        if (wanted) {
            inside_ = true;
            call();
            inside_ = false;
            if (loop_->forked())
                return false;
        }
        if (attached_ && active_.load(std::memory_order_acquire))
            return true;
        end();
        return false;
    }
    [[nodiscard]] loop_core& on() const noexcept { return *loop_; }

    /// The loop has no more calls to make.
    virtual void detach() noexcept = 0;
    virtual void destroy_function() noexcept = 0;

private:
    friend class ref_counted<user_call>;

    const std::shared_ptr<loop_core> loop_;
    task cancel_task_; ///< of cancel() on another thread
    std::atomic<bool> active_{true};
    bool attached_ = false; ///< the loop has its reference
    bool inside_ = false; ///< the call is being made
};

} // namespace slk::io

#endif
