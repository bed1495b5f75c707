// SPDX-License-Identifier: MPL-2.0
#include "zmtp/curve/locked_slots.hpp"

#include "base/wipe.hpp"

#include <bit>
#include <mutex>
#include <new>

namespace slk::zmtp {

namespace {

/// Slots of one piece of locked memory, which fill a page.
constexpr std::size_t slots = 42;
constexpr std::uint64_t all_free = (std::uint64_t{1} << slots) - 1;

struct page {
    std::byte* memory = nullptr;
    std::uint64_t free = all_free;
    page* next = nullptr;
};

class page_list {
public:
    [[nodiscard]] std::byte* take() noexcept
    {
        const std::lock_guard lock(guard_);
        page* from = first_;
        while (from != nullptr && from->free == 0)
            from = from->next;
        if (from == nullptr && (from = add()) == nullptr)
            return nullptr;
        const int slot = std::countr_zero(from->free);
        from->free &= from->free - 1;
        return from->memory + static_cast<std::size_t>(slot) * locked_slot::size;
    }

    void give_back(std::byte* slot) noexcept
    {
        const std::lock_guard lock(guard_);
        for (page** at = &first_; *at != nullptr; at = &(*at)->next) {
            page* const here = *at;
            if (slot < here->memory || slot >= here->memory + slots * locked_slot::size)
                continue;
            wipe({slot, locked_slot::size});
            const auto index = static_cast<std::size_t>(slot - here->memory) / locked_slot::size;
            here->free |= std::uint64_t{1} << index;
            if (here->free == all_free) {
                *at = here->next;
                crypto::unlock_memory(here->memory);
                delete here;
            }
            return;
        }
    }

private:
    [[nodiscard]] page* add() noexcept
    {
        auto* const made = new (std::nothrow) page;
        if (made == nullptr)
            return nullptr;
        made->memory = crypto::lock_memory(slots * locked_slot::size);
        if (made->memory == nullptr) {
            delete made;
            return nullptr;
        }
        made->next = std::exchange(first_, made);
        return made;
    }

    std::mutex guard_;
    page* first_ = nullptr;
};

page_list& pages() noexcept
{
    static page_list all;
    return all;
}

} // namespace

locked_slot locked_slot::take() noexcept
{
    return locked_slot(pages().take());
}

locked_slot::~locked_slot()
{
    if (memory_ != nullptr)
        pages().give_back(memory_);
}

} // namespace slk::zmtp
