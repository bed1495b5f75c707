// SPDX-License-Identifier: MPL-2.0
#include "messaging/context/io_loop.hpp"

#include "messaging/context/thread_parker.hpp"

namespace slk::messaging {

namespace {

/// A task whose end another thread waits for.
struct awaited_task final : io::task {
    void (*work)(void* argument) = nullptr;
    void* argument = nullptr;
    bool ended = false; ///< guarded by the parker
    bool performed = false;
    thread_parker caller;

    void end(bool was_performed) noexcept
    {
        performed = was_performed;
        caller.wake_after([this] { ended = true; });
    }
};

} // namespace

bool io_loop::perform(void (*work)(void* argument), void* argument) const
{
    if (core->closed())
        return false;
    if (core->may_touch()) {
        work(argument);
        return true;
    }
    awaited_task request;
    request.work = work;
    request.argument = argument;
    request.run = [](io::task& self) noexcept {
        auto& asked = static_cast<awaited_task&>(self);
        asked.work(asked.argument);
        asked.end(true);
    };
    request.drop = [](io::task& self) noexcept { static_cast<awaited_task&>(self).end(false); };
    if (!core->post(request))
        return false;
    do
        request.caller.park(duration::max());
    while (!request.ended);
    return request.performed;
}

} // namespace slk::messaging
