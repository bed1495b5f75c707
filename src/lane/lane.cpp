// SPDX-License-Identifier: MPL-2.0
#include "lane/lane.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace slk::lane {

namespace {

constexpr std::uint32_t small_externals = 1;
constexpr std::uint32_t large_externals = 30;
constexpr std::size_t small_capacity =
    small_block - sizeof(chunk) - small_externals * sizeof(external);
static_assert(large_block - sizeof(chunk) - large_externals * sizeof(external) >=
              lane::max_reserve);

/// With this number of messages on their way, the consumer is behind and a large chunk pays.
constexpr std::uint64_t messages_when_busy = 4;

} // namespace

/// The chunks from there on, with the bodies that were not taken.
void lane::release_from(chunk* first) noexcept
{
    while (first != nullptr) {
        chunk* const following = first->next;
        release_bodies(*first, 0);
        if (first != tail_)
            release(*first);
        else
            first->release(); // it was not counted
        first = following;
    }
}

void lane::release_bodies(chunk& of, std::uint32_t first) noexcept
{
    for (std::uint32_t index = first; index < of.set_externals; ++index)
        if (of.at(index).owner != nullptr)
            take_body(of.at(index))->release();
    of.set_externals = std::min(of.set_externals, first);
}

lane::~lane()
{
    release_from(head_.at());
    delete deadlines();
}

bool lane::make_deadlines() noexcept
{
    if (deadlines() == nullptr)
        deadlines_.store(new (std::nothrow) deadline_list, std::memory_order_release);
    return deadlines() != nullptr;
}

bool lane::open(chunk_pools& pools) noexcept
{
    pools_ = &pools;
    budget_ = pools.budget;
    tail_ = chunk::create(pools.small, small_externals);
    published_in_ = tail_;
    head_ = cursor(tail_);
    return tail_ != nullptr;
}

bool lane::grow(std::size_t bytes, std::span<const std::byte> carried, bool busy) noexcept
{
    busy = busy || published_in_ != tail_ || produced() - consumed_by_now() >= messages_when_busy;
    const bool small = !busy && bytes <= small_capacity && carried.size() <= small_capacity;
    chunk* const following = small ? chunk::create(pools_->small, small_externals)
                                   : chunk::create(pools_->large, large_externals);
    if (following == nullptr)
        return false;
    // Before the present chunk is final, because then its consumer may give it back.
    if (!carried.empty())
        std::memcpy(following->bytes(), carried.data(), carried.size());
    following->before = bytes_before(*tail_, written_.bytes, written_.externals);
    // Before the consumer can give it back.
    if (tail_->is_large())
        take_memory(large_block);
    tail_->next = following;
    tail_->end = written_;
    tail_->end.final = true;
    // A chunk that is published whole ends now, others with the next publish().
    if (!has_unpublished()) {
        tail_->publish_quietly(tail_->end);
        published_in_ = following;
        published_ = {};
    }
    tail_ = following;
    written_ = {};
    return true;
}

bool lane::look_for_memory(std::uint64_t unpublished) noexcept
{
    short_of_memory_ = budget_->is_used_up();
    return !short_of_memory_ ||
           produced() + unpublished == consumed_.load(std::memory_order_seq_cst);
}

std::uint64_t lane::bytes_before(chunk& at, std::uint32_t bytes, std::uint32_t externals) noexcept
{
    std::uint64_t sum = at.before + bytes;
    for (std::uint32_t index = 0; index < externals; ++index)
        sum += at.at(index).size;
    return sum;
}

void lane::publish_chunks() noexcept
{
    // The consumer finds none of the later chunks before the first one is final: a message that
    // spans several chunks becomes visible at once.
    for (chunk* each = published_in_->next; each != tail_; each = each->next)
        each->publish_quietly(each->end);
    tail_->publish_quietly(written_);
    published_in_->publish(published_in_->end);
    published_in_ = tail_;
}

void lane::discard_unpublished() noexcept
{
    if (has_deadlines())
        deadlines()->forget_from(produced());
    release_from(published_in_->next);
    published_in_->next = nullptr;
    if (published_in_ != tail_ && published_in_->is_large())
        give_memory(large_block); // it is written into again
    release_bodies(*published_in_, published_.externals);
    tail_ = published_in_;
    written_ = published_;
}

} // namespace slk::lane
