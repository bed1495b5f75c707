// SPDX-License-Identifier: MPL-2.0
#include <libzmq/zmq.h>

#include "base/timer_set.hpp"
#include "libzmq/errors.hpp"

#include <mutex>
#include <new>

namespace slk::libzmq {

namespace {

struct live_timers {
    timer_set timers;
    live_timers* next = nullptr;
};

/// All that there are: a pointer is looked for here before it is read.
class live_list {
public:
    void add(live_timers& made) noexcept
    {
        const std::lock_guard lock(guard_);
        made.next = first_;
        first_ = &made;
    }
    /// Null if there is none such.
    [[nodiscard]] timer_set* find(const void* of) noexcept
    {
        const std::lock_guard lock(guard_);
        live_timers* const* const at = place_of(of);
        return *at != nullptr ? &(*at)->timers : nullptr;
    }
    /// Returns it, and it is the caller's; null if there is none such.
    [[nodiscard]] live_timers* remove(const void* of) noexcept
    {
        const std::lock_guard lock(guard_);
        live_timers** const at = place_of(of);
        live_timers* const found = *at;
        if (found != nullptr)
            *at = found->next;
        return found;
    }

private:
    [[nodiscard]] live_timers** place_of(const void* of) noexcept
    {
        live_timers** at = &first_;
        while (*at != nullptr && *at != of)
            at = &(*at)->next;
        return at;
    }

    std::mutex guard_;
    live_timers* first_ = nullptr; ///< guarded
};

live_list all_timers;

/// `change` returns false for an id that there is not.
template <class Change>
int change_timer(void* of, Change change)
{
    timer_set* const found = all_timers.find(of);
    if (found == nullptr)
        return fail(EFAULT);
    return change(*found) ? 0 : fail(EINVAL);
}

} // namespace

} // namespace slk::libzmq

using namespace slk::libzmq;

void* zmq_timers_new(void)
{
    auto* const made = new (std::nothrow) live_timers;
    if (made == nullptr)
        return fail_null(ENOMEM);
    all_timers.add(*made);
    return made;
}

int zmq_timers_destroy(void** of)
{
    if (of == nullptr)
        return fail(EFAULT);
    const live_timers* const found = all_timers.remove(*of);
    if (found == nullptr)
        return fail(EFAULT);
    delete found;
    *of = nullptr;
    return 0;
}

int zmq_timers_add(void* of, size_t interval_ms, zmq_timer_fn handler, void* argument)
{
    slk::timer_set* const found = all_timers.find(of);
    if (found == nullptr || handler == nullptr)
        return fail(EFAULT);
    const int id = found->add(slk::timer_interval(interval_ms), handler, argument);
    return id > 0 ? id : fail(ENOMEM);
}

int zmq_timers_cancel(void* of, int timer_id)
{
    return change_timer(of, [&](slk::timer_set& set) { return set.cancel(timer_id); });
}

int zmq_timers_set_interval(void* of, int timer_id, size_t interval_ms)
{
    const slk::duration interval = slk::timer_interval(interval_ms);
    return change_timer(of,
                        [&](slk::timer_set& set) { return set.set_interval(timer_id, interval); });
}

int zmq_timers_reset(void* of, int timer_id)
{
    return change_timer(of, [&](slk::timer_set& set) { return set.reset(timer_id); });
}

long zmq_timers_timeout(void* of)
{
    slk::timer_set* const found = all_timers.find(of);
    return found != nullptr ? found->time_left() : fail(EFAULT);
}

int zmq_timers_execute(void* of)
{
    slk::timer_set* const found = all_timers.find(of);
    if (found == nullptr)
        return fail(EFAULT);
    found->execute();
    return 0;
}
