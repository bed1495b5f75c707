// SPDX-License-Identifier: MPL-2.0
#include "io/backend/io_uring/ring_poller.hpp"

#include "io/os/system.hpp"

#include <utility>

#include <sys/socket.h>

namespace slk::io::uring {

namespace {

/// Ends the connection for the peer while requests still hold the socket.
void end_connection(int descriptor, close_mode mode) noexcept
{
    if (mode == close_mode::reset) {
        const sockaddr nowhere{AF_UNSPEC, {}};
        if (::connect(descriptor, &nowhere, sizeof nowhere) == 0)
            return;
    }
    (void)::shutdown(descriptor, SHUT_RDWR);
}

} // namespace

// The kernel's requests hold the socket: closing the descriptor neither ends them nor notifies the
// peer. So they are cancelled first. The kernel does that at once for requests of this thread, and
// then nothing is left when the descriptor is closed.

void ring_poller::release(socket_entry& entry, close_mode mode)
{
    if (!entry.inbound.empty() || !entry.outbound.empty()) {
        const auto cancel_known = [this](operation& op) {
            if (of(op).in_backlog == request::submission)
                backlog_.remove(op);
            cancel_in_kernel(op);
        };
        entry.inbound.for_each(cancel_known);
        entry.outbound.for_each(cancel_known);
        submit_prepared();
        take_completions();
        start_following(entry.inbound);
        start_following(entry.outbound);
    }
    if (entry.inbound.empty() && entry.outbound.empty())
        return os::close(std::exchange(entry.handle, invalid_handle), mode);
    orphan(entry, mode);
}

/// The last of its operations to complete closes the descriptor. The peer is notified now.
void ring_poller::orphan(socket_entry& entry, close_mode mode)
{
    operation* first = nullptr;
    operation* last = nullptr;
    const auto keep = [&](operation& op) {
        (first == nullptr ? first : of(*last).sibling) = &op;
        last = &op;
        of(op).mode = mode;
        op.unlink();
        orphans_.push_back(op);
    };
    entry.inbound.for_each(keep);
    entry.outbound.for_each(keep);
    of(*last).sibling = first;
    end_connection(static_cast<int>(entry.handle), mode);
}

void ring_poller::finish_orphan(operation& op, const error& failure)
{
    operation* next = of(op).sibling;
    const bool last = next == &op;
    if (!last) {
        operation* before = next;
        while (of(*before).sibling != &op)
            before = of(*before).sibling;
        of(*before).sibling = next;
    }
    complete(op, failure);
    if (last)
        return os::close(of(op).descriptor, of(op).mode);
    // The operations that waited for this one.
    if (op.kind() == next->kind() && waits(of(*next)))
        finish_orphan(*next, error{errc::cancelled, phase::transfer});
}

} // namespace slk::io::uring
