// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LANE_LANE_HPP
#define SLK_LANE_LANE_HPP

/// A lane: bytes and large bodies on their way from one thread to another, without a lock.
///
/// One producer, one consumer, which may be different threads. The producer writes into chunks and
/// publishes when a message is whole: the consumer never sees a part of one. The bytes in a lane
/// are those on the wire, so that a connection sends them as they are, and receives into a lane.
///
/// Credit: the producer counts the messages that it has published, and the consumer those that it
/// is done with. The producer keeps the difference below a high-water mark. Bytes may have a
/// mark as well; they are not counted, but computed from the two places in the lane.
///
/// Memory: bodies count in the budget of the context while they are in the lane, and large chunks
/// from when the producer has filled them until the consumer has read them. The chunk that the
/// producer writes into does not count, because a lane keeps it when it is empty; nor do small
/// chunks: there are few of them.
///
/// Waiting: a side that finds nothing to do says so (consumer_must_wait, producer_must_wait), and
/// the other side then notifies it, once.

#include "lane/chunk.hpp"
#include "lane/cursor.hpp"
#include "lane/deadline_list.hpp"

#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace slk::lane {

/// Is notified by the other side of a lane, on that side's thread.
class lane_user {
public:
    /// The consumer waited, and there is something to read.
    virtual void on_readable() noexcept = 0;
    /// The producer waited, and there is credit.
    virtual void on_writable() noexcept = 0;

protected:
    ~lane_user() = default;
};

class lane {
public:
    lane() noexcept = default;
    lane(const lane&) = delete;
    lane& operator=(const lane&) = delete;
    /// After both sides have stopped using it.
    ~lane();

    /// Before anything else. Returns false when memory is exhausted. `pools`: those of the
    /// producer's thread, which must live as long as it produces.
    [[nodiscard]] bool open(chunk_pools& pools) noexcept;
    /// Chunks come from other pools from now on.
    void use(chunk_pools& pools) noexcept { pools_ = &pools; }

    // --- the producer ---

    /// Room for this number of bytes in one piece, at most max_reserve, and for an external behind
    /// them if one is to be added. Null when memory is exhausted.
    [[nodiscard]] std::byte* reserve(std::size_t bytes, bool with_external = false) noexcept
    {
        assert(bytes <= max_reserve);
        const bool fits =
            tail_->capacity() - written_.bytes >= bytes && (!with_external || can_splice());
        return fits || grow(bytes) ? tail_->bytes() + written_.bytes : nullptr;
    }
    static constexpr std::size_t max_reserve = 70 * 1024;
    /// The room that is left in the present chunk.
    [[nodiscard]] std::span<std::byte> rest() noexcept
    {
        return {tail_->bytes() + written_.bytes, tail_->capacity() - written_.bytes};
    }
    /// Begins a new chunk with room for this number of bytes in one piece. It begins with a copy of
    /// `carried`, which may lie in rest() and is not committed. The chunk is small, unless the
    /// bytes do not fit, or several messages wait, or the caller knows of many more (`busy`).
    /// Returns false when memory is exhausted.
    [[nodiscard]] bool grow(std::size_t bytes, std::span<const std::byte> carried = {},
                            bool busy = false) noexcept;
    void commit(std::size_t bytes) noexcept { written_.bytes += static_cast<std::uint32_t>(bytes); }
    /// The present chunk has room for one more external.
    [[nodiscard]] bool can_splice() const noexcept
    {
        return written_.externals < tail_->max_externals();
    }
    /// Adds an external behind the committed bytes, where can_splice(). Takes over the caller's use
    /// of `owner`.
    void splice(const std::byte* data, std::size_t size, shared_memory* owner) noexcept
    {
        tail_->at(written_.externals++) = {written_.bytes, data, size, owner};
        tail_->set_externals = written_.externals;
        take_memory(size);
    }
    /// What was committed since the last publish is this number of whole messages. Returns true if
    /// the consumer waits and must be notified.
    [[nodiscard]] bool publish(std::uint64_t messages) noexcept
    {
        count(messages);
        return publish_uncounted();
    }
    /// The same for what is no message.
    [[nodiscard]] bool publish_uncounted() noexcept
    {
        if (published_in_ != tail_)
            publish_chunks();
        else
            tail_->publish(written_);
        published_ = written_;
        return consumer_waits_.load(std::memory_order_seq_cst) &&
               consumer_waits_.exchange(false, std::memory_order_seq_cst);
    }
    /// The next message does not go through the lane: the consumer is done with it already. For a
    /// thread that is both ends, while the lane is empty.
    void bypass() noexcept
    {
        count(1);
        consumed_.store(++done_, std::memory_order_release);
    }
    /// Messages go to the consumer another way, and are counted here. The consumer counts them by
    /// consume().
    void count(std::uint64_t messages) noexcept
    {
        // One thread writes: no atomic read-modify-write.
        produced_.store(produced() + messages, std::memory_order_relaxed);
    }
    /// Takes back what was committed since the last publish.
    void discard_unpublished() noexcept;
    /// What was written since the last publish does not stay in memory that is given back. (Bodies
    /// are their owners'.)
    void mark_secret() noexcept
    {
        for (chunk* each = published_in_; each != nullptr; each = each->next)
            each->is_secret = true;
    }
    /// The message with this number, the next one to be written, has a deadline. Returns false when
    /// memory is exhausted.
    [[nodiscard]] bool add_deadline(std::uint64_t number, time_point at) noexcept
    {
        return make_deadlines() && deadlines()->add(number, at);
    }
    /// Returns false when memory is exhausted.
    [[nodiscard]] bool make_deadlines() noexcept;
    /// Bytes committed since the last publish, in the present chunk or before.
    [[nodiscard]] bool has_unpublished() const noexcept
    {
        return published_in_ != tail_ || !(published_ == written_);
    }

