// SPDX-License-Identifier: MPL-2.0
#include <serverlink/clock.hpp>
#include <serverlink/serverlink.h>

#include "base/try_allocate.hpp"
#include "capi/errors.hpp"

#include <algorithm>
#include <chrono>
#include <climits>
#include <new>
#include <vector>

namespace slk::capi {

namespace {

class timers {
public:
    /// Returns the id; -1 when memory is exhausted.
    int add(duration interval, slk_timer_fn handler, void* arg) noexcept
    {
        if (next_id_ == INT_MAX ||
            !try_push_back(all_, timer{next_id_, interval, due_after(interval), handler, arg}))
            return -1;
        return next_id_++;
    }
    [[nodiscard]] bool cancel(int id) noexcept
    {
        return std::erase_if(all_, [id](const timer& each) { return each.id == id; }) > 0;
    }
    [[nodiscard]] bool reset(int id) noexcept
    {
        timer* const found = find(id);
        if (found != nullptr)
            found->due = due_after(found->interval);
        return found != nullptr;
    }
    [[nodiscard]] bool set_interval(int id, duration interval) noexcept
    {
        timer* const found = find(id);
        if (found != nullptr)
            found->interval = interval;
        return found != nullptr && reset(id);
    }
    /// In milliseconds, rounded up; -1: there is none.
    [[nodiscard]] long time_left() const noexcept
    {
        const auto next = std::ranges::min_element(all_, {}, &timer::due);
        if (next == all_.end())
            return -1;
        const duration left = std::max(next->due - now(), duration::zero());
        const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
        return static_cast<long>(std::min<std::int64_t>(ms, LONG_MAX));
    }
    /// Calls the handlers that are due, in the order of their times. They may change the timers:
    /// one that is added or begins anew meanwhile is not called.
    void execute()
    {
        const time_point at = now();
        ++round_;
        for (timer* next = first_due(at); next != nullptr; next = first_due(at)) {
            next->round = round_;
            next->due = due_after(next->interval);
            next->handler(next->id, next->arg);
        }
    }

private:
    struct timer {
        int id;
        duration interval;
        time_point due;
        slk_timer_fn handler;
        void* arg;
        std::uint64_t round = 0; ///< of execute() in which it was called last
    };

    [[nodiscard]] static time_point now() noexcept { return system_clock_source().now(); }
    [[nodiscard]] static time_point due_after(duration interval) noexcept
    {
        return after(now(), interval);
    }
    [[nodiscard]] timer* find(int id) noexcept
    {
        const auto found = std::ranges::find(all_, id, &timer::id);
        return found != all_.end() ? &*found : nullptr;
    }
    [[nodiscard]] timer* first_due(time_point at) noexcept
    {
        timer* first = nullptr;
        for (timer& each : all_)
            if (each.due <= at && each.round != round_ &&
                (first == nullptr || each.due < first->due))
                first = &each;
        return first;
    }

    std::vector<timer> all_;
    int next_id_ = 1;
    std::uint64_t round_ = 0;
};

duration interval_of(std::size_t milliseconds) noexcept
{
    constexpr std::uint64_t longest = 1'000'000'000'000; // some 30 years
    return std::chrono::milliseconds(std::min<std::uint64_t>(milliseconds, longest));
}

/// `change` returns false for an id that there is not.
template <class Change>
int change_timer(void* of, Change change)
{
    if (of == nullptr)
        return fail_with_errno(EFAULT);
    return change(*static_cast<timers*>(of)) ? 0 : fail_with_errno(EINVAL);
}

} // namespace

} // namespace slk::capi

using namespace slk::capi;

void* slk_timers_new(void)
{
    auto* const made = new (std::nothrow) timers;
    if (made == nullptr)
        fail_with_errno(ENOMEM);
    return made;
}

int slk_timers_destroy(void** of)
{
    if (of == nullptr || *of == nullptr)
        return fail_with_errno(EFAULT);
    delete static_cast<timers*>(*of);
    *of = nullptr;
    return 0;
}

int slk_timers_add(void* of, size_t interval_ms, slk_timer_fn handler, void* arg)
{
    if (of == nullptr || handler == nullptr)
        return fail_with_errno(EFAULT);
    const int id = static_cast<timers*>(of)->add(interval_of(interval_ms), handler, arg);
    return id > 0 ? id : fail_with_errno(ENOMEM);
}

int slk_timers_cancel(void* of, int timer_id)
{
    return change_timer(of, [&](timers& all) { return all.cancel(timer_id); });
}

int slk_timers_set_interval(void* of, int timer_id, size_t interval_ms)
{
    return change_timer(
        of, [&](timers& all) { return all.set_interval(timer_id, interval_of(interval_ms)); });
}

int slk_timers_reset(void* of, int timer_id)
{
    return change_timer(of, [&](timers& all) { return all.reset(timer_id); });
}

long slk_timers_timeout(void* of)
{
    return of != nullptr ? static_cast<timers*>(of)->time_left() : fail_with_errno(EFAULT);
}

int slk_timers_execute(void* of)
{
    if (of == nullptr)
        return fail_with_errno(EFAULT);
    static_cast<timers*>(of)->execute();
    return 0;
}
