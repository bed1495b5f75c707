// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_BASE_BODY_POOL_HPP
#define SLK_BASE_BODY_POOL_HPP

/// Memory for large bodies, kept for reuse.
///
/// A stream of large messages allocates on one thread and frees on another. A general allocator
/// then waits for its lock, and returns pages to the system that the next message faults in again:
/// at 64 KiB that costs as much as copying the message. The pool keeps a bounded number of blocks
/// of each size instead.

#include <atomic>
#include <cstddef>

namespace slk {

/// Any thread takes blocks and gives them back, without a lock.
class body_pool {
public:
    struct block {
        void* memory = nullptr;
        std::size_t size = 0; ///< at least what was asked for
    };

    constexpr body_pool() noexcept = default;
    body_pool(const body_pool&) = delete;
    body_pool& operator=(const body_pool&) = delete;
    ~body_pool() { trim(); }

    /// The one that all messages of the process use.
    [[nodiscard]] static body_pool& shared() noexcept;

    /// `memory` is null when memory is exhausted. Aligned as by malloc; not initialised.
    [[nodiscard]] block take(std::size_t size) noexcept;
    /// `size`: the block's, as take() returned it.
    void give_back(block returned) noexcept;
    /// Frees all blocks that are kept.
    void trim() noexcept;

    /// Bytes in blocks that are kept. Exact while no other thread uses the pool.
    [[nodiscard]] std::size_t kept() const noexcept;
    /// The bound of kept().
    [[nodiscard]] static std::size_t max_kept() noexcept;

    /// Smaller and larger blocks are not kept, but come from malloc with the size asked for.
    static constexpr std::size_t min_size = std::size_t{8} << 10;
    static constexpr std::size_t max_size = (std::size_t{4} << 20) + 4096;

private:
    static constexpr std::size_t size_classes = 10;
    static constexpr std::size_t max_slots = 16;

    /// A slot is taken and filled by one exchange each, so that a block cannot be seen by two
    /// threads, and a thread that is stopped in between holds up no other one. The lowest slots are
    /// used first: the block that was given back last is still in the processor's cache.
    struct size_class {
        std::atomic<void*> slots[max_slots]{};
    };

    size_class classes_[size_classes]{};
};

} // namespace slk

#endif
