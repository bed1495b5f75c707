// SPDX-License-Identifier: MPL-2.0
#include "base/body_pool.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <span>

namespace slk {

namespace {

/// Bytes of a block beyond the power of two: most bodies have that size, and a header before it.
constexpr std::size_t extra = 4096;
/// The bound of each size; blocks of the largest one have it.
constexpr std::size_t max_kept_per_class = std::size_t{4} << 20;

constexpr std::size_t block_size(std::size_t index) noexcept
{
    return (body_pool::min_size << index) + extra;
}

/// The index of the smallest size that fits.
constexpr std::size_t class_of(std::size_t size) noexcept
{
    const std::size_t body =
        size > body_pool::min_size + extra ? size - extra : body_pool::min_size;
    return static_cast<std::size_t>(std::bit_width((body - 1) / body_pool::min_size));
}

constexpr bool is_kept(std::size_t size) noexcept
{
    return size >= body_pool::min_size && size <= body_pool::max_size;
}

static_assert(class_of(body_pool::min_size) == 0);
static_assert(class_of(block_size(3)) == 3 && class_of(block_size(3) + 1) == 4);
static_assert(block_size(class_of(body_pool::max_size)) == body_pool::max_size);

constexpr std::size_t slots_of(std::size_t index, std::size_t max_slots) noexcept
{
    return std::min(max_kept_per_class / (body_pool::min_size << index), max_slots);
}

} // namespace

body_pool& body_pool::shared() noexcept
{
    // Never destroyed: messages may end after the statics of the program.
    union forever {
        body_pool pool;
        constexpr forever() noexcept : pool() {}
        ~forever() {}
    };
    static constinit forever all;
    return all.pool;
}

body_pool::block body_pool::take(std::size_t size) noexcept
{
    if (!is_kept(size))
        return {std::malloc(size), size};
    const std::size_t index = class_of(size);
    for (auto& slot : std::span(classes_[index].slots, slots_of(index, max_slots))) {
        // Asked first, because an exchange takes the cache line from the other threads.
        if (slot.load(std::memory_order_relaxed) == nullptr)
            continue;
        if (void* const memory = slot.exchange(nullptr, std::memory_order_acquire);
            memory != nullptr)
            return {memory, block_size(index)};
    }
    return {std::malloc(block_size(index)), block_size(index)};
}

void body_pool::give_back(block returned) noexcept
{
    if (is_kept(returned.size)) {
        const std::size_t index = class_of(returned.size);
        for (auto& slot : std::span(classes_[index].slots, slots_of(index, max_slots))) {
            void* empty = slot.load(std::memory_order_relaxed);
            if (empty == nullptr &&
                slot.compare_exchange_strong(empty, returned.memory, std::memory_order_release,
                                             std::memory_order_relaxed))
                return;
        }
    }
    std::free(returned.memory);
}

void body_pool::trim() noexcept
{
    for (size_class& each : classes_)
        for (auto& slot : each.slots)
            std::free(slot.exchange(nullptr, std::memory_order_acquire));
}

std::size_t body_pool::kept() const noexcept
{
    std::size_t sum = 0;
    for (std::size_t index = 0; index < size_classes; ++index)
        for (const auto& slot : classes_[index].slots)
            if (slot.load(std::memory_order_relaxed) != nullptr)
                sum += block_size(index);
    return sum;
}

std::size_t body_pool::max_kept() noexcept
{
    std::size_t sum = 0;
    for (std::size_t index = 0; index < size_classes; ++index)
        sum += slots_of(index, max_slots) * block_size(index);
    return sum;
}

} // namespace slk
