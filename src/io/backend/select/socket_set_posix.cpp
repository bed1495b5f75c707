// SPDX-License-Identifier: MPL-2.0

// Without this macro macOS refuses descriptors from FD_SETSIZE on (select(2) there).
#define _DARWIN_UNLIMITED_SELECT 1

#include "io/backend/select/socket_set.hpp"
#include "io/os/system.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <climits>
#include <cstring>
#include <new>

#include <sys/select.h>

namespace slk::io::select {

namespace {

/// The system counts the bits in words of its own size; sets grow by several words.
constexpr std::size_t bits_per_word = NFDBITS;
constexpr std::size_t bits_per_element = sizeof(std::uintptr_t) * CHAR_BIT;
static_assert(bits_per_element % bits_per_word == 0 || bits_per_word % bits_per_element == 0);
constexpr std::size_t elements_at_once = 16;

/// FD_SET and FD_ISSET would refuse a descriptor from FD_SETSIZE on (_FORTIFY_SOURCE); this is
/// their arithmetic.
std::size_t byte_of(native_handle handle) noexcept
{
    const auto bit = static_cast<std::size_t>(handle);
    const std::size_t word = bit / bits_per_word * (bits_per_word / CHAR_BIT);
    const std::size_t in_word = bit % bits_per_word / CHAR_BIT;
    return std::endian::native == std::endian::little
               ? word + in_word
               : word + bits_per_word / CHAR_BIT - 1 - in_word;
}

unsigned char mask_of(native_handle handle) noexcept
{
    return static_cast<unsigned char>(1U << static_cast<std::size_t>(handle) % CHAR_BIT);
}

} // namespace

bool socket_set::reserve(std::size_t /*count*/, native_handle highest) noexcept
{
    const std::size_t needed = static_cast<std::size_t>(highest) / bits_per_element + 1;
    if (needed <= size_)
        return true;
    const std::size_t rounded = (needed / elements_at_once + 1) * elements_at_once;
    std::unique_ptr<std::uintptr_t[]> larger(new (std::nothrow) std::uintptr_t[rounded]());
    if (larger == nullptr)
        return false;
    space_ = std::move(larger);
    size_ = rounded;
    highest_ = invalid_handle;
    return true;
}

void socket_set::clear() noexcept
{
    std::fill_n(space_.get(), size_, 0);
    highest_ = invalid_handle;
}

void socket_set::add(native_handle handle) noexcept
{
    reinterpret_cast<unsigned char*>(space_.get())[byte_of(handle)] |= mask_of(handle);
    highest_ = std::max(highest_, handle);
}

bool socket_set::has(native_handle handle) const noexcept
{
    return (reinterpret_cast<const unsigned char*>(space_.get())[byte_of(handle)] &
            mask_of(handle)) != 0;
}

result<int> wait_for(socket_set& readable, socket_set& writable, socket_set& failed, duration wait)
{
    // Some systems refuse longer times.
    const duration shortened = std::min<duration>(wait, std::chrono::hours(24));
    const auto seconds = std::chrono::floor<std::chrono::seconds>(shortened);
    timespec timeout{};
    timeout.tv_sec = static_cast<decltype(timeout.tv_sec)>(seconds.count());
    timeout.tv_nsec = static_cast<decltype(timeout.tv_nsec)>((shortened - seconds).count());
    const native_handle highest = std::max({readable.highest_, writable.highest_, failed.highest_});
    // pselect rather than select: its unit is nanoseconds, so nothing has to be rounded.
    const int count =
        ::pselect(static_cast<int>(highest) + 1, reinterpret_cast<fd_set*>(readable.space_.get()),
                  reinterpret_cast<fd_set*>(writable.space_.get()),
                  reinterpret_cast<fd_set*>(failed.space_.get()),
                  wait == duration::max() ? nullptr : &timeout, nullptr);
    if (count < 0)
        return fail(os::translate(errno, phase::none));
    return count;
}

} // namespace slk::io::select
