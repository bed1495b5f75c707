// SPDX-License-Identifier: MPL-2.0
#include "io/backend/select/socket_set.hpp"
#include "io/os/system.hpp"
#include "io/os/windows/winsock.hpp"

#include <algorithm>
#include <cstddef>
#include <new>

namespace slk::io::select {

namespace {

// An fd_set is a count and then the sockets; the call reads as many as the count, whatever
// FD_SETSIZE was at compile time (Microsoft, select). In numbers of a pointer's size the count is
// the first one and the sockets follow.
static_assert(sizeof(SOCKET) == sizeof(std::uintptr_t));
static_assert(offsetof(fd_set, fd_count) == 0);
static_assert(offsetof(fd_set, fd_array) == sizeof(std::uintptr_t));

constexpr std::size_t sockets_at_once = 64;

} // namespace

bool socket_set::reserve(std::size_t count, native_handle /*highest*/) noexcept
{
    const std::size_t needed = count + 1;
    if (needed <= size_)
        return true;
    const std::size_t rounded = std::max(2 * size_, needed + sockets_at_once);
    std::unique_ptr<std::uintptr_t[]> larger(new (std::nothrow) std::uintptr_t[rounded]());
    if (larger == nullptr)
        return false;
    space_ = std::move(larger);
    size_ = rounded;
    return true;
}

void socket_set::clear() noexcept
{
    space_[0] = 0;
}

void socket_set::add(native_handle handle) noexcept
{
    space_[++space_[0]] = static_cast<std::uintptr_t>(handle);
}

bool socket_set::has(native_handle handle) const noexcept
{
    const std::uintptr_t* const first = &space_[1];
    return std::binary_search(first, first + space_[0], static_cast<std::uintptr_t>(handle));
}

result<int> wait_for(socket_set& readable, socket_set& writable, socket_set& failed, duration wait)
{
    // Rounded up to the system's milliseconds: a rest of less than one would end at once, again and
    // again.
    const auto shortened = std::chrono::ceil<std::chrono::milliseconds>(
        std::min<duration>(wait, std::chrono::hours(24)));
    const auto seconds = std::chrono::floor<std::chrono::seconds>(shortened);
    timeval timeout{};
    timeout.tv_sec = static_cast<long>(seconds.count());
    timeout.tv_usec = static_cast<long>((shortened - seconds).count() * 1000);
    const int count = ::select(0, // ignored on Windows
                               reinterpret_cast<fd_set*>(readable.space_.get()),
                               reinterpret_cast<fd_set*>(writable.space_.get()),
                               reinterpret_cast<fd_set*>(failed.space_.get()),
                               wait == duration::max() ? nullptr : &timeout);
    if (count == SOCKET_ERROR)
        return fail(os::windows::last_error(phase::none));
    // Their order on return is not documented, and has() searches for one after another.
    for (socket_set* const reported : {&readable, &writable, &failed})
        std::sort(&reported->space_[1], &reported->space_[1] + reported->space_[0]);
    return count;
}

} // namespace slk::io::select
