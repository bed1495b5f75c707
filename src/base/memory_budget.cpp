// SPDX-License-Identifier: MPL-2.0
#include "base/memory_budget.hpp"

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

void memory_budget::has_waited(const memory_claim& of, std::uint64_t& senior) noexcept
{
    memory_user* user = nullptr;
    {
        const std::lock_guard lock(guard_);
        memory_claim* const first = find_senior();
        const std::uint64_t number = first != nullptr ? first->number_ : 0;
    // The message itself has been called then, and is about to ask.
        if (std::exchange(senior, number) != number || first == nullptr || first == &of)
            return;
        first->is_to_end_ = true;
        user = first->user_;
        user->retain_user();
    }
    user->end_for_memory();
    user->release_user();
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
