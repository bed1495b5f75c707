// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LANE_RUN_QUEUE_HPP
#define SLK_LANE_RUN_QUEUE_HPP

/// A queue of messages that lie elsewhere, in memory that several queues refer to: one producer,
/// one consumer, without a lock. What it holds are runs of bytes. Messages that lie one behind the
/// other are one run, which grows with each of them.
///
/// A run has one atomic word: how many bytes and messages it has, and whether it still grows. The
/// producer makes it final when it begins the next run. A consumer that finds nothing more closes
/// the run, so that it gives the memory back and is notified of the next message, which begins a
/// new run.
///
/// A message of several runs begins with a run of its own, and the consumer sees all of them at
/// once; all but the last have no message. So where a run with messages ends, a message ends.

#include <serverlink/message.hpp>

#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

namespace slk::lane {

using message_detail::shared_memory;

/// Bytes that are to be queued: whole messages, or with `messages` 0 a part of one that goes on.
struct run_view {
    shared_memory* owner = nullptr;
    const std::byte* data = nullptr;
    std::uint32_t size = 0;
    std::uint32_t messages = 0;
};

/// The word of a run.
struct run_extent {
    std::uint32_t bytes = 0;
    std::uint32_t messages : 30 = 0;
    bool closed : 1 = false; ///< by the consumer: it does not grow any more
    bool final : 1 = false; ///< the next run is there

    static constexpr std::uint32_t max_messages = (1U << 30) - 1;
    static constexpr std::uint64_t closed_bit = std::uint64_t{1} << 62;
    static constexpr std::uint64_t final_bit = std::uint64_t{1} << 63;

    [[nodiscard]] static constexpr std::uint64_t pack(std::uint32_t bytes,
                                                      std::uint32_t messages) noexcept
    {
        return std::uint64_t{messages} << 32 | bytes;
    }
    [[nodiscard]] static constexpr run_extent unpack(std::uint64_t word) noexcept
    {
        return {static_cast<std::uint32_t>(word),
                static_cast<std::uint32_t>(word >> 32) & max_messages, (word & closed_bit) != 0,
                (word & final_bit) != 0};
    }
};

class run_queue {
    struct run {
        shared_memory* owner = nullptr;
        const std::byte* data = nullptr;
        std::atomic<std::uint64_t> word{run_extent::closed_bit};
    };
    struct block {
        static constexpr std::uint32_t size = 5; // idle peers should not cost much memory

        block* next = nullptr;
        run runs[size];
    };

public:
    run_queue() noexcept = default;
    run_queue(const run_queue&) = delete;
    run_queue& operator=(const run_queue&) = delete;
    /// After both sides have stopped using it.
    ~run_queue()
    {
        while (head_.extent().final) {
            head_.next();
            release_head();
        }
        give_back(head_);
        free(head_.in_);
        for (block* each = std::exchange(spare_, nullptr); each != nullptr;)
            delete std::exchange(each, each->next);
    }

    // --- the producer ---

    /// Makes room for this number of runs. Returns false when memory is exhausted.
    [[nodiscard]] bool reserve(std::size_t runs) noexcept
    {
        while (runs > room_) {
            auto* const made = new (std::nothrow) block;
            if (made == nullptr)
                return false;
            made->next = std::exchange(spare_, made);
            room_ += block::size;
        }
        return true;
    }
    /// After reserve(): adds the runs of one message, which the consumer sees all at once. Returns
    /// true if the consumer waits and must be notified.
    [[nodiscard]] bool append(std::span<const run_view> message) noexcept
    {
        const run_view& what = message.front();
        const run_extent last = run_extent::unpack(last_word_);
        if (last.messages > 0 && what.messages > 0 && last_->owner == what.owner &&
            last_->data + last.bytes == what.data) [[likely]] {
            const std::uint64_t grown = last_word_ + run_extent::pack(what.size, what.messages);
            std::uint64_t expected = last_word_;
            // Fails if the consumer has closed the run.
            if (last_->word.compare_exchange_strong(expected, grown, std::memory_order_acq_rel,
                                                    std::memory_order_relaxed)) {
                last_word_ = grown;
                produced_bytes_ += what.size;
                return false;
            }
        }
        run& before = *last_;
        for (const run_view& each : message)
            begin_run(each, &each == &message.back());
        // From now on the consumer may follow, and give the run before back.
        return run_extent::unpack(
                   before.word.fetch_or(run_extent::final_bit, std::memory_order_acq_rel))
            .closed;
    }
    /// Bytes that the consumer has not shown to be done with.
    [[nodiscard]] std::uint64_t waiting_bytes() const noexcept
    {
        return produced_bytes_ - consumed_bytes_.load(std::memory_order_relaxed);
    }

    // --- the consumer ---

