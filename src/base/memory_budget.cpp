// SPDX-License-Identifier: MPL-2.0
#include "base/memory_budget.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace slk {

/// The first one that can arrive.
memory_claim* memory_budget::find_senior() noexcept
{
    memory_claim* first = nullptr;
    claims_.for_each([&](memory_claim& each) {
        if (first == nullptr && !each.is_blocked_)
            first = &each;
    });
    return first;
}

/// The guard is held.
void memory_budget::note_waiting() noexcept
{
    any_waits_.store(waiting_claims_ > 0 || !senders_.empty(), std::memory_order_seq_cst);
}

bool memory_budget::is_granted(const memory_claim& of, std::uint64_t more) noexcept
{
    return (more <= limit_ && used() <= limit_ - more) || find_senior() == &of;
}

bool memory_budget::may_grow(memory_claim& of, std::uint64_t more, bool waits) noexcept
{
    bool granted = false;
    {
        const std::lock_guard lock(guard_);
        if (!of.linked()) {
            of.number_ = ++numbers_;
            of.is_blocked_ = false;
            of.is_to_end_ = false;
            claims_.push_back(of);
        }
        if (!std::exchange(of.waits_, true))
            ++waiting_claims_;
        of.wants_ = more;
        note_waiting();
        granted = is_granted(of, more);
        if (granted)
            of.note_progress();
        if (granted || !waits) {
            of.waits_ = false;
            --waiting_claims_;
            note_waiting();
        }
    }
    // There may be memory for another one too, which wants less.
    if (any_waits_.load(std::memory_order_relaxed) && !is_used_up())
        call_waiting();
    return granted;
}

void memory_budget::withdraw(memory_claim& of) noexcept
{
    {
        const std::lock_guard lock(guard_);
        if (!of.linked())
            return;
        of.unlink();
        if (std::exchange(of.waits_, false))
            --waiting_claims_;
        note_waiting();
    }
    // Another message may be the senior now.
    if (any_waits_.load(std::memory_order_relaxed))
        call_waiting();
}

void memory_budget::set_blocked(memory_claim& of, bool blocked) noexcept
{
    {
        const std::lock_guard lock(guard_);
        if (!of.linked() || std::exchange(of.is_blocked_, blocked) == blocked)
            return;
    }
    if (any_waits_.load(std::memory_order_relaxed))
        call_waiting();
}

namespace {

/// A senior may take as long while others wait.
constexpr duration max_patience = std::chrono::seconds(10);
/// A message may rest as long, however many others rest too.
constexpr duration min_patience = std::chrono::milliseconds(100);
/// Shared by all messages: up to four of them get all of max_patience, and half of it after each
/// that was ended: where several rest, more probably do.
constexpr duration shared_patience = 4 * max_patience;
/// If nobody has looked for longer, nobody has waited.
constexpr duration max_gap = std::chrono::seconds(3);

/// `ended`: messages that were ended since some have waited.
duration share_of_patience(std::uint64_t messages, std::uint64_t ended) noexcept
{
    // Beyond these the least of it is left in any case.
    const auto divisor = std::clamp<std::uint64_t>(messages, 1, 1000);
    const auto halvings = std::min<std::uint64_t>(ended, 10);
    const duration share = shared_patience / static_cast<std::int64_t>(divisor);
    return std::max(std::min(share, max_patience) / (std::int64_t{1} << halvings), min_patience);
}

} // namespace

/// `restarts`: all rest from now on. Returns how many messages are not kept from arriving by their
/// own sockets.
std::uint64_t memory_budget::note_progress(time_point now, bool restarts) noexcept
{
    std::uint64_t count = 0;
    claims_.for_each([&](memory_claim& each) {
        const bool moved = each.moved_.exchange(false, std::memory_order_relaxed);
        if (moved || restarts || each.waits_ || each.is_blocked_)
            each.still_since_ = now;
        if (!each.is_blocked_ && !each.is_to_end_)
            ++count;
    });
    return count;
}

