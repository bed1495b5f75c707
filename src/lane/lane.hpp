// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LANE_LANE_HPP
#define SLK_LANE_LANE_HPP

/// A lane: bytes and large bodies on their way from one thread to another, without a lock.
///
/// One producer, one consumer, which may be different threads. The producer writes into chunks and
/// publishes when a message is whole: the consumer never sees a part of one. What lies in a lane is
/// what lies on the wire, so that a session sends it as it is, and receives into it.
///
/// Credit: the producer counts the messages that it has published, the consumer those that it has
/// done with; the difference is kept below the high-water mark by whoever produces. Bytes may have
/// a mark as well. They are not counted, but told from the two places in the lane when it is asked.
///
/// Sleeping: whoever finds nothing to do says so (consumer_sleeps, producer_sleeps), and the other
/// side then rings its bell, once.

#include "lane/chunk.hpp"
#include "lane/cursor.hpp"

#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>

namespace slk::lane {

/// Who is told that a lane has something for him. Called on the other side's thread.
class bell {
public:
    /// The consumer slept, and there is something to read.
    virtual void lane_readable() noexcept = 0;
    /// The producer slept, and there is credit.
    virtual void lane_writable() noexcept = 0;

protected:
    ~bell() = default;
};

class lane {
public:
    lane() noexcept = default;
    lane(const lane&) = delete;
    lane& operator=(const lane&) = delete;
    /// When both sides are gone.
    ~lane();

    /// Before anything else. False when memory is exhausted. `pools`: the producer's, which must
    /// live as long as he produces.
    [[nodiscard]] bool open(chunk_pools& pools) noexcept;
    /// The producer's blocks come from elsewhere from now on.
    void use(chunk_pools& pools) noexcept { pools_ = &pools; }

    // --- the producer ---

    /// Room for so many bytes in one piece, and for an external behind them if one is to be added.
    /// Null when memory is exhausted. At most max_bytes.
    [[nodiscard]] std::byte* reserve(std::size_t bytes, bool with_external = false) noexcept
    {
        assert(bytes <= max_bytes);
        const bool fits =
            tail_->capacity() - written_.bytes >= bytes && (!with_external || can_splice());
        return fits || grow(bytes) ? tail_->bytes() + written_.bytes : nullptr;
    }
    static constexpr std::size_t max_bytes = 70 * 1024;
    /// What is left of the present chunk.
    [[nodiscard]] std::span<std::byte> rest() noexcept
    {
        return {tail_->bytes() + written_.bytes, tail_->capacity() - written_.bytes};
    }
    /// A new chunk comes next, with room for so many bytes in one piece. It begins with a copy of
    /// `carried`, which may lie in rest() and is not committed. It is a small one, unless that is
    /// too small, or so much waits or comes at once (or the caller says so, `busy`) that a large
    /// one pays. False when memory is exhausted.
    [[nodiscard]] bool grow(std::size_t bytes, std::span<const std::byte> carried = {},
                            bool busy = false) noexcept;
    void commit(std::size_t bytes) noexcept { written_.bytes += static_cast<std::uint32_t>(bytes); }
    /// Behind what was committed; room was reserved for it. The lane takes over the caller's use
    /// of `owner`.
    [[nodiscard]] bool can_splice() const noexcept
    {
        return written_.externals < tail_->max_externals();
    }
    void splice(const std::byte* data, std::size_t size, shared_memory* owner) noexcept
    {
        tail_->at(written_.externals++) = {written_.bytes, data, size, owner};
        tail_->set_externals = written_.externals;
    }
    /// What has been committed since the last time is so many whole messages. True if the consumer
    /// slept: his bell is to be rung.
    [[nodiscard]] bool publish(std::uint64_t messages) noexcept
    {
        produced_ += messages;
        if (published_in_ != tail_)
            publish_chunks();
        else
            tail_->publish(written_);
        published_ = written_;
        return consumer_sleeps_.load(std::memory_order_seq_cst) &&
               consumer_sleeps_.exchange(false, std::memory_order_seq_cst);
    }
    /// Takes back what has been committed since.
    void abandon() noexcept;
    /// Bytes committed since the last publish, in the present chunk or before.
    [[nodiscard]] bool has_unpublished() const noexcept
    {
        return published_in_ != tail_ || !(published_ == written_);
    }

