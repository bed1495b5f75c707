// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_BASE_MESSAGE_ACCESS_HPP
#define SLK_BASE_MESSAGE_ACCESS_HPP

/// The library's own access to messages, and the memory of large received messages.

#include <serverlink/message.hpp>
#include <serverlink/received_batch.hpp>

#include "base/try_allocate.hpp"

namespace slk::message_detail {

/// A block of the shared body pool, with the message's bytes behind this header.
struct owned_memory final : shared_memory {
    /// Returns null when memory is exhausted. The bytes are not initialised.
    [[nodiscard]] static owned_memory* create(std::size_t size) noexcept;
    /// Makes room for `size` bytes, perhaps in another place, and keeps the first `used` ones. The
    /// caller must be the only user. Null when memory is exhausted; this block then stays as it is.
    [[nodiscard]] owned_memory* resize(std::size_t size, std::size_t used) noexcept;

    [[nodiscard]] std::byte* bytes() noexcept { return reinterpret_cast<std::byte*>(this + 1); }

    std::size_t block_size = 0; ///< this header's bytes too
};

struct access {
    /// Into an empty message; at most inline_capacity bytes.
    static void copy(message& into, std::span<const std::byte> bytes) noexcept
    {
        if (!bytes.empty())
            std::memcpy(into.inline_, bytes.data(), bytes.size());
        into.is_.kind = static_cast<std::uint8_t>(bytes.size());
    }
    /// Into an empty message; takes over one reference to `owner`.
    static void view(message& into, const std::byte* data, std::size_t size, shared_memory* owner,
                     bool writable) noexcept
    {
        into.view_ = {data, size, owner, writable};
        into.is_.kind = message::view_kind;
    }
    static void set_more(message& of, bool more) noexcept { of.is_.more = more; }

    /// Room for this number of parts altogether. Returns false when memory is exhausted.
    [[nodiscard]] static bool reserve(received_batch& of, std::size_t parts) noexcept
    {
        return try_reserve(of.parts_, parts) && try_reserve(of.owners_, parts);
    }
    /// Adds a part that there is room for, and one more use of the memory that it lies in.
    static void add(received_batch& to, std::span<const std::byte> bytes, bool more,
                    shared_memory& owner)
    {
        to.parts_.push_back({bytes.data(), bytes.size(), more});
        if (!to.owners_.empty() && to.owners_.back() == &owner)
            return;
        owner.retain();
        to.owners_.push_back(&owner);
    }
    /// Adds a part that there is room for, and takes over one use of the memory that it lies in.
    static void add_owned(received_batch& to, std::span<const std::byte> bytes, bool more,
                          shared_memory* owner)
    {
        to.parts_.push_back({bytes.data(), bytes.size(), more});
        to.owners_.push_back(owner);
    }

    /// Returns false when memory is exhausted; the part is still the caller's then.
    [[nodiscard]] static bool try_add(multipart& to, message&& part) noexcept
    {
        return try_push_back(to.parts_, std::move(part));
    }

    /// In milliseconds; 0: that of the socket.
    [[nodiscard]] static std::uint32_t lifetime_of(const message& of) noexcept
    {
        return of.is_.lifetime;
    }
    /// No deadline, whatever the socket has.
    static constexpr std::uint32_t forever = message::forever;

    /// Returns the owner of a large message's bytes; null for an inline message.
    [[nodiscard]] static shared_memory* owner_of(const message& of) noexcept
    {
        return of.is_view() ? of.view_.owner : nullptr;
    }
};

} // namespace slk::message_detail

#endif
