// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_SOCKET_TABLE_HPP
#define SLK_IO_SOCKET_TABLE_HPP

/// The open sockets of one poller: maps a socket_id to the system's handle and the pending
/// operations.

#include "base/list.hpp"
#include "io/operation.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace slk::io {

/// A descriptor or a SOCKET; both fit, and the invalid value is -1 on both.
using native_handle = std::intptr_t;
inline constexpr native_handle invalid_handle = -1;

struct socket_entry {
    native_handle handle = invalid_handle;
    std::uint32_t generation = 1;
    std::uint32_t next_free = UINT32_MAX;
    address_family family = address_family::none;
    bool open = false;
    bool listening = false;
    /// IOCP: bound, as ConnectEx demands. Readiness: unused.
    bool bound = false;
    /// Readiness: registered with the system's poller. IOCP: a call that succeeds at once queues no
    /// packet.
    bool watched = false;
    /// Readiness: the result of the last attempts and events. True means "worth trying".
    bool readable = true;
    bool writable = true;
    bool connecting = false;
    /// Readiness: a hang-up, an error or urgent data has been reported.
    bool unusual = false;
    /// A connect was submitted once: a socket allows one attempt only.
    bool attempted = false;
    /// Has, or had, a peer.
    bool connected = false;

    /// In flight on this socket, oldest first: accepts and receives, connects and sends.
    list<operation> inbound;
    list<operation> outbound;
};

/// Entries never move, so a backend may hold a reference during a turn. The generation of a freed
/// entry is advanced before it is used again.
class socket_table {
public:
    /// Returns null when memory is exhausted.
    [[nodiscard]] socket_entry* add(native_handle handle, address_family family, socket_id& id);
    /// Returns null for an id that is closed or of another poller.
    [[nodiscard]] socket_entry* find(socket_id id) noexcept;
    /// The entry's lists must be empty.
    void remove(socket_id id) noexcept;

    [[nodiscard]] std::uint32_t open_count() const noexcept { return open_count_; }
    /// Returns any open socket, for shutting down; a null id when there is none.
    [[nodiscard]] socket_id any_open() const noexcept;

    /// Calls visit(handle) for each open handle. Also in a child process whose parent was in the
    /// middle of any change of the table when it forked.
    template <class Visit>
    void for_each_handle(Visit&& visit) const
    {
        for (const block* each = newest_.load(std::memory_order_acquire); each != nullptr;
             each = each->older)
            for (const socket_entry& place : each->entries)
                if (place.handle != invalid_handle)
                    visit(place.handle);
    }

private:
    static constexpr std::uint32_t entries_per_block = 128;
    struct block {
        socket_entry entries[entries_per_block];
        const block* older = nullptr;
    };

    [[nodiscard]] socket_entry& entry(std::uint32_t index) const noexcept
    {
        return blocks_[index / entries_per_block]->entries[index % entries_per_block];
    }

    std::vector<std::unique_ptr<block>> blocks_;
    std::atomic<const block*> newest_{nullptr}; ///< the same ones: a chain that is always whole
    std::uint32_t first_free_ = UINT32_MAX;
    std::uint32_t used_ = 0;
    std::uint32_t open_count_ = 0;
};

} // namespace slk::io

#endif