    [[nodiscard]] std::uint64_t produced() const noexcept { return produced_; }
    /// Messages that may still be published under that mark; 0 as a mark means no limit.
    [[nodiscard]] std::uint64_t credit(std::uint64_t mark) noexcept
    {
        if (mark == 0)
            return UINT64_MAX;
        if (produced_ - seen_consumed_ >= mark)
            seen_consumed_ = consumed_.load(std::memory_order_seq_cst);
        const std::uint64_t waiting = produced_ - seen_consumed_;
        return waiting < mark ? mark - waiting : 0;
    }
    /// Bytes that may still be committed under that mark; 0 as a mark means no limit. What is
    /// committed last may exceed it: while no message waits there is room for one. `unpublished`:
    /// whole messages that were committed since.
    [[nodiscard]] std::uint64_t byte_credit(std::uint64_t mark,
                                            std::uint64_t unpublished = 0) const noexcept
    {
        if (mark == 0) [[likely]]
            return UINT64_MAX;
        const std::uint64_t waiting = bytes_before(*tail_, written_.bytes, written_.externals) -
                                      consumed_bytes_.load(std::memory_order_seq_cst);
        if (waiting < mark)
            return mark - waiting;
        const bool none = produced_ + unpublished == consumed_.load(std::memory_order_seq_cst);
        return none ? 1 : 0;
    }
    /// True if the consumer will ring; false if there is credit meanwhile.
    [[nodiscard]] bool producer_sleeps(std::uint64_t mark, std::uint64_t bytes = 0) noexcept
    {
        producer_sleeps_.store(true, std::memory_order_seq_cst);
        if (credit(mark) == 0 || byte_credit(bytes) == 0)
            return true;
        producer_sleeps_.store(false, std::memory_order_relaxed);
        return false;
    }

    /// The consumer is to ring when he has done with something.
    void ask_for_bell() noexcept { producer_sleeps_.store(true, std::memory_order_seq_cst); }

    // --- the consumer ---

    /// Where he reads on. Chunks before it are gone.
    [[nodiscard]] cursor& head() noexcept { return head_; }
    /// At the end of a chunk: goes on to the next one. False if that is not there.
    [[nodiscard]] bool next_chunk() noexcept
    {
        chunk* const left = head_.leave();
        if (left == nullptr)
            return false;
        left->release();
        return true;
    }
    [[nodiscard]] bool readable() noexcept
    {
        do
            if (!head_.run().empty() || head_.here() != nullptr)
                return true;
        while (next_chunk());
        return false;
    }
    /// True if the producer will ring; false if there is something meanwhile.
    [[nodiscard]] bool consumer_sleeps() noexcept
    {
        consumer_sleeps_.store(true, std::memory_order_seq_cst);
        if (!readable())
            return true;
        consumer_sleeps_.store(false, std::memory_order_relaxed);
        return false;
    }
    /// So many messages more have been done with. True if the producer slept: his bell is to be
    /// rung. Asks for that only with `look`, which costs something.
    [[nodiscard]] bool consume(std::uint64_t messages, bool look) noexcept
    {
        done_ += messages;
        if (!look) {
            consumed_.store(done_, std::memory_order_release);
            return false;
        }
        consumed_.exchange(done_, std::memory_order_seq_cst);
        return producer_sleeps_.load(std::memory_order_seq_cst) &&
               producer_sleeps_.exchange(false, std::memory_order_seq_cst);
    }
    [[nodiscard]] std::uint64_t consumed() const noexcept { return done_; }
    /// Shows the producer which bytes have been done with: those before the head. To be called
    /// before consume(), where bytes have a mark.
    void show_bytes() noexcept
    {
        consumed_bytes_.store(bytes_before(*head_.at(), head_.bytes(), head_.externals()),
                              std::memory_order_seq_cst);
    }
    [[nodiscard]] std::uint64_t shown_bytes() const noexcept
    {
        return consumed_bytes_.load(std::memory_order_relaxed);
    }

    /// Any thread.
    [[nodiscard]] std::uint64_t consumed_by_now() const noexcept
    {
        return consumed_.load(std::memory_order_acquire);
    }

private:
    void publish_chunks() noexcept;
    /// Of the lane, before that place.
    [[nodiscard]] static std::uint64_t bytes_before(chunk& at, std::uint32_t bytes,
                                                    std::uint32_t externals) noexcept;

    // Each side's words have a cache line of their own.
    static constexpr std::size_t line = 64;

    alignas(line) chunk* tail_ = nullptr;
    extent written_{};
    chunk* published_in_ = nullptr;
    extent published_{};
    chunk_pools* pools_ = nullptr;
    std::uint64_t produced_ = 0;
    std::uint64_t seen_consumed_ = 0;

    alignas(line) cursor head_;
    std::uint64_t done_ = 0;
    std::atomic<std::uint64_t> consumed_{0}; ///< read by the producer when his credit is used up
    std::atomic<std::uint64_t> consumed_bytes_{0}; ///< where somebody wants to know

    // Written seldom, and read by both.
    alignas(line) std::atomic<bool> producer_sleeps_{false};
    std::atomic<bool> consumer_sleeps_{true};
};

} // namespace slk::lane

#endif
