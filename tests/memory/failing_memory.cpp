// SPDX-License-Identifier: MPL-2.0
#include "failing_memory.hpp"

#include <array>
#include <atomic>
#include <cstdlib>
#include <new>
#include <utility>

#include <execinfo.h>

// The program is linked with --wrap=malloc and --wrap=free: these are the library's calls of them.
extern "C" {
void* __real_malloc(std::size_t size);
void __real_free(void* memory);
extern const char __executable_start;
}

namespace slk::testing {

namespace {

struct state {
    std::atomic<bool> counting{false};
    std::atomic<std::uint64_t> count{0};
    std::atomic<std::uint64_t> first{0};
    std::atomic<std::uint64_t> failures{0};
    std::atomic<bool> failed{false};
    std::atomic<std::int64_t> live{0};
    std::array<std::uintptr_t, failing_memory::max_frames> frames{};
};
constinit state now;

/// Of the main thread: library_calls around this place. Other threads are the library's.
thread_local int depth = 1;

void remember_frames() noexcept
{
    void* found[failing_memory::max_frames];
    const int count = ::backtrace(found, failing_memory::max_frames);
    now.frames.fill(0);
    for (int index = 2; index < count; ++index)
        now.frames[static_cast<std::size_t>(index - 2)] =
            reinterpret_cast<std::uintptr_t>(found[index]) -
            reinterpret_cast<std::uintptr_t>(&__executable_start);
}

bool fails() noexcept
{
    if (!now.counting.load(std::memory_order_relaxed) || depth <= 0)
        return false;
    const std::uint64_t number = now.count.fetch_add(1) + 1;
    const std::uint64_t first = now.first.load();
    if (first == 0 || number < first || number >= first + now.failures.load())
        return false;
    if (!now.failed.exchange(true)) {
        const int before = std::exchange(depth, 0);
        remember_frames();
        depth = before;
    }
    return true;
}

void* allocate(std::size_t size) noexcept
{
    if (fails())
        return nullptr;
    void* const memory = __real_malloc(size);
    if (memory != nullptr)
        now.live.fetch_add(1, std::memory_order_relaxed);
    return memory;
}

void free_memory(void* memory) noexcept
{
    if (memory != nullptr)
        now.live.fetch_sub(1, std::memory_order_relaxed);
    __real_free(memory);
}

void* allocate_aligned(std::size_t size, std::size_t alignment) noexcept
{
    if (fails())
        return nullptr;
    void* const memory = std::aligned_alloc(alignment, (size + alignment - 1) & ~(alignment - 1));
    if (memory != nullptr)
        now.live.fetch_add(1, std::memory_order_relaxed);
    return memory;
}

void* allocate_or_throw(std::size_t size)
{
    void* const memory = allocate(size);
    if (memory == nullptr)
        throw std::bad_alloc();
    return memory;
}

} // namespace

void failing_memory::start(std::uint64_t first, std::uint64_t count) noexcept
{
    depth = 0;
    now.count = 0;
    now.first = first;
    now.failures = count;
    now.failed = false;
    now.frames.fill(0);
    now.counting = true;
}

std::uint64_t failing_memory::stop() noexcept
{
    now.counting = false;
    return now.count;
}

void failing_memory::recover() noexcept
{
    now.first = 0;
}

bool failing_memory::has_failed() noexcept
{
    return now.failed;
}

std::int64_t failing_memory::live() noexcept
{
    return now.live;
}

const std::uintptr_t* failing_memory::first_failure() noexcept
{
    return now.frames.data();
}

library_call::library_call() noexcept
{
    ++depth;
}

library_call::~library_call()
{
    --depth;
}

own_code::own_code() noexcept : before_(std::exchange(depth, 0)) {}

own_code::~own_code()
{
    depth = before_;
}

} // namespace slk::testing

using slk::testing::allocate;
using slk::testing::allocate_aligned;
using slk::testing::allocate_or_throw;
using slk::testing::free_memory;

extern "C" void* __wrap_malloc(std::size_t size)
{
    return allocate(size);
}

extern "C" void __wrap_free(void* memory)
{
    free_memory(memory);
}

void* operator new(std::size_t size)
{
    return allocate_or_throw(size);
}

void* operator new[](std::size_t size)
{
    return allocate_or_throw(size);
}

void* operator new(std::size_t size, const std::nothrow_t&) noexcept
{
    return allocate(size);
}

void* operator new[](std::size_t size, const std::nothrow_t&) noexcept
{
    return allocate(size);
}

void operator delete(void* memory) noexcept
{
    free_memory(memory);
}

void operator delete[](void* memory) noexcept
{
    free_memory(memory);
}

void operator delete(void* memory, std::size_t) noexcept
{
    free_memory(memory);
}

void operator delete[](void* memory, std::size_t) noexcept
{
    free_memory(memory);
}

void* operator new(std::size_t size, std::align_val_t alignment)
{
    void* const memory = allocate_aligned(size, static_cast<std::size_t>(alignment));
    if (memory == nullptr)
        throw std::bad_alloc();
    return memory;
}

void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept
{
    return allocate_aligned(size, static_cast<std::size_t>(alignment));
}

void operator delete(void* memory, std::align_val_t) noexcept
{
    free_memory(memory);
}

void operator delete(void* memory, std::size_t, std::align_val_t) noexcept
{
    free_memory(memory);
}