/// The oldest one of those that rest, or else the senior, if it is overdue.
memory_claim* memory_budget::find_overdue(time_point now) noexcept
{
    memory_claim* found = nullptr;
    claims_.for_each([&](memory_claim& each) {
        // One that has begun, or moved, since the others were looked at does not rest.
        if (found == nullptr && !each.is_to_end_ && !each.moved_.load(std::memory_order_relaxed) &&
            now - each.still_since_ >= patience_)
            found = &each;
    });
    if (found != nullptr)
        return found;
    memory_claim* const senior = find_senior();
    const bool is_late = senior != nullptr && senior->number_ == senior_ && !senior->waits_ &&
                         !senior->is_to_end_ && now - senior_since_ >= max_patience;
    return is_late ? senior : nullptr;
}

/// Returns true if there was one to end.
bool memory_budget::end_next(time_point now) noexcept
{
    memory_user* user = nullptr;
    {
        const std::lock_guard lock(guard_);
        memory_claim* const found = find_overdue(now);
        if (found == nullptr)
            return false;
        found->is_to_end_ = true;
        ++ended_in_a_row_;
        user = found->user_;
        user->retain_user();
    }
    // Without the guard: the user may end, and give memory back.
    user->end_for_memory();
    user->release_user();
    return true;
}

time_point memory_budget::look_for_memory(time_point now) noexcept
{
    std::uint64_t to_end = 0;
    {
        const std::lock_guard lock(guard_);
        const bool restarts = now - looked_at_ > std::max(2 * patience_, max_gap);
        // Each message that waits calls this; one look for all of them is enough.
        if (!restarts && now < next_look_)
            return next_look_;
        looked_at_ = now;
        if (restarts)
            ended_in_a_row_ = 0;
        patience_ = share_of_patience(note_progress(now, restarts), ended_in_a_row_);
        const memory_claim* const senior = find_senior();
        const std::uint64_t number = senior != nullptr ? senior->number_ : 0;
        if (std::exchange(senior_, number) != number || restarts)
            senior_since_ = now;
        const time_point senior_ends = after(senior_since_, max_patience);
        next_look_ = after(now, patience_);
        if (senior_ends > now)
            next_look_ = std::min(next_look_, senior_ends);
        // The memory of one may be enough for each that waits.
        to_end = std::max<std::uint64_t>(waiting_claims_, 1);
    }
    bool has_ended = false;
    while (to_end > 0 && end_next(now)) {
        has_ended = true;
        --to_end;
    }
    const std::lock_guard lock(guard_);
    if (has_ended)
        next_look_ = std::min(next_look_, after(now, min_patience));
    return next_look_;
}

bool memory_budget::is_to_end(const memory_claim& of) noexcept
{
    const std::lock_guard lock(guard_);
    return of.is_to_end_;
}

bool memory_budget::must_wait(memory_claim& of) noexcept
{
    const std::lock_guard lock(guard_);
    if (!of.linked())
        senders_.push_back(of);
    note_waiting();
    if (is_used_up())
        return true;
    of.unlink();
    note_waiting();
    return false;
}

/// The message that has waited longest of those that would get what they asked for.
memory_claim* memory_budget::find_waiting() noexcept
{
    if (waiting_claims_ == 0)
        return nullptr;
    const memory_claim* const senior = find_senior();
    const std::uint64_t sum = used();
    const std::uint64_t room = sum < limit_ ? limit_ - sum : 0;
    memory_claim* found = nullptr;
    claims_.for_each([&](memory_claim& each) {
        if (found == nullptr && each.waits_ && !each.is_blocked_ &&
            (each.wants_ <= room || &each == senior))
            found = &each;
    });
    return found;
}

/// The next one to be called, retained; null if there is none.
memory_user* memory_budget::take_waiting() noexcept
{
    const std::lock_guard lock(guard_);
    memory_user* user = nullptr;
    if (!senders_.empty() && !is_used_up()) {
        user = senders_.pop_front().user_;
    } else if (memory_claim* const claim = find_waiting(); claim != nullptr) {
        claim->waits_ = false;
        --waiting_claims_;
        user = claim->user_;
    }
    note_waiting();
    if (user != nullptr)
        user->retain_user();
    return user;
}

/// A message that is called asks again, and whatever comes of that calls the next one, so only one
/// is called here; sockets are all called.
void memory_budget::call_waiting() noexcept
{
    for (bool more = true; more;) {
        {
            const std::lock_guard lock(guard_);
            more = !senders_.empty() && !is_used_up();
        }
        memory_user* const user = take_waiting();
        if (user == nullptr)
            return;
    // Without the guard: the user may end, and give memory back.
        user->on_memory();
        user->release_user();
    }
}

} // namespace slk
