// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_SOCKET_WAITING_MESSAGES_HPP
#define SLK_MESSAGING_SOCKET_WAITING_MESSAGES_HPP

/// Messages that were queued for peers that are gone. Where the pattern allows it they go to other
/// peers, or wait here for the next one, up to the mark for one peer. For the socket's thread.

#include "base/list.hpp"
#include "base/memory_budget.hpp"
#include "messaging/pipe/pipe.hpp"
#include "pattern/pattern.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace slk::messaging {

class inbox;

class waiting_messages {
public:
    waiting_messages(pattern::pattern& routes, inbox& reports, lane::chunk_pools& pools) noexcept
        : pattern_(routes), reports_(reports), pools_(pools)
    {
    }
    waiting_messages(const waiting_messages&) = delete;
    waiting_messages& operator=(const waiting_messages&) = delete;
    ~waiting_messages() { clear(); }

    /// False: nothing is taken back, and what was queued for a peer is lost with it.
    void set_on(bool on) noexcept { on_ = on; }
    void set_marks(const high_water& marks) noexcept { marks_ = marks; }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

    /// Takes back what was queued for a peer that is gone, in its order.
    void take_back(pipe& peer, pattern::room_check& rooms);
    /// What was queued for a peer that has come again goes into its new pipe, before everything
    /// else. Returns the number of messages that the option on_reconnect has dropped.
    std::uint64_t hand_over(pipe& from, pipe& to);
    /// The next peer, which all that is here has waited for, has this option. Returns the number of
    /// messages that it has dropped.
    std::uint64_t drop_stale(queue_policy policy) noexcept;
    /// Gives the messages to peers that have room. After each change.
    void send(pattern::room_check& rooms);
    /// Drops those that have expired, and counts them.
    void drop_expired() noexcept;
    /// They are counted as unsent. Returns their number.
    std::size_t give_up() noexcept;

private:
    struct entry : list_node {
        std::vector<message> parts;
        std::uint8_t ends = 0; ///< streams that peers have ended in it; see pipe_lanes
        time_point expires = never;
        std::optional<memory_share> held{}; ///< in the budget of the context
    };

    [[nodiscard]] bool is_full() const noexcept;
    [[nodiscard]] bool send_first(pattern::room_check& rooms);
    [[nodiscard]] std::span<const pattern::part_view>
    views_of(const std::vector<message>& parts) noexcept;
    void remove(entry& which) noexcept;
    void count_expired(std::uint64_t messages) noexcept;
    void clear() noexcept;

    pattern::pattern& pattern_;
    inbox& reports_;
    lane::chunk_pools& pools_;
    bool on_ = true;
    high_water marks_{};
    list<entry> all_;
    std::size_t count_ = 0;
    std::uint64_t bytes_ = 0;
    std::size_t deadlines_ = 0; ///< messages with one
    /// Of the parts of one message; with room for those of every message that waits.
    std::vector<pattern::part_view> views_;
};

} // namespace slk::messaging

#endif
