// SPDX-License-Identifier: MPL-2.0
#include "base/block_pool.hpp"

#include <new>

namespace slk {

block_pool::~block_pool()
{
    for (free_block* block = free_.load(); block != nullptr;) {
        free_block* const next = block->next;
        ::operator delete(block);
        block = next;
    }
}

void* block_pool::take() noexcept
{
    free_block* top = free_.load(std::memory_order_acquire);
    while (top != nullptr) {
        if (free_.compare_exchange_weak(top, top->next, std::memory_order_acquire)) {
            kept_.fetch_sub(1, std::memory_order_relaxed);
            return top;
        }
    }
    return ::operator new(block_size_, std::nothrow);
}

void block_pool::give_back(void* memory) noexcept
{
    if (kept_.fetch_add(1, std::memory_order_relaxed) >= max_kept_) {
        kept_.fetch_sub(1, std::memory_order_relaxed);
        ::operator delete(memory);
        return;
    }
    auto* const block = new (memory) free_block{free_.load(std::memory_order_relaxed)};
    while (!free_.compare_exchange_weak(block->next, block, std::memory_order_release)) {
    }
}

} // namespace slk
