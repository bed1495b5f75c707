// SPDX-License-Identifier: MPL-2.0
#include "allocations.hpp"

#include <malloc.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace bench {

namespace {

std::atomic<bool> counting{false};
std::atomic<std::uint64_t> calls{0};
std::atomic<std::int64_t> bytes{0};

} // namespace

void begin_counting() noexcept
{
    calls = 0;
    bytes = 0;
    counting = true;
}

allocation_counts end_counting() noexcept
{
    counting = false;
    return {calls, bytes};
}

static void* allocate(std::size_t size, std::size_t alignment) noexcept
{
    // aligned_alloc requires a multiple of the alignment.
    void* const memory =
        alignment <= alignof(std::max_align_t)
            ? std::malloc(size)
            : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (memory != nullptr && counting.load(std::memory_order_relaxed)) {
        calls.fetch_add(1, std::memory_order_relaxed);
        bytes.fetch_add(static_cast<std::int64_t>(malloc_usable_size(memory)),
                        std::memory_order_relaxed);
    }
    return memory;
}

static void* allocate_or_throw(std::size_t size, std::size_t alignment)
{
    if (void* const memory = allocate(size, alignment))
        return memory;
    throw std::bad_alloc();
}

static void release(void* memory) noexcept
{
    if (memory != nullptr && counting.load(std::memory_order_relaxed))
        bytes.fetch_sub(static_cast<std::int64_t>(malloc_usable_size(memory)),
                        std::memory_order_relaxed);
    std::free(memory);
}

} // namespace bench

// The standard library's array forms, and its other forms of delete, call these.

void* operator new(std::size_t size)
{
    return bench::allocate_or_throw(size, 1);
}

void* operator new(std::size_t size, std::align_val_t alignment)
{
    return bench::allocate_or_throw(size, static_cast<std::size_t>(alignment));
}

void* operator new(std::size_t size, const std::nothrow_t&) noexcept
{
    return bench::allocate(size, 1);
}

void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept
{
    return bench::allocate(size, static_cast<std::size_t>(alignment));
}

void operator delete(void* memory) noexcept
{
    bench::release(memory);
}

void operator delete(void* memory, std::size_t) noexcept
{
    bench::release(memory);
}

void operator delete(void* memory, std::align_val_t) noexcept
{
    bench::release(memory);
}

void operator delete(void* memory, std::size_t, std::align_val_t) noexcept
{
    bench::release(memory);
}
