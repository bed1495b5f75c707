// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_BASE_TIMER_SET_HPP
#define SLK_BASE_TIMER_SET_HPP

/// Repeating timers whose handlers a program calls itself: those of the C APIs.

#include <serverlink/clock.hpp>

#include "base/try_allocate.hpp"

#include <algorithm>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace slk {

class timer_set {
public:
    using handler = void (*)(int id, void* argument);

    /// Returns the id; -1 when memory is exhausted.
    int add(duration interval, handler call, void* arg) noexcept
    {
        if (next_id_ == INT_MAX ||
            !try_push_back(all_, timer{next_id_, interval, due_after(interval), call, arg}))
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
            next->call(next->id, next->arg);
        }
    }

private:
    struct timer {
        int id;
        duration interval;
        time_point due;
        handler call;
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

/// For an interval that a C program gives.
[[nodiscard]] inline duration timer_interval(std::size_t milliseconds) noexcept
{
    constexpr std::uint64_t longest = 1'000'000'000'000; // some 30 years
    return std::chrono::milliseconds(std::min<std::uint64_t>(milliseconds, longest));
}

} // namespace slk

#endif
