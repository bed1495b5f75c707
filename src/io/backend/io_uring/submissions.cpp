// SPDX-License-Identifier: MPL-2.0
#include "io/backend/io_uring/ring_poller.hpp"

#include "io/os/attempt.hpp"
#include "io/os/posix/sockaddr.hpp"
#include "io/os/system.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <poll.h>

namespace slk::io::uring {

void ring_poller::submit(operation& op, std::span<const iovec> parts)
{
    if (!backlog_.empty() || !prepare(op, parts))
        backlog_.push_back(op, request::submission);
}

/// Returns false if there is no room; nothing was prepared then.
bool ring_poller::prepare(operation& op, std::span<const iovec> parts)
{
    pending& notes = of(op);
    io_uring_sqe* const sqe = ring_.next();
    if (sqe == nullptr)
        return false;
    if (ring_.prepared() == 1)
        gathers_.clear(); // the kernel has taken all that was before
    if (notes.at == stage::poll) {
        const bool inbound =
            op.kind() == operation_kind::accept || op.kind() == operation_kind::receive;
        io_uring_prep_poll_add(sqe, notes.descriptor, inbound ? POLLIN : POLLOUT);
    } else {
        prepare_attempt(*sqe, op, parts);
    }
    io_uring_sqe_set_data64(sqe, key_of(op));
    notes.in_kernel = true;
    if (op.kind() == operation_kind::receive)
        receives_.add(op);
    return true;
}

void ring_poller::prepare_attempt(io_uring_sqe& sqe, operation& op, std::span<const iovec> parts)
{
    pending& notes = of(op);
    switch (op.kind()) {
    case operation_kind::connect:
        return io_uring_prep_connect(
            &sqe, notes.descriptor, reinterpret_cast<const sockaddr*>(&notes.target),
            notes.target.sin6_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
    // One connection, or one buffer, per request, not multishot: the number of posted requests
    // limits what a turn delivers (rule 10), an operation is its owner's again with each completion
    // (rule 4), and a request that has failed does not stand for later ones. The peer's address is
    // asked for later, so that no two clients share the place for it.
    case operation_kind::accept:
        return io_uring_prep_accept(&sqe, notes.descriptor, nullptr, nullptr,
                                    SOCK_CLOEXEC | SOCK_NONBLOCK);
    case operation_kind::receive: {
        const std::span<std::byte> buffer = static_cast<receive_operation&>(op).buffer;
        // For an empty buffer: peeks into the scratch space, and takes nothing.
        if (buffer.empty())
            return io_uring_prep_recv(&sqe, notes.descriptor, notes.kept, 1, MSG_PEEK);
        const std::size_t size = std::min(buffer.size(), gathers::max_bytes);
        return io_uring_prep_recv(&sqe, notes.descriptor, buffer.data(), size, 0);
    }
    case operation_kind::send:
        if (parts.empty())
            parts = std::span(notes.kept, notes.kept[1].iov_len != 0 ? 2 : 1);
        return gathers_.prepare(sqe, notes.descriptor, parts);
    }
}

/// A local connect never waits, and the scratch space is too small for its path. So it is called
/// directly, also because the kernel would wait for a listener with a full queue (EAGAIN) to become
/// writable, which it never does.
void ring_poller::connect_locally(connect_operation& op, socket_entry& entry)
{
    pending& notes = begin(op, entry.handle);
    const error outcome = os::try_connect(entry.handle, op.target, op.path);
    if (outcome != errc::would_block)
        return finish(op, outcome);
    notes.result = -EINPROGRESS;
    again(op, stage::poll);
}

void ring_poller::start_connect(connect_operation& op, socket_entry& entry)
{
    if (op.target.family == address_family::local)
        return connect_locally(op, entry);
    const os::native_address native = os::to_native(op.target);
    std::memcpy(&begin(op, entry.handle).target, &native.storage, sizeof(sockaddr_in6));
    submit(op);
}

void ring_poller::start_accept(accept_operation& op, socket_entry& entry)
{
    (void)begin(op, entry.handle);
    submit(op);
}

// The kernel does not order the requests of one socket, so it gets one receive and one send at a
// time (rule 9).

void ring_poller::start_receive(receive_operation& op, socket_entry& entry)
{
    (void)begin(op, entry.handle);
    if (&entry.inbound.front() == &op)
        submit(op);
}

void ring_poller::start_send(send_operation& op, socket_entry& entry)
{
    pending& notes = begin(op, entry.handle);
    iovec room[gathers::max_parts];
    const std::span<const iovec> parts = gathers::collect(op.buffers, room);
    op.buffers = {};
    notes.kept[0] = parts.empty() ? iovec{} : parts[0];
    notes.kept[1] = parts.size() > 1 ? parts[1] : iovec{};
    if (&entry.outbound.front() == &op)
        submit(op, parts);
}

void ring_poller::start_cancel(operation& op, socket_entry&)
{
    if (of(op).in_backlog == request::submission)
        backlog_.remove(op);
    cancel_in_kernel(op);
    if (waits(of(op)))
        finish(op, error{errc::cancelled, phase_of(op.kind())});
}

void ring_poller::cancel_in_kernel(operation& op)
{
    pending& notes = of(op);
    if (!notes.in_kernel || notes.cancelling || notes.in_backlog != request::none)
        return;
    // As long as every call is interrupted, the kernel takes neither this request nor its
    // cancellation, and the operation would never end.
    if (ring_.withdraw(key_of(op), withdrawn_key)) {
        notes.in_kernel = false;
        if (op.kind() == operation_kind::receive)
            receives_.remove(op);
        return;
    }
    if (!backlog_.empty() || !prepare_cancellation(op))
        backlog_.push_back(op, request::cancellation);
}

bool ring_poller::prepare_cancellation(operation& op)
{
    io_uring_sqe* const sqe = ring_.next();
    if (sqe == nullptr)
        return false;
    // By its key: the number of the descriptor may belong to another socket by then.
    io_uring_prep_cancel64(sqe, key_of(op), 0);
    io_uring_sqe_set_data64(sqe, key_of(op) | cancellation_bit);
    of(op).cancelling = true;
    return true;
}

void ring_poller::drain_backlog()
{
    while (!backlog_.empty()) {
        operation& op = backlog_.front();
        const bool prepared =
            of(op).in_backlog == request::submission ? prepare(op) : prepare_cancellation(op);
        if (!prepared)
            return;
        backlog_.remove(op);
    }
}

const poller::direct_transfers* ring_poller::direct() const noexcept
{
    static constexpr direct_transfers attempts{os::try_send, os::try_receive,
                                               os::peer_has_finished};
    return &attempts;
}

/// Submits without waiting.
void ring_poller::submit_prepared()
{
    for (int tries = 0; ring_.prepared() != 0 && tries < max_retries; ++tries) {
        const int outcome = ring_.enter(0, nullptr);
        if (outcome < 0 && outcome != -EINTR)
            break;
    }
}

void ring_poller::flush_submissions() noexcept
{
    if (!wake_armed_)
        arm_wake();
    drain_backlog();
    prepare_polls();
    submit_prepared();
    flushed_ = true;
}

result<void> ring_poller::shutdown_send_of(const socket_entry& entry)
{
    submit_prepared(); // the end of the stream comes after what was sent
    return system_poller::shutdown_send_of(entry);
}

} // namespace slk::io::uring
