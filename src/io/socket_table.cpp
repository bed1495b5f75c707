// SPDX-License-Identifier: MPL-2.0
#include "io/socket_table.hpp"

#include "base/try_allocate.hpp"

#include <new>

namespace slk::io {

socket_entry* socket_table::add(native_handle handle, address_family family, socket_id& id)
{
    std::uint32_t index = first_free_;
    if (index != UINT32_MAX) {
        first_free_ = entry(index).next_free;
    } else {
        index = used_;
        if (index / entries_per_block == blocks_.size()) {
            std::unique_ptr<block> fresh(new (std::nothrow) block);
            block* const made = fresh.get();
            if (made == nullptr || !try_push_back(blocks_, std::move(fresh)))
                return nullptr;
            made->older = newest_.load(std::memory_order_relaxed);
            newest_.store(made, std::memory_order_release);
        }
        ++used_;
    }
    socket_entry& added = entry(index);
    added.handle = handle;
    added.family = family;
    added.open = true;
    added.listening = false;
    added.bound = false;
    added.watched = false;
    added.readable = true;
    added.writable = true;
    added.connecting = false;
    added.unusual = false;
    added.attempted = false;
    added.connected = false;
    ++open_count_;
    id = socket_id{index, added.generation};
    return &added;
}

socket_entry* socket_table::find(socket_id id) noexcept
{
    if (id.index >= used_)
        return nullptr;
    socket_entry& found = entry(id.index);
    return found.open && found.generation == id.generation ? &found : nullptr;
}

void socket_table::remove(socket_id id) noexcept
{
    socket_entry& removed = entry(id.index);
    removed.handle = invalid_handle;
    removed.open = false;
    --open_count_;
    // An entry whose generations are used up is retired. Otherwise a very old id would be valid
    // again.
    if (++removed.generation == 0)
        return;
    removed.next_free = first_free_;
    first_free_ = id.index;
}

socket_id socket_table::any_open() const noexcept
{
    for (std::uint32_t index = 0; index < used_; ++index)
        if (entry(index).open)
            return socket_id{index, entry(index).generation};
    return {};
}

} // namespace slk::io
