// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LIBZMQ_REGISTRY_HPP
#define SLK_LIBZMQ_REGISTRY_HPP

/// Which handles are alive. Programs pass stale, null and arbitrary pointers, and expect an error
/// for them: a handle is an address in a table of the library's own, and is never read before the
/// table has shown that it is one. Any thread.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

namespace slk::libzmq {

/// A table in static storage, of which only the pages that were used cost memory. It is usable
/// before the constructors of static objects have run, and after their destructors.
template <class Object, std::size_t Capacity>
class registry {
public:
    constexpr registry() noexcept = default;

    /// Null: the table is full.
    [[nodiscard]] void* add(Object& which) noexcept
    {
        lock();
        slot* const free = take_slot();
        unlock();
        if (free == nullptr)
            return nullptr;
        free->object = &which;
        // A handle of an earlier object in this slot is another address.
        free->generation = (free->generation + 1) % generations;
        auto* const handle = reinterpret_cast<std::byte*>(free) + free->generation * step;
        free->handle.store(handle, std::memory_order_release);
        return handle;
    }

    /// Null if it is none.
    [[nodiscard]] Object* find(const void* handle) const noexcept
    {
        const slot* const at = slot_of(handle);
        return at != nullptr && at->handle.load(std::memory_order_acquire) == handle ? at->object
                                                                                     : nullptr;
    }

    /// The handle is none any more. Null if it was none; of several calls one gets the object.
    [[nodiscard]] Object* remove(const void* handle) noexcept
    {
        auto* const at = const_cast<slot*>(slot_of(handle));
        if (at == nullptr)
            return nullptr;
        Object* const object = at->object;
        const void* expected = handle;
        if (!at->handle.compare_exchange_strong(expected, nullptr, std::memory_order_acq_rel))
            return nullptr;
        lock();
        at->next = nullptr;
        (last_ != nullptr ? last_->next : first_) = at;
        last_ = at;
        ++free_;
        unlock();
        return object;
    }

private:
    struct slot {
        std::atomic<const void*> handle{nullptr};
        Object* object = nullptr;
        slot* next = nullptr;
        std::uint32_t generation = 0;
        std::byte space[32]{};
    };
    static constexpr std::size_t step = alignof(std::max_align_t) / 2;
    static constexpr std::size_t generations = sizeof(slot) / step;
    /// Freed slots that wait before the first of them is used again.
    static constexpr std::size_t max_free = 64;

    [[nodiscard]] const slot* slot_of(const void* handle) const noexcept
    {
        const auto offset = reinterpret_cast<std::uintptr_t>(handle) -
                            reinterpret_cast<std::uintptr_t>(slots_.data());
        return offset < sizeof slots_ ? &slots_[offset / sizeof(slot)] : nullptr;
    }

    [[nodiscard]] slot* take_slot() noexcept
    {
        if (used_ < Capacity && free_ < max_free)
            return &slots_[used_++];
        slot* const taken = first_;
        if (taken == nullptr)
            return nullptr;
        first_ = taken->next;
        if (first_ == nullptr)
            last_ = nullptr;
        --free_;
        return taken;
    }

    // Not every system's mutex is there before the constructors have run.
    void lock() noexcept
    {
        while (taken_.test_and_set(std::memory_order_acquire))
            std::this_thread::yield();
    }
    void unlock() noexcept { taken_.clear(std::memory_order_release); }

    std::atomic_flag taken_;
    slot* first_ = nullptr; ///< of those that were freed, in their order
    slot* last_ = nullptr;
    std::size_t free_ = 0;
    std::size_t used_ = 0; ///< slots that were used at least once
    std::array<slot, Capacity> slots_{};
};

} // namespace slk::libzmq

#endif
