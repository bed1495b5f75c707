// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LANE_DEADLINE_LIST_HPP
#define SLK_LANE_DEADLINE_LIST_HPP

/// The deadlines of some messages of a lane, by their numbers: a message has as its number how many
/// were written before it. The writer adds them in their order, before it publishes the message;
/// the reader drops messages whose deadline has passed. Only lanes with such messages have one.

#include <serverlink/clock.hpp>

#include "base/try_allocate.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace slk::lane {

/// Any thread.
class deadline_list {
public:
    static constexpr std::uint64_t none = UINT64_MAX;

    [[nodiscard]] std::size_t count() const noexcept
    {
        return count_.load(std::memory_order_acquire);
    }

    // --- the writer ---

    /// Returns false when memory is exhausted.
    [[nodiscard]] bool add(std::uint64_t number, time_point at) noexcept
    {
        const std::lock_guard lock(guard_);
        if (!try_push_back(all_, entry{number, at}))
            return false;
        earliest_ = std::min(earliest_, at);
        note_count();
        return true;
    }
    /// The messages from this number on were not written.
    void forget_from(std::uint64_t number) noexcept
    {
        const std::lock_guard lock(guard_);
        while (all_.size() > first_ && all_.back().number >= number)
            all_.pop_back();
        note_count();
    }

    // --- the reader, which is done with all messages before `next` ---

    /// The deadline of message `next`; never if it has none.
    [[nodiscard]] time_point of(std::uint64_t next) noexcept
    {
        const std::lock_guard lock(guard_);
        forget_before(next);
        return first_ < all_.size() && all_[first_].number == next ? all_[first_].at : never;
    }
    /// The number of the first message whose deadline has passed, behind `begun` ones from `next`
    /// on, or none.
    [[nodiscard]] std::uint64_t passed(std::uint64_t next, std::uint64_t begun,
                                       time_point now) noexcept
    {
        const std::lock_guard lock(guard_);
        forget_before(next);
        if (now < earliest_)
            return none;
        earliest_ = never;
        for (std::size_t index = first_; index < all_.size(); ++index) {
            earliest_ = std::min(earliest_, all_[index].at);
            if (all_[index].at <= now && all_[index].number >= next + begun)
                return all_[index].number;
        }
        return none;
    }
    /// The lane is not read any more: keeps the deadlines that have passed, and forgets the others.
    /// Returns the number of those that it has kept, once.
    std::uint64_t settle(std::uint64_t next, time_point now) noexcept
    {
        const std::lock_guard lock(guard_);
        if (settled_)
            return 0;
        settled_ = true;
        forget_before(next);
        std::erase_if(all_, [&](const entry& each) { return each.number < next || each.at > now; });
        first_ = 0;
        note_count();
        return all_.size();
    }
    /// After settle(): the messages that it has counted.
    [[nodiscard]] std::uint64_t settled() const noexcept
    {
        const std::lock_guard lock(guard_);
        return settled_ ? all_.size() : 0;
    }

private:
    struct entry {
        std::uint64_t number;
        time_point at;
    };

    /// Entries that an empty list keeps room for.
    static constexpr std::size_t kept_capacity = 64;

    /// The lock is held, here and below.
    void forget_before(std::uint64_t next) noexcept
    {
        while (first_ < all_.size() && all_[first_].number < next)
            ++first_;
        if (first_ == all_.size()) {
            all_.clear();
            if (all_.capacity() > kept_capacity)
                std::vector<entry>().swap(all_);
            first_ = 0;
            earliest_ = never;
        } else if (first_ > all_.size() / 2) {
            all_.erase(all_.begin(), all_.begin() + static_cast<std::ptrdiff_t>(first_));
            first_ = 0;
        }
        note_count();
    }
    void note_count() noexcept { count_.store(all_.size() - first_, std::memory_order_release); }

    mutable std::mutex guard_;
    std::vector<entry> all_; ///< guarded; from first_ on
    std::size_t first_ = 0; ///< guarded
    time_point earliest_ = never; ///< guarded; no deadline is before it
    bool settled_ = false; ///< guarded
    std::atomic<std::size_t> count_{0};
};

} // namespace slk::lane

#endif
