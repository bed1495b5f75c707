// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_PIPE_LATEST_SLOT_HPP
#define SLK_MESSAGING_PIPE_LATEST_SLOT_HPP

/// The queue of a conflating socket in one direction: a place for one message, the newest.
///
/// A lane cannot take back what it has published. So the writer puts its message here, under a
/// lock, in place of the one before; and the reader moves it into a lane that only it writes
/// to, and reads it there like any other message.

#include <serverlink/message.hpp>

#include "base/reference.hpp"
#include "lane/lane.hpp"
#include "messaging/observe/inbox.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace slk::messaging {

/// What has gone through one direction of a pipe, in messages.
struct message_counts {
    std::uint64_t written = 0;
    std::uint64_t replaced = 0; ///< of the written ones, by newer ones
    std::uint64_t taken = 0;    ///< of the written ones: the reader is done with them
};

/// The bytes that a message holds, with its part objects.
[[nodiscard]] std::uint64_t memory_of(const std::vector<message>& parts) noexcept;

class latest_slot {
public:
    /// `budget` counts the message that is here; may be null.
    explicit latest_slot(std::shared_ptr<memory_budget> budget) noexcept
        : budget_(std::move(budget))
    {
    }
    ~latest_slot() { (void)take_parts(); }

    /// Before anything else, and when another socket takes over the end that writes: replaced
    /// messages are added to `total`, a counter of `owner`.
    void count_replaced(reference<inbox> owner, counter& total) noexcept
    {
        const std::lock_guard lock(guard_);
        owner_ = std::move(owner);
        total_ = &total;
    }

    // --- the writer ---

    /// This number of messages went through the lane before the slot was used.
    void begin_after(std::uint64_t messages) noexcept;
    /// Puts the last of `messages` messages that came at once. Returns true if the reader waits and
    /// must be notified.
    [[nodiscard]] bool put(std::vector<message> parts, std::uint64_t messages = 1,
                           time_point expires = never) noexcept;
    /// Messages have come that there is no memory for: they count as replaced.
    void skip(std::uint64_t messages) noexcept;

    // --- the reader ---

    /// Moves the message into a lane that only the reader uses, with chunks from `pools`. Returns
    /// false if there is none; also if memory is exhausted, and then the message counts as
    /// replaced.
    [[nodiscard]] bool move_to(lane::lane& into, lane::chunk_pools& pools) noexcept;
    /// Drops the message, which counts as taken. The lane that messages are moved to is empty.
    /// Returns false if there is none.
    [[nodiscard]] bool discard(lane::lane& moved_to) noexcept;
    /// If a newer message is here, removes those that were moved to that lane.
    void drop_older(lane::lane& moved_to) noexcept;
    [[nodiscard]] bool has_message() noexcept;
    /// Returns true if the writer will notify; false if there is a message meanwhile.
    [[nodiscard]] bool reader_must_wait() noexcept;

    // --- any thread ---

    [[nodiscard]] message_counts counts(const lane::lane& moved_to) noexcept;

private:
    void replace(std::uint64_t messages) noexcept;
    [[nodiscard]] std::vector<message> take_parts() noexcept;

    std::mutex guard_;
    std::vector<message> parts_; ///< guarded; empty: there is no message
    std::uint64_t written_ = 0; ///< guarded
    std::uint64_t replaced_ = 0; ///< guarded
    std::uint64_t dropped_ = 0; ///< guarded: of the replaced ones, those from the lane
    std::uint64_t memory_ = 0; ///< guarded: what the message counts in the budget
    bool reader_waits_ = true; ///< guarded
    time_point expires_ = never; ///< guarded: of the message
    const std::shared_ptr<memory_budget> budget_;
    reference<inbox> owner_;
    counter* total_ = nullptr;
};

/// The slots of both directions of a pipe, indexed as the lanes are.
struct latest_slots {
    explicit latest_slots(const std::shared_ptr<memory_budget>& budget) noexcept
        : toward{latest_slot(budget), latest_slot(budget)}
    {
    }

    latest_slot toward[2];
    /// Where a connection receives what it then puts into a slot.
    lane::lane received;
};

} // namespace slk::messaging

#endif
