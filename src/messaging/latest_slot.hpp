// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_LATEST_SLOT_HPP
#define SLK_MESSAGING_LATEST_SLOT_HPP

/// A queue that conflates: what goes from one thread to another is one message, the newest.
///
/// A lane cannot take back what it has published, so between the two threads there is a place for
/// one message instead, under a lock. Whoever takes it puts it into a lane that nobody else writes
/// to, and goes on from there as he always does.

#include <serverlink/message.hpp>

#include "lane/lane.hpp"

#include <cstdint>
#include <mutex>
#include <vector>

namespace slk::messaging {

/// A message, whole, that has not been taken yet.
class newest_message {
public:
    struct counts {
        std::uint64_t put = 0;
        std::uint64_t replaced = 0; ///< of these, by newer ones
        std::uint64_t taken = 0;    ///< of these, and done with
    };

    // --- who puts ---

    /// In a lane so many have gone before.
    void begin_behind(std::uint64_t messages) noexcept;
    /// The last of so many messages that came at once. True if the other side slept: it is to be
    /// rung.
    [[nodiscard]] bool put(std::vector<message> whole, std::uint64_t messages = 1) noexcept;

    // --- who takes ---

    /// What is here goes into a lane that is the caller's alone, with chunks from his pools. False
    /// if there was nothing; or no memory, then the message counts as replaced.
    [[nodiscard]] bool move_to(lane::lane& into, lane::chunk_pools& pools) noexcept;
    /// If there is a newer one here, what was moved to that lane is not wanted any more.
    void drop_older(lane::lane& moved_to) noexcept;
    [[nodiscard]] bool is_there() noexcept;
    /// True if the other side will ring; false if there is something meanwhile.
    [[nodiscard]] bool sleeps() noexcept;

    // --- any thread ---

    [[nodiscard]] counts count(const lane::lane& moved_to) noexcept;

private:
    std::mutex guard_;
    std::vector<message> parts_; ///< none: there is no message
    std::uint64_t put_ = 0;
    std::uint64_t replaced_ = 0;
    std::uint64_t dropped_ = 0; ///< of these, from the lane
    bool sleeping_ = true; ///< whoever takes
};

/// Both directions between two ends, as lane_pair has them.
struct conflation {
    newest_message toward[2];
    /// What a session has received and not yet gone over.
    lane::lane received;
};

} // namespace slk::messaging

#endif