    /// Any thread.
    [[nodiscard]] std::uint64_t produced() const noexcept
    {
        return produced_.load(std::memory_order_relaxed);
    }
    /// Messages that may still be published under this mark; 0: no limit.
    [[nodiscard]] std::uint64_t credit(std::uint64_t mark) noexcept
    {
        if (mark == 0)
            return UINT64_MAX;
        if (produced() - seen_consumed_ >= mark)
            seen_consumed_ = consumed_.load(std::memory_order_seq_cst);
        const std::uint64_t waiting = produced() - seen_consumed_;
        return waiting < mark ? mark - waiting : 0;
    }
    /// The same, by what credit() or see_consumed() has seen last.
    [[nodiscard]] std::uint64_t seen_credit(std::uint64_t mark) const noexcept
    {
        if (mark == 0)
            return UINT64_MAX;
        const std::uint64_t waiting = produced() - seen_consumed_;
        return waiting < mark ? mark - waiting : 0;
    }
    void see_consumed() noexcept { seen_consumed_ = consumed_.load(std::memory_order_seq_cst); }
    /// Bytes that may still be committed under this mark; 0: no limit. The last message may exceed
    /// it, and while no message waits there is room for one. `unpublished`: whole messages that
    /// were committed since the last publish.
    [[nodiscard]] std::uint64_t byte_credit(std::uint64_t mark,
                                            std::uint64_t unpublished = 0) const noexcept
    {
        if (mark == 0) [[likely]]
            return UINT64_MAX;
        const std::uint64_t waiting = waiting_bytes();
        if (waiting < mark)
            return mark - waiting;
        const bool none = produced() + unpublished == consumed_.load(std::memory_order_seq_cst);
        return none ? 1 : 0;
    }
    /// Whether the budget of memory, or the empty lane, has room for one more message.
    /// `unpublished`: whole messages that were committed since the last publish.
    [[nodiscard]] bool has_memory(std::uint64_t unpublished = 0) noexcept
    {
        return !short_of_memory_ || look_for_memory(unpublished);
    }
    /// The budget was used up when the producer last took memory from it, or asked.
    [[nodiscard]] bool is_short_of_memory() const noexcept { return short_of_memory_; }
    /// Null if nothing is counted.
    [[nodiscard]] const std::shared_ptr<memory_budget>& budget() const noexcept { return budget_; }
    /// Bytes of the message that is not published yet.
    [[nodiscard]] std::uint64_t unpublished_bytes() const noexcept
    {
        return bytes_before(*tail_, written_.bytes, written_.externals) -
               bytes_before(*published_in_, published_.bytes, published_.externals);
    }
    /// Bytes that were committed, and that the consumer has not shown to be done with.
    [[nodiscard]] std::uint64_t waiting_bytes() const noexcept
    {
        return bytes_before(*tail_, written_.bytes, written_.externals) -
               consumed_bytes_.load(std::memory_order_seq_cst);
    }
    /// Returns true if the consumer will notify; false if there is credit meanwhile.
    [[nodiscard]] bool producer_must_wait(std::uint64_t mark, std::uint64_t bytes = 0) noexcept
    {
        producer_waits_.store(true, std::memory_order_seq_cst);
        if (credit(mark) == 0 || byte_credit(bytes) == 0 || !has_memory())
            return true;
        producer_waits_.store(false, std::memory_order_relaxed);
        return false;
    }

    /// The consumer notifies when it is done with something, although there may be credit.
    void request_notice() noexcept { producer_waits_.store(true, std::memory_order_seq_cst); }

    // --- the consumer ---

