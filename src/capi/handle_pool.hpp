// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_CAPI_HANDLE_POOL_HPP
#define SLK_CAPI_HANDLE_POOL_HPP

/// The memory of handles, which is theirs for ever: a handle that is not valid any more is read
/// without harm, and its tag tells. It is usable before the constructors of static objects have
/// run, and after their destructors. Any thread.

#include <atomic>
#include <cstdint>
#include <new>
#include <thread>
#include <utility>

namespace slk::capi {

/// What a handle is, in its first bytes.
enum class handle_tag : std::uint32_t {
    none = 0,
    context = 0x5c0e71a3,
    socket = 0x5c0e71a7,
    ending = 0x5c0e71ab, ///< of a socket: its context is being destroyed
    poller = 0x5c0e71b5,
};

/// `Handle::next`: links those that are not in use.
template <class Handle>
class handle_pool {
public:
    /// Null when memory is exhausted.
    [[nodiscard]] Handle* take() noexcept
    {
        lock();
        Handle* const taken = first_;
        if (taken != nullptr)
            first_ = taken->next;
        unlock();
        return taken != nullptr ? taken : new (std::nothrow) Handle;
    }
    void give_back(Handle& free) noexcept
    {
        lock();
        free.next = std::exchange(first_, &free);
        unlock();
    }

private:
    // Not every system's mutex is there before the constructors have run.
    void lock() noexcept
    {
        while (taken_.test_and_set(std::memory_order_acquire))
            std::this_thread::yield();
    }
    void unlock() noexcept { taken_.clear(std::memory_order_release); }

    std::atomic_flag taken_;
    Handle* first_ = nullptr;
};

} // namespace slk::capi

#endif
