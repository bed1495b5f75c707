// SPDX-License-Identifier: MPL-2.0
#include "allocations.hpp"

#include <cstdlib>
#include <new>

namespace {

thread_local std::uint64_t asked = 0;
thread_local std::uint64_t left = UINT64_MAX;

} // namespace

std::uint64_t slk::testing::allocations() noexcept
{
    return asked;
}

slk::testing::scarce_memory::scarce_memory(std::uint64_t count) noexcept
{
    left = count;
}

slk::testing::scarce_memory::~scarce_memory()
{
    left = UINT64_MAX;
}

// The library asks by the first form, and the tests by the second.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept
{
    ++asked;
    if (left == 0)
        return nullptr;
    if (left != UINT64_MAX)
        --left;
    return std::malloc(size);
}

void* operator new(std::size_t size)
{
    ++asked;
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
