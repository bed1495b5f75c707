// SPDX-License-Identifier: MPL-2.0
#include "interruption.hpp"

namespace slk::tool {

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