    /// A place between two bytes.
    class cursor {
    public:
        [[nodiscard]] run_extent extent() const noexcept
        {
            return run_extent::unpack(at_->word.load(std::memory_order_acquire));
        }
        [[nodiscard]] std::uint32_t offset() const noexcept { return offset_; }
        /// Bytes of this run that lie behind that offset, up to `end`.
        [[nodiscard]] std::span<const std::byte> bytes(std::uint32_t from,
                                                       std::uint32_t end) const noexcept
        {
            return {at_->data + from, end - from};
        }
        void skip(std::uint32_t bytes) noexcept { offset_ += bytes; }
        void set_offset(std::uint32_t offset) noexcept { offset_ = offset; }
        /// At the end of a run that is final: goes on to the next one. Else returns false.
        [[nodiscard]] bool leave() noexcept
        {
            const run_extent all = extent();
            if (!all.final || offset_ != all.bytes)
                return false;
            next();
            return true;
        }
        [[nodiscard]] bool same_run(const cursor& other) const noexcept { return at_ == other.at_; }

    private:
        friend class run_queue;
        explicit cursor(block& of) noexcept : at_(&of.runs[0]), in_(&of) {}

        /// After a final run.
        void next() noexcept
        {
            if (++index_ == block::size) {
                in_ = in_->next;
                index_ = 0;
            }
            at_ = &in_->runs[index_];
            offset_ = 0;
        }

        run* at_;
        block* in_;
        std::uint32_t index_ = 0;
        std::uint32_t offset_ = 0;
    };

    /// The place from where the consumer reads. Memory before it is given back.
    [[nodiscard]] const cursor& head() const noexcept { return head_; }
    /// Moves the head forward; `bytes`: those in between.
    void move_head(const cursor& to, std::uint64_t bytes) noexcept
    {
        while (!head_.same_run(to)) {
            head_.next();
            release_head();
        }
        head_.set_offset(to.offset());
        consumed_bytes_.store(consumed_bytes_.load(std::memory_order_relaxed) + bytes,
                              std::memory_order_relaxed);
    }
    /// Returns true if the producer will notify; false if there is something to read meanwhile.
    [[nodiscard]] bool consumer_must_wait() noexcept
    {
        for (;;) {
            std::uint64_t word = head_.at_->word.load(std::memory_order_acquire);
            const run_extent all = run_extent::unpack(word);
            if (all.bytes > head_.offset_)
                return false;
            if (all.final) {
                head_.next();
                release_head();
            } else if (all.closed || head_.at_->word.compare_exchange_strong(
                                         word, word | run_extent::closed_bit,
                                         std::memory_order_acq_rel, std::memory_order_relaxed)) {
                give_back(head_);
                return true;
            }
        }
    }

private:
    /// `last`: of its message. The consumer does not see it yet.
    void begin_run(const run_view& what, bool last) noexcept
    {
        what.owner->retain();
        run& next = take_run();
        next.owner = what.owner;
        next.data = what.data;
        produced_bytes_ += what.size;
        last_word_ = run_extent::pack(what.size, what.messages);
        next.word.store(last_word_ | (last ? 0 : run_extent::final_bit), std::memory_order_relaxed);
        last_ = &next;
    }
    /// After reserve().
    [[nodiscard]] run& take_run() noexcept
    {
        assert(room_ > 0);
        --room_;
        if (used_ == block::size) {
            block* const made = spare_;
            spare_ = made->next;
            made->next = nullptr;
            tail_->next = made;
            tail_ = made;
            used_ = 0;
        }
        return tail_->runs[used_++];
    }
    /// The head has left its run for the next one.
    void release_head() noexcept
    {
        give_back(left_);
        if (left_.in_ != head_.in_)
            free(left_.in_);
        left_ = head_;
        gave_back_ = false;
    }
    /// What the run refers to. Once.
    void give_back(const cursor& of) noexcept
    {
        if (!std::exchange(gave_back_, true) && of.at_->owner != nullptr)
            of.at_->owner->release();
    }

    void free(block* left) noexcept
    {
        if (left != &first_)
            delete left;
    }

    // The producer's.
    run* last_ = &first_.runs[0];
    std::uint64_t last_word_ = run_extent::closed_bit; ///< without what the consumer has set
    block* tail_ = &first_;
    block* spare_ = nullptr;
    std::size_t room_ = block::size - 1; ///< runs that memory is there for
    std::uint64_t produced_bytes_ = 0;
    std::uint32_t used_ = 1; ///< runs of the tail

    /// Begins with a run that is empty and closed.
    block first_;

    // The consumer's.
    cursor head_{first_};
    cursor left_{first_}; ///< the run of the head, as it was entered
    bool gave_back_ = false; ///< what the run of the head refers to
    std::atomic<std::uint64_t> consumed_bytes_{0};
};

} // namespace slk::lane

#endif
