// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_BASE_MEMORY_BUDGET_HPP
#define SLK_BASE_MEMORY_BUDGET_HPP

/// The memory that the queues of a context hold, and the budget for it.
///
/// Memory is counted where it is taken and given back, and that is never refused. A producer that
/// fills a queue asks before it takes more, and waits while the budget is used up. So that nothing
/// waits for ever:
///
///  - An empty queue always has room for one message.
///  - A large message that arrives needs more memory while it does so. All such messages have a
///    claim, in the order in which they began. The one that began first, the senior, gets what it
///    needs although the budget is used up.
///  - A message that waits ends others (look_for_memory()): those that have memory and do not
///    arrive, the sooner the more of them there are, and a senior that takes too long.

#include <serverlink/clock.hpp>

#include "base/list.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

namespace slk {

/// Waits for memory. Its functions are called on any thread, and while they are, it is retained.
class memory_user {
public:
    /// There may be memory now: it asks again.
    virtual void on_memory() noexcept = 0;
    /// Its message may have to end (memory_budget::is_to_end()).
    virtual void end_for_memory() noexcept = 0;
    virtual void retain_user() noexcept = 0;
    virtual void release_user() noexcept = 0;

protected:
    ~memory_user() = default;
};

/// A message that arrives, or a socket that waits to send. While it is linked its user exists.
class memory_claim : public list_node {
public:
    memory_claim() noexcept = default;
    memory_claim(const memory_claim&) = delete;
    memory_claim& operator=(const memory_claim&) = delete;

    /// Before the first use.
    void set_user(memory_user& user) noexcept { user_ = &user; }
    /// More of the message has arrived.
    void note_progress() noexcept { moved_.store(true, std::memory_order_relaxed); }

private:
    friend class memory_budget;

    memory_user* user_ = nullptr;
    std::uint64_t number_ = 0; ///< in the order in which they began
    std::atomic<bool> moved_{true}; ///< since the last look
    time_point still_since_; ///< as far as looks can tell
    std::uint64_t wants_ = 0; ///< bytes, while it waits
    bool waits_ = false;
    bool is_blocked_ = false;
    bool is_to_end_ = false;
};

/// Any thread.
class memory_budget {
public:
    /// In bytes; 0: no limit.
    explicit memory_budget(std::uint64_t limit) noexcept : limit_(limit > 0 ? limit : no_limit) {}
    memory_budget(const memory_budget&) = delete;
    memory_budget& operator=(const memory_budget&) = delete;

    [[nodiscard]] bool is_limited() const noexcept { return limit_ != no_limit; }
    [[nodiscard]] std::uint64_t limit() const noexcept { return is_limited() ? limit_ : 0; }
    [[nodiscard]] std::uint64_t used() const noexcept
    {
        return used_.load(std::memory_order_seq_cst);
    }
    [[nodiscard]] bool is_used_up() const noexcept { return used() >= limit_; }
    /// Connections that were ended because of a message that found no memory.
    [[nodiscard]] std::uint64_t ended() const noexcept
    {
        return ended_.load(std::memory_order_relaxed);
    }
    void count_ended() noexcept { ended_.fetch_add(1, std::memory_order_relaxed); }

    /// Returns true if the budget is used up now.
    bool add(std::uint64_t bytes) noexcept
    {
        return used_.fetch_add(bytes, std::memory_order_relaxed) + bytes >= limit_;
    }
    void remove(std::uint64_t bytes) noexcept
    {
    // Sequentially consistent, because those who begin to wait look at the sum afterwards.
        used_.fetch_sub(bytes, std::memory_order_seq_cst);
        if (any_waits_.load(std::memory_order_seq_cst)) [[unlikely]]
            call_waiting();
    }

    // --- a message that arrives ---

    /// Whether an unfinished message may take `more` bytes. It has a claim from then on. False: its
    /// user is called when it is to ask again; not without `waits`, for a message that goes on with
    /// less.
    [[nodiscard]] bool may_grow(memory_claim& of, std::uint64_t more, bool waits = true) noexcept;
    /// The message has arrived, or has ended.
    void withdraw(memory_claim& of) noexcept;
    /// The message does not arrive at present because its socket does not read: it is not the
    /// senior.
    void set_blocked(memory_claim& of, bool blocked) noexcept;

    /// The message waits for memory at `now`. Ends messages that have memory and have not moved for
    /// a while, and the senior if it is the same for long. Returns when the message is to look
    /// again, if it still waits then.
    [[nodiscard]] time_point look_for_memory(time_point now) noexcept;
    /// The message is to end, because others have waited for its memory.
    [[nodiscard]] bool is_to_end(const memory_claim& of) noexcept;

    // --- a socket that waits to send ---

    /// Returns true if the user will be called when there is memory; false if there is some
    /// meanwhile. withdraw() ends the wait.
    [[nodiscard]] bool must_wait(memory_claim& of) noexcept;

private:
    static constexpr std::uint64_t no_limit = UINT64_MAX;

    [[nodiscard]] memory_claim* find_senior() noexcept;
    [[nodiscard]] memory_claim* find_waiting() noexcept;
    [[nodiscard]] memory_user* take_waiting() noexcept;
    [[nodiscard]] bool is_granted(const memory_claim& of, std::uint64_t more) noexcept;
    [[nodiscard]] std::uint64_t note_progress(time_point now, bool restarts) noexcept;
    [[nodiscard]] memory_claim* find_overdue(time_point now) noexcept;
    [[nodiscard]] bool end_next(time_point now) noexcept;
    void note_waiting() noexcept;
    void call_waiting() noexcept;

    const std::uint64_t limit_;
    std::atomic<std::uint64_t> used_{0};
    std::atomic<std::uint64_t> ended_{0};
    std::atomic<bool> any_waits_{false};
    std::mutex guard_;
    list<memory_claim> claims_; ///< guarded; the first one began first
    list<memory_claim> senders_; ///< guarded
    std::uint64_t waiting_claims_ = 0; ///< guarded
    std::uint64_t numbers_ = 0; ///< guarded

    // Of those who look; guarded.
    time_point looked_at_;
    time_point next_look_;
    duration patience_{0}; ///< with a message that does not move
    std::uint64_t ended_in_a_row_ = 0;
    std::uint64_t senior_ = 0; ///< the number of its claim
    time_point senior_since_;
};

/// Bytes that count in a budget as long as it lives.
class memory_share {
public:
    /// `budget`: null if nothing is counted.
    memory_share(memory_budget* budget, std::uint64_t bytes) noexcept
        : budget_(bytes > 0 ? budget : nullptr), bytes_(bytes)
    {
        if (budget_ != nullptr)
            (void)budget_->add(bytes_);
    }
    memory_share(memory_share&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), bytes_(other.bytes_)
    {
    }
    memory_share& operator=(memory_share&&) = delete;
    ~memory_share()
    {
        if (budget_ != nullptr)
            budget_->remove(bytes_);
    }

private:
    memory_budget* budget_;
    std::uint64_t bytes_;
};

} // namespace slk

#endif
