// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_BASE_BLOCK_POOL_HPP
#define SLK_BASE_BLOCK_POOL_HPP

/// Memory blocks of one size that are kept for the next use: a link that connects and is lost again
/// and again, or a lane that carries message after message, allocates nothing.

#include <atomic>
#include <cstddef>
#include <memory>

namespace slk {

/// Blocks of one size. The objects in them hold the pool by shared_ptr, because they may outlive
/// the pool's maker.
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
    /// Returns null when memory is exhausted. For one thread at a time.
    [[nodiscard]] void* take() noexcept;
    /// Any thread. A full pool gives the block back to the system, so that a burst does not hold
    /// its memory for ever.
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
