// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.h>

#include "base/timer_set.hpp"
#include "capi/errors.hpp"

#include <new>

namespace slk::capi {

namespace {

/// `change` returns false for an id that there is not.
template <class Change>
int change_timer(void* of, Change change)
{
    if (of == nullptr)
        return fail_with_errno(EFAULT);
    return change(*static_cast<timer_set*>(of)) ? 0 : fail_with_errno(EINVAL);
}

} // namespace

} // namespace slk::capi

using namespace slk::capi;

void* slk_timers_new(void)
{
    auto* const made = new (std::nothrow) slk::timer_set;
    if (made == nullptr)
        fail_with_errno(ENOMEM);
    return made;
}

int slk_timers_destroy(void** of)
{
    if (of == nullptr || *of == nullptr)
        return fail_with_errno(EFAULT);
    delete static_cast<slk::timer_set*>(*of);
    *of = nullptr;
    return 0;
}

int slk_timers_add(void* of, size_t interval_ms, slk_timer_fn handler, void* arg)
{
    if (of == nullptr || handler == nullptr)
        return fail_with_errno(EFAULT);
    const int id =
        static_cast<slk::timer_set*>(of)->add(slk::timer_interval(interval_ms), handler, arg);
    return id > 0 ? id : fail_with_errno(ENOMEM);
}

int slk_timers_cancel(void* of, int timer_id)
{
    return change_timer(of, [&](slk::timer_set& all) { return all.cancel(timer_id); });
}

int slk_timers_set_interval(void* of, int timer_id, size_t interval_ms)
{
    return change_timer(of, [&](slk::timer_set& all) {
        return all.set_interval(timer_id, slk::timer_interval(interval_ms));
    });
}

int slk_timers_reset(void* of, int timer_id)
{
    return change_timer(of, [&](slk::timer_set& all) { return all.reset(timer_id); });
}

long slk_timers_timeout(void* of)
{
    return of != nullptr ? static_cast<slk::timer_set*>(of)->time_left() : fail_with_errno(EFAULT);
}

int slk_timers_execute(void* of)
{
    if (of == nullptr)
        return fail_with_errno(EFAULT);
    static_cast<slk::timer_set*>(of)->execute();
    return 0;
}