    /// The place from where the consumer reads. Chunks before it are gone.
    [[nodiscard]] cursor& head() noexcept { return head_; }
    /// At the end of a chunk: goes on to the next one. Returns false if there is none yet.
    [[nodiscard]] bool next_chunk() noexcept
    {
        chunk* const left = head_.leave();
        if (left == nullptr)
            return false;
        release(*left);
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
    /// Takes the body at a cursor out of the lane, with its owner.
    [[nodiscard]] shared_memory* take_body(external& body) noexcept
    {
        give_memory(body.size);
        return std::exchange(body.owner, nullptr);
    }
    /// The consumer has left this chunk, which the producer has left before.
    void release(chunk& left) noexcept
    {
        if (left.is_large())
            give_memory(large_block);
        left.release();
    }
    /// Returns true if the producer will notify; false if there is something meanwhile.
    [[nodiscard]] bool consumer_must_wait() noexcept
    {
        consumer_waits_.store(true, std::memory_order_seq_cst);
        if (!readable())
            return true;
        consumer_waits_.store(false, std::memory_order_relaxed);
        return false;
    }
    /// The consumer is done with this number of messages more. Returns true if the producer waits
    /// and must be notified; that is looked for only with `look`, which costs a fence.
    [[nodiscard]] bool consume(std::uint64_t messages, bool look) noexcept
    {
        done_ += messages;
        if (!look) {
            consumed_.store(done_, std::memory_order_release);
            return false;
        }
        consumed_.exchange(done_, std::memory_order_seq_cst);
        return producer_waits_.load(std::memory_order_seq_cst) &&
               producer_waits_.exchange(false, std::memory_order_seq_cst);
    }
    [[nodiscard]] std::uint64_t consumed() const noexcept { return done_; }
    /// Messages of the lane have deadlines, or had some until now. Any thread.
    [[nodiscard]] bool has_deadlines() const noexcept
    {
        const deadline_list* const all = deadlines();
        return all != nullptr && all->count() > 0;
    }
    /// Null where no message had one. Any thread.
    [[nodiscard]] deadline_list* deadlines() const noexcept
    {
        return deadlines_.load(std::memory_order_acquire);
    }
    /// Where bytes have a mark, before consume(): shows the producer the bytes that are done with,
    /// which are those before the head.
    void update_consumed_bytes() noexcept
    {
        consumed_bytes_.store(bytes_before(*head_.at(), head_.bytes(), head_.externals()),
                              std::memory_order_seq_cst);
    }
    [[nodiscard]] std::uint64_t consumed_bytes() const noexcept
    {
        return consumed_bytes_.load(std::memory_order_relaxed);
    }

    /// Messages of those that it is done with were dropped unread. After consume().
    void count_lapsed(std::uint64_t messages) noexcept
    {
        lapsed_.fetch_add(messages, std::memory_order_release);
    }

    /// Any thread: messages that were dropped unread. To be read before consumed_by_now().
    [[nodiscard]] std::uint64_t lapsed() const noexcept
    {
        return lapsed_.load(std::memory_order_acquire);
    }
    /// Any thread.
    [[nodiscard]] std::uint64_t consumed_by_now() const noexcept
    {
        return consumed_.load(std::memory_order_acquire);
    }

private:
    void take_memory(std::uint64_t bytes) noexcept
    {
        if (budget_ != nullptr && budget_->add(bytes))
            short_of_memory_ = true;
    }
    void give_memory(std::uint64_t bytes) noexcept
    {
        if (budget_ != nullptr)
            budget_->remove(bytes);
    }
    [[nodiscard]] bool look_for_memory(std::uint64_t unpublished) noexcept;
    void release_from(chunk* first) noexcept;
    void release_bodies(chunk& of, std::uint32_t first) noexcept;
    void publish_chunks() noexcept;
    /// Bytes of the lane before that place.
    [[nodiscard]] static std::uint64_t bytes_before(chunk& at, std::uint32_t bytes,
                                                    std::uint32_t externals) noexcept;

    // The words of each side have a cache line of their own.
    static constexpr std::size_t line = 64;

    alignas(line) chunk* tail_ = nullptr;
    extent written_{};
    chunk* published_in_ = nullptr;
    extent published_{};
    chunk_pools* pools_ = nullptr;
    std::atomic<std::uint64_t> produced_{0};
    std::uint64_t seen_consumed_ = 0;
    bool short_of_memory_ = false;

    alignas(line) cursor head_;
    std::uint64_t done_ = 0;
    std::atomic<std::uint64_t> consumed_{0}; ///< read by the producer without credit
    std::atomic<std::uint64_t> consumed_bytes_{0}; ///< where bytes have a mark
    std::atomic<deadline_list*> deadlines_{nullptr}; ///< set by the writer, once

    // Rarely written, and read by both.
    alignas(line) std::atomic<bool> producer_waits_{false};
    std::atomic<bool> consumer_waits_{true};
    std::shared_ptr<memory_budget> budget_; ///< set by open()
    std::atomic<std::uint64_t> lapsed_{0};
};

} // namespace slk::lane

#endif
