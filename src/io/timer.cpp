// SPDX-License-Identifier: MPL-2.0
#include "io/timer.hpp"

namespace slk::io {

bool timer_queue::before(const timer& a, const timer& b) noexcept
{
    return a.deadline_ != b.deadline_ ? a.deadline_ < b.deadline_ : a.order_ < b.order_;
}

timer* timer_queue::meld(timer* a, timer* b) noexcept
{
    if (a == nullptr)
        return b;
    if (b == nullptr)
        return a;
    if (before(*b, *a)) {
        timer* const smaller = b;
        b = a;
        a = smaller;
    }
    b->back_ = a;
    b->sibling_ = a->child_;
    if (a->child_ != nullptr)
        a->child_->back_ = b;
    a->child_ = b;
    return a;
}

/// The two passes of the pairing heap, as loops: a deep heap must not exhaust the stack.
timer* timer_queue::meld_siblings(timer* first) noexcept
{
    timer* pairs = nullptr;
    while (first != nullptr) {
        timer* const a = first;
        timer* const b = a->sibling_;
        first = b != nullptr ? b->sibling_ : nullptr;
        a->sibling_ = nullptr;
        a->back_ = nullptr;
        if (b != nullptr) {
            b->sibling_ = nullptr;
            b->back_ = nullptr;
        }
        timer* const melded = meld(a, b);
        melded->sibling_ = pairs;
        pairs = melded;
    }
    timer* root = nullptr;
    while (pairs != nullptr) {
        timer* const following = pairs->sibling_;
        pairs->sibling_ = nullptr;
        root = meld(root, pairs);
        pairs = following;
    }
    return root;
}

void timer_queue::remove(timer& entry) noexcept
{
    timer*& heap = heap_of(entry);
    if (&entry == heap) {
        heap = meld_siblings(entry.child_);
    } else {
        if (entry.back_->child_ == &entry)
            entry.back_->child_ = entry.sibling_;
        else
            entry.back_->sibling_ = entry.sibling_;
        if (entry.sibling_ != nullptr)
            entry.sibling_->back_ = entry.back_;
        heap = meld(heap, meld_siblings(entry.child_));
    }
    entry.child_ = nullptr;
    entry.sibling_ = nullptr;
    entry.back_ = nullptr;
    entry.armed_ = false;
    --size_;
}

void timer_queue::arm(timer& entry, time_point deadline) noexcept
{
    disarm(entry);
    if (deadline == never)
        return;
    entry.deadline_ = deadline;
    entry.order_ = next_order_++;
    entry.armed_ = true;
    timer*& heap = heap_of(entry);
    heap = meld(heap, &entry);
    ++size_;
}

void timer_queue::disarm(timer& entry) noexcept
{
    if (entry.armed_)
        remove(entry);
}

time_point timer_queue::next_deadline() const noexcept
{
    const time_point first = root_ != nullptr ? root_->deadline_ : never;
    return waiting_ != nullptr && waiting_->deadline_ < first ? waiting_->deadline_ : first;
}

std::size_t timer_queue::fire_due(time_point now) noexcept
{
    std::size_t fired = 0;
    waiting_from_ = next_order_;
    while (root_ != nullptr && root_->deadline_ <= now && !process_.forked()) {
        timer& due = *root_;
        remove(due);
        ++fired;
        due.on_expiry(due);
    }
    waiting_from_ = UINT64_MAX;
    root_ = meld(root_, waiting_);
    waiting_ = nullptr;
    return fired;
}

void timer_queue::disarm_all() noexcept
{
    while (root_ != nullptr)
        remove(*root_);
    while (waiting_ != nullptr)
        remove(*waiting_);
}

} // namespace slk::io
