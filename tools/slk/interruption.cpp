// SPDX-License-Identifier: MPL-2.0
#include "interruption.hpp"

#include "exit_codes.hpp"

namespace slk::tool {

bool interrupted() noexcept
{
    return interrupt_watch::last_signal() != 0;
}

int exit_code_of_interruption() noexcept
{
    return interrupted() ? 128 + interrupt_watch::last_signal() : exit_interrupted;
}

bool interruption::sleep(duration timeout)
{
    std::unique_lock hold(mutex_);
    return !changed_.wait_for(hold, timeout, [this] { return requested(); });
}

void interruption::request()
{
    source_.request_stop();
    // A thread that checks under the mutex and then waits does not miss the notification.
    const std::lock_guard hold(mutex_);
    changed_.notify_all();
}

} // namespace slk::tool
