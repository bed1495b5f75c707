// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_SOCKET_FAN_OUT_RUN_HPP
#define SLK_MESSAGING_SOCKET_FAN_OUT_RUN_HPP

/// A run of messages that a publisher sends to the same many peers, one after the other. Each of
/// them is written into the shared log, and is in no queue yet; so it costs the same however many
/// peers there are. A loop queues for all peers what has come since it did so last. It is notified
/// of the first message, and then looks by itself, in intervals, until nothing has come: to send
/// costs a system call for each peer, for one message as for many.
///
/// The publisher knows how many messages each peer has room for, and looks at a peer again when
/// that number is used up. A peer that is full misses messages until the next look at it, which is
/// after a part of its mark.
///
/// The queues of the peers belong to the publisher and to that loop in turns: who uses them is
/// inside of `guard_`. The loop does not wait for it, but comes back. All else is the publisher's.

#include "base/ref_counted.hpp"
#include "io/loop_core.hpp"
#include "lane/run_queue.hpp"
#include "pattern/pattern.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace slk::messaging {

class pipe;

class fan_out_run final : public ref_counted<fan_out_run>, private io::resident {
public:
    /// With fewer peers it is no gain.
    static constexpr std::size_t min_peers = 8;

    /// `on`: the loop that queues.
    explicit fan_out_run(std::shared_ptr<io::loop_core> on) noexcept;

    [[nodiscard]] bool is_open() const noexcept { return open_; }
    /// Begins a run with the next message, which goes to these peers. `mark`: their mark, in
    /// messages. Returns false, and nothing has happened: a peer has another kind of queue, or
    /// memory is exhausted.
    [[nodiscard]] bool begin(std::span<pattern::peer* const> targets,
                             std::span<pattern::peer* const> skipped, std::uint64_t mark) noexcept;
    /// Queues what is left, and counts for each peer what it has missed: also what there is no
    /// memory to queue.
    void end() noexcept;

    /// Before each message. Returns false if the run must end first.
    [[nodiscard]] bool prepare() noexcept
    {
        if (short_of_memory_.load(std::memory_order_relaxed)) [[unlikely]]
            return false;
        return messages_ < next_look_ || look();
    }
    /// The peers that get the next message, and those that miss it.
    [[nodiscard]] std::size_t targets() const noexcept { return targets_.size(); }
    [[nodiscard]] std::size_t skipped() const noexcept { return skipped_.size(); }
    /// After prepare(): one message, which lies behind the one before.
    void add(const lane::run_view& next) noexcept;
    /// After prepare(), without targets(): all peers miss the message.
    void add_missed() noexcept { ++messages_; }

private:
    friend class ref_counted<fan_out_run>;
    ~fan_out_run() = default;

    /// In the log, from the beginning of the run.
    struct place {
        std::uint32_t bytes = 0;
        std::uint32_t messages = 0;

        [[nodiscard]] std::uint64_t pack() const noexcept
        {
            return std::uint64_t{messages} << 32 | bytes;
        }
        [[nodiscard]] static place unpack(std::uint64_t word) noexcept
        {
            return {static_cast<std::uint32_t>(word), static_cast<std::uint32_t>(word >> 32)};
        }
    };
    struct target {
        pipe* to = nullptr;
        std::uint32_t room_until = 0; ///< in messages_
        place queued{};               ///< inside of guard_
    };
    struct missing {
        pipe* to = nullptr;
        std::uint32_t since = 0; ///< in messages_
    };

    [[nodiscard]] bool look() noexcept;
    void look_at_targets() noexcept;
    void look_at_skipped() noexcept;
    void give_way() noexcept;
    [[nodiscard]] std::uint32_t room_of(pipe& peer) const noexcept;
    void queue_for(target& each, place until) noexcept;
    /// What was published and could not be queued, because memory is exhausted.
    [[nodiscard]] std::uint32_t unqueued(const target& each) const noexcept
    {
        return written_.messages - each.queued.messages;
    }
    bool queue_all() noexcept;
    void schedule() noexcept;
    void begin_to_watch() noexcept;
    void watch() noexcept;
    void stop_watching() noexcept;
    void loop_closing() noexcept override;

    void enter() noexcept;
    [[nodiscard]] bool try_enter() noexcept
    {
        return !guard_.exchange(true, std::memory_order_acquire);
    }
    void leave() noexcept { guard_.store(false, std::memory_order_release); }

    const std::shared_ptr<io::loop_core> on_;
    io::task task_;
    io::timer timer_; ///< the loop's

    bool open_ = false;
    std::uint64_t mark_ = 0;
    std::uint32_t look_interval_ = 1;        ///< at the peers that are full
    std::uint32_t room_to_resume_ = 1;       ///< of those
    std::uint32_t messages_ = 0;             ///< also those that all peers have missed
    std::uint32_t next_look_ = 0;            ///< in messages_, as the next one
    std::uint32_t next_look_at_skipped_ = 0;
    std::uint32_t looks_before_yield_ = 0;
    std::uint32_t yield_interval_ = 1; ///< in looks
    place written_{};
    std::vector<missing> skipped_; ///< with room for all peers

    // Both threads'.
    std::atomic<std::uint64_t> published_{0}; ///< written_
    std::atomic<bool> scheduled_{false}; ///< the loop will look
    std::atomic<bool> short_of_memory_{false};
    std::atomic<bool> guard_{false};
    lane::shared_memory* chunk_ = nullptr; ///< before published_, as begin_
    const std::byte* begin_ = nullptr;
    std::vector<target> targets_; ///< with room for all peers; changed inside of guard_
};

} // namespace slk::messaging

#endif
