// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_IOCP_PENDING_HPP
#define SLK_IO_BACKEND_IOCP_PENDING_HPP

/// The state of a call of Windows, in an operation's scratch space.

#include "io/operation.hpp"
#include "io/os/windows/winsock.hpp"

#include <new>
#include <type_traits>

namespace slk::io::iocp {

/// The kernel writes into `overlapped` until the packet is dequeued, even after a cancel and after
/// the socket is closed. It lives in the operation, which its owner may not destroy before that.
struct pending {
    OVERLAPPED overlapped{};
    operation* owner = nullptr;
    /// accept: the socket that becomes the connection. It is in no table until then.
    native_handle accepted = invalid_handle;
    /// receive and send of a closed socket: the held operation that is delivered after this one.
    operation* follower = nullptr;
    /// accept: peers that were gone before they were accepted, in a row.
    std::uint16_t lost_peers = 0;
    /// receive and send: has ended, but an earlier one has not been dequeued yet.
    bool held = false;
};

static_assert(sizeof(pending) <= operation::scratch_size);
static_assert(alignof(pending) <= alignof(std::max_align_t));
static_assert(std::is_trivially_destructible_v<pending>, "the scratch space is only overwritten");
static_assert(std::is_standard_layout_v<pending>, "an OVERLAPPED* is the pending it begins");
// AcceptEx: "at least 16 bytes more than the maximum address length for the transport protocol".
static_assert(accept_operation::address_space >= sizeof(sockaddr_storage) + 16);

[[nodiscard]] inline pending& begin(operation& op) noexcept
{
    pending& fresh = *::new (static_cast<void*>(op.scratch)) pending{};
    fresh.owner = &op;
    return fresh;
}

[[nodiscard]] inline pending& of(operation& op) noexcept
{
    return *std::launder(reinterpret_cast<pending*>(op.scratch));
}

[[nodiscard]] inline operation& owner_of(OVERLAPPED* overlapped) noexcept
{
    return *reinterpret_cast<pending*>(overlapped)->owner;
}

} // namespace slk::io::iocp

#endif
