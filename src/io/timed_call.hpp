// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_TIMED_CALL_HPP
#define SLK_IO_TIMED_CALL_HPP

/// The implementation of slk::timer.

#include <serverlink/timer.hpp>

#include "io/user_call.hpp"

#include <functional>

namespace slk::io {

class timed_call final : public user_call {
public:
    /// `period`: zero for a single call. On the loop's thread.
    [[nodiscard]] static result<timed_call*> start(const std::shared_ptr<loop_core>& on,
                                                   duration delay, duration period,
                                                   std::function<void()> work);

private:
    timed_call(std::shared_ptr<loop_core> on, duration period, std::function<void()> work) noexcept;

    [[nodiscard]] time_point present() const noexcept;
    void expired() noexcept;
    void arm_again() noexcept;
    void detach() noexcept override;
    void destroy_function() noexcept override;

    const duration period_;
    std::function<void()> work_;
    io::timer timer_;
};

} // namespace slk::io

#endif
