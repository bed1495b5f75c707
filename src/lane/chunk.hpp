// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LANE_CHUNK_HPP
#define SLK_LANE_CHUNK_HPP

/// A chunk: a piece of a lane. Bytes, and references to large bodies between them.
///
/// The bytes of a chunk are written once, from the front. A large body stays where it is: the chunk
/// records after how many of its bytes it comes, and the owner of its memory. One atomic word tells
/// how much of both the consumer may see.

#include <serverlink/message.hpp>

#include "base/block_pool.hpp"
#include "base/memory_budget.hpp"
#include "base/try_allocate.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace slk::lane {

using message_detail::shared_memory;

/// A body that is not among the bytes of the chunk.
struct external {
    std::uint32_t at = 0; ///< bytes of the chunk that come before it
    const std::byte* data = nullptr;
    std::size_t size = 0;
    shared_memory* owner = nullptr;
};

/// How much of a chunk has been written, or may be read.
struct extent {
    std::uint32_t bytes = 0;
    std::uint32_t externals : 31 = 0;
    /// 1: nothing will be added, and what comes next is in the next chunk. (Of the same type, so
    /// that it has no word of its own on Windows.)
    std::uint32_t final : 1 = 0;

    friend bool operator==(const extent&, const extent&) = default;
};

/// The two sizes of chunks. A lane begins with a small one, so that an idle peer costs little, and
/// goes on with large ones as soon as that has been filled.
inline constexpr std::size_t small_block = 256;
inline constexpr std::size_t large_block = 72 * 1024;

/// The blocks that one thread takes chunks from. Any thread gives them back.
struct chunk_pools {
    chunk_pools() = default;
    explicit chunk_pools(std::shared_ptr<memory_budget> of_context) noexcept
        : budget(std::move(of_context))
    {
    }

    /// Counts what lanes hold; null: nothing does.
    std::shared_ptr<memory_budget> budget{};
    std::shared_ptr<block_pool> small = try_make_shared<block_pool>(small_block, 64U);
    std::shared_ptr<block_pool> large = try_make_shared<block_pool>(large_block, 16U);

    /// False: there was no memory for them, and they cannot be used.
    [[nodiscard]] bool complete() const noexcept { return small != nullptr && large != nullptr; }
};

class chunk final : public shared_memory {
public:
    /// Null when memory is exhausted.
    [[nodiscard]] static chunk* create(const std::shared_ptr<block_pool>& home,
                                       std::uint32_t externals) noexcept;

    chunk(const chunk&) = delete;
    chunk& operator=(const chunk&) = delete;

    [[nodiscard]] std::byte* bytes() noexcept
    {
        return reinterpret_cast<std::byte*>(externals_ + max_externals_);
    }
    [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] bool is_large() const noexcept { return capacity_ > small_block; }
    [[nodiscard]] std::uint32_t max_externals() const noexcept { return max_externals_; }
    [[nodiscard]] external& at(std::uint32_t index) noexcept { return externals_[index]; }

    /// By the producer.
    void publish(const extent& what) noexcept
    {
        // Sequentially consistent, because the producer then asks whether the consumer waits.
        published_.exchange(pack(what), std::memory_order_seq_cst);
    }
    /// The same where no consumer can wait yet.
    void publish_quietly(const extent& what) noexcept
    {
        published_.store(pack(what), std::memory_order_release);
    }
    /// By the consumer.
    [[nodiscard]] extent published() const noexcept
    {
        return unpack(published_.load(std::memory_order_seq_cst));
    }

    /// The producer's link; the consumer may follow it when the extent is final.
    chunk* next = nullptr;
    /// How much the producer has written when it went on to the next chunk.
    extent end{};
    /// Bytes of the lane that lie before this chunk, bodies too. The producer's, until the
    /// consumer may follow the link to here.
    std::uint64_t before = 0;
    /// The number of externals that were set, and so must be released: the producer's.
    std::uint32_t set_externals = 0;
    /// Its bytes are overwritten before its memory is given back.
    bool is_secret = false;

private:
    chunk(std::shared_ptr<block_pool> home, std::uint32_t externals) noexcept;
    ~chunk();

    static std::uint64_t pack(const extent& what) noexcept
    {
        return std::uint64_t{what.final} << 63 | std::uint64_t{what.externals} << 32 | what.bytes;
    }
    static extent unpack(std::uint64_t word) noexcept
    {
        return {static_cast<std::uint32_t>(word),
                static_cast<std::uint32_t>(word >> 32) & 0x7fff'ffff, (word >> 63) != 0};
    }

    std::shared_ptr<block_pool> home_;
    std::uint32_t capacity_ = 0;
    std::uint32_t max_externals_ = 0;
    external* externals_ = nullptr;
    std::atomic<std::uint64_t> published_{0};
};

} // namespace slk::lane

#endif
