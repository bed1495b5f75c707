// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_BASE_BLOCK_POOL_HPP
#define SLK_BASE_BLOCK_POOL_HPP

/// Memory that has been used once and is kept for the next one who needs a block of that size: a
/// link that connects and is lost again and again, or a lane that carries message after message,
/// allocates nothing.

#include <atomic>
#include <cstddef>
#include <memory>

namespace slk {

/// Blocks of one size. What lives in them holds the pool by shared_ptr, because it may outlive
/// whoever made the pool.
class block_pool {
public:
    block_pool(std::size_t block_size, std::size_t max_kept) noexcept
        : block_size_(block_size), max_kept_(max_kept)
    {
    }
    block_pool(const block_pool&) = delete;
    block_pool& operator=(const block_pool&) = delete;
    ~block_pool();

    [[nodiscard]] std::size_t block_size() const noexcept { return block_size_; }
    /// Null when memory is exhausted. By one thread at a time.
    [[nodiscard]] void* take() noexcept;
    /// Any thread. A pool that is full gives the block back to the system: a storm should not hold
    /// its memory.
    void give_back(void* memory) noexcept;

private:
    struct free_block {
        free_block* next;
    };

    const std::size_t block_size_;
    const std::size_t max_kept_;
    /// A stack (Treiber, "Systems Programming: Coping with Parallelism", 1986). Only one thread
    /// takes from it, so a block that is seen on top cannot have left and come back meanwhile.
    std::atomic<free_block*> free_{nullptr};
    std::atomic<std::size_t> kept_{0};
};

} // namespace slk

#endif
