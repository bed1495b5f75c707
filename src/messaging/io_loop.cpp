// SPDX-License-Identifier: MPL-2.0
#include "messaging/io_loop.hpp"

#include "messaging/thread_parker.hpp"

namespace slk::messaging {

namespace {

/// A task that somebody waits for.
struct awaited final : io::task {
    const std::function<void()>* work = nullptr;
    bool done = false; ///< guarded by the thread_parker
    bool performed = false;
    thread_parker waiting;

    void finish(bool was_performed) noexcept
    {
        performed = was_performed;
        waiting.wake_after([this] { done = true; });
    }
};

} // namespace

bool carrier::perform(const std::function<void()>& work) const
{
    if (core->closed())
        return false;
    if (core->may_touch()) {
        work();
        return true;
    }
    awaited request;
    request.work = &work;
    request.run = [](io::task& self) noexcept {
        auto& asked = static_cast<awaited&>(self);
        (*asked.work)();
        asked.finish(true);
    };
    request.drop = [](io::task& self) noexcept { static_cast<awaited&>(self).finish(false); };
    if (!core->post(request))
        return false;
    do
        request.waiting.park(duration::max());
    while (!request.done);
    return request.performed;
}

} // namespace slk::messaging
