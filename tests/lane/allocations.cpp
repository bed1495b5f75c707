// SPDX-License-Identifier: MPL-2.0
#include "allocations.hpp"

#include <cstdlib>
#include <new>

namespace {

thread_local std::uint64_t count_of_thread = 0;
thread_local std::uint64_t left = UINT64_MAX;

} // namespace

std::uint64_t slk::testing::allocations() noexcept
{
    return count_of_thread;
}

slk::testing::scarce_memory::scarce_memory(std::uint64_t count) noexcept
{
    left = count;
}

slk::testing::scarce_memory::~scarce_memory()
{
    left = UINT64_MAX;
}

// The library allocates with std::nothrow where it can handle a failure; only that fails.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept
{
    ++count_of_thread;
    if (left == 0)
        return nullptr;
    if (left != UINT64_MAX)
        --left;
    return std::malloc(size);
}

void* operator new(std::size_t size)
{
    ++count_of_thread;
    void* const memory = std::malloc(size);
    if (memory == nullptr)
        std::abort();
    return memory;
}

void operator delete(void* memory) noexcept
{
    std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept
{
    std::free(memory);
}
