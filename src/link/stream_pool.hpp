// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LINK_STREAM_POOL_HPP
#define SLK_LINK_STREAM_POOL_HPP

/// The memory of streams that are over, kept for the next ones: a link that connects and is lost
/// again and again allocates nothing.

#include <atomic>
#include <cstddef>
#include <memory>

namespace slk::link_detail {

/// Blocks of one size. Streams hold their pool by shared_ptr, because a handle of the user may
/// outlive the loop.
class stream_pool {
public:
    explicit stream_pool(std::size_t block_size) noexcept : block_size_(block_size) {}
    stream_pool(const stream_pool&) = delete;
    stream_pool& operator=(const stream_pool&) = delete;
    ~stream_pool();

    /// Null when memory is exhausted. By one thread at a time: the loop's.
    [[nodiscard]] void* take() noexcept;
    /// Any thread.
    void give_back(void* memory) noexcept;

private:
    /// More than this many are not kept: a storm of connections should not hold its memory.
    static constexpr std::size_t most_kept = 1024;

    struct free_block {
        free_block* next;
    };

    const std::size_t block_size_;
    /// A stack (Treiber, "Systems Programming: Coping with Parallelism", 1986). Only one thread
    /// takes from it, so a block that is seen on top cannot have left and come back meanwhile.
    std::atomic<free_block*> free_{nullptr};
    std::atomic<std::size_t> kept_{0};
};

} // namespace slk::link_detail

#endif
