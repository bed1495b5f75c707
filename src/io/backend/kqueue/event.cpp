// SPDX-License-Identifier: MPL-2.0
#include "io/backend/kqueue/event.hpp"

#include "base/try_allocate.hpp"

#include <algorithm>
#include <cerrno>

namespace slk::io::kqueue {

meaning decode(const event& reported) noexcept
{
    meaning result;
    result.readable = reported.filter == filter::read;
    result.writable = reported.filter == filter::write;
    if ((reported.flags & flag_error) != 0) {
        result.unusual = reported.data != 0;
        result.failure = static_cast<std::int32_t>(reported.data);
    } else if ((reported.flags & flag_eof) != 0) {
        // A refused connect is reported as the write filter's end of file, not as EV_ERROR.
        result.unusual = true;
        result.failure = static_cast<std::int32_t>(reported.fflags);
    }
    return result;
}

std::int32_t failure_of(std::span<const event> receipts) noexcept
{
    const bool reads = std::ranges::any_of(
        receipts, [](const event& receipt) { return receipt.filter == filter::read; });
    for (const event& receipt : receipts) {
        const bool refused = (receipt.flags & flag_error) != 0 && receipt.data != 0;
        const bool peer_is_gone = receipt.filter == filter::write && receipt.data == EPIPE;
        if (refused && !(peer_is_gone && reads))
            return static_cast<std::int32_t>(receipt.data);
    }
    return 0;
}

std::uintptr_t descriptor_ids::tag_of(socket_id id) noexcept
{
    const std::uint64_t whole = std::uint64_t{id.generation} << 32 | id.index;
    if constexpr (sizeof(std::uintptr_t) >= sizeof whole)
        return static_cast<std::uintptr_t>(whole);
    // Two ids that follow each other on one descriptor differ by a small amount in the index or the
    // generation; the product keeps them apart.
    else
        return static_cast<std::uintptr_t>(id.index + id.generation * 0x9e3779b1U);
}

bool descriptor_ids::remember(std::uintptr_t descriptor, socket_id id)
{
    if (descriptor >= ids_.size() && !try_resize(ids_, descriptor + descriptor / 2 + 64))
        return false;
    ids_[descriptor] = id;
    return true;
}

void descriptor_ids::forget(std::uintptr_t descriptor) noexcept
{
    if (descriptor < ids_.size())
        ids_[descriptor] = {};
}

socket_id descriptor_ids::find(const event& reported) const noexcept
{
    if (reported.ident >= ids_.size())
        return {};
    const socket_id id = ids_[reported.ident];
    return id && tag_of(id) == reported.tag ? id : socket_id{};
}

} // namespace slk::io::kqueue
