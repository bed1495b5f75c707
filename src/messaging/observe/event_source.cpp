// SPDX-License-Identifier: MPL-2.0
#include "messaging/observe/event_source.hpp"

#include "base/try_allocate.hpp"

#include <utility>

namespace slk::messaging {

/// A clock of the user's is for the loop's thread only.
time_point event_source::now() const noexcept
{
    return loop_ != nullptr && loop_->may_touch() ? loop_->options().time->now()
                                                  : system_clock_source().now();
}

void event_source::pass_on(slk::event& made, std::string_view endpoint, bool whole) noexcept
{
    made.socket = number_;
    if (made.at == time_point{})
        made.at = now();
    whole = try_assign(made.endpoint, endpoint) && whole;
    const std::lock_guard lock(guard_);
    for (const auto& each : to_)
        if (each->kinds().has(made.kind))
            each->add(made, whole);
}

/// Under the lock.
void event_source::note_wanted() noexcept
{
    std::uint32_t wanted = 0;
    for (const auto& each : to_)
        wanted |= each->kinds().bits();
    wanted_.store(wanted, std::memory_order_relaxed);
}

result<void> event_source::add(const reference<event_queue>& to) noexcept
{
    const std::lock_guard lock(guard_);
    if (closed_)
        return fail(errc::invalid_state, phase::none, "the socket is closed");
    if (!try_push_back(to_, reference<event_queue>(to)))
        return fail(errc::out_of_memory, phase::setup);
    note_wanted();
    return {};
}

void event_source::remove(const event_queue& from) noexcept
{
    const std::lock_guard lock(guard_);
    std::erase_if(to_, [&](const auto& each) { return each.get() == &from; });
    note_wanted();
}

void event_source::close() noexcept
{
    slk::event last;
    last.kind = event_kind::stopped;
    last.socket = number_;
    last.at = now();
    std::vector<reference<event_queue>> all;
    {
        const std::lock_guard lock(guard_);
        closed_ = true;
        all.swap(to_);
        note_wanted();
    }
    for (const auto& each : all) {
        each->add(last, true);
        if (!each->is_of_context())
            each->end();
    }
}

} // namespace slk::messaging
