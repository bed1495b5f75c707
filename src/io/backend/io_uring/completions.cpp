// SPDX-License-Identifier: MPL-2.0
#include "io/backend/io_uring/ring_poller.hpp"

#include "io/os/attempt.hpp"
#include "io/os/system.hpp"

#include <cerrno>

#include <poll.h>

namespace slk::io::uring {

namespace {

error failure_of(const operation& op, int result) noexcept
{
    return os::translate(-result, phase_of(op.kind()));
}

#if defined(NDEBUG)
constexpr bool kernel_is_checked = false;
#else
constexpr bool kernel_is_checked = true;
#endif

/// Linux 6.6 to 6.8-rc could return another descriptor than the new connection's. A connection has
/// the port of its listener.
bool is_accepted_by(native_handle listener, native_handle accepted) noexcept
{
    const auto own = os::local_address(accepted);
    const auto expected = os::local_address(listener);
    return own && (!expected || own->port == expected->port);
}

} // namespace

unsigned ring_poller::take_completions()
{
    return ring_.take([this](std::uint64_t key, int result, unsigned flags) {
        if (key == wake_key) {
            wake_armed_ = (flags & IORING_CQE_F_MORE) != 0;
            wake_.seen();
            progress_ = true;
        } else if (key == withdrawn_key) {
            // Its operation has ended before.
        } else if ((key & watch_bit) != 0) {
            poll_completed(watch_of(key), result);
        } else if ((key & cancellation_bit) != 0) {
            cancellation_completed(operation_of(key));
        } else {
            completed(operation_of(key), result);
        }
    });
}

void ring_poller::completed(operation& op, int result)
{
    pending& notes = of(op);
    notes.in_kernel = false;
    if (op.kind() == operation_kind::receive)
        receives_.remove(op);
    if (notes.in_backlog != request::none)
        backlog_.remove(op); // a cancellation that comes too late
    if (notes.cancelling) {
        notes.has_result = true;
        notes.result = result;
        return;
    }
    ended(op, result);
}

void ring_poller::cancellation_completed(operation& op)
{
    pending& notes = of(op);
    notes.cancelling = false;
    if (notes.has_result) {
        notes.has_result = false;
        return ended(op, notes.result);
    }
    // Not found, or not to be stopped at that moment (ENOENT, EALREADY): the operation may have
    // ended, or be about to wait again, so the cancellation is repeated until the operation is
    // back.
    if (op.cancel_requested)
        backlog_.push_back(op, request::cancellation);
}

void ring_poller::ended(operation& op, int result)
{
    switch (op.kind()) {
    case operation_kind::connect: return end_connect(static_cast<connect_operation&>(op), result);
    case operation_kind::accept: return end_accept(static_cast<accept_operation&>(op), result);
    case operation_kind::receive:
    case operation_kind::send: return end_transfer(op, result);
    }
}

void ring_poller::again(operation& op, stage at)
{
    of(op).at = at;
    submit(op);
}

/// Returns true if the operation has not ended but was submitted once more.
bool ring_poller::resubmitted(operation& op, int result)
{
    if (op.cancel_requested)
        return false;
    pending& notes = of(op);
    // The kernel cancels the requests of a thread that ends.
    const bool abandoned = result == -ECANCELED;
    if (abandoned)
        again(op, notes.at);
    else if (notes.at == stage::poll && result >= 0)
        again(op, stage::attempt);
    else if (result == -EAGAIN)
        again(op, stage::poll);
    else if (result == -EINTR && ++notes.retries <= max_retries)
        again(op, stage::attempt);
    else
        return false;
    return true;
}

void ring_poller::end_connect(connect_operation& op, int result)
{
    pending& notes = of(op);
    if (table().find(op.socket) == nullptr)
        return finish(op, error{errc::cancelled, phase::connect});
    if (notes.at == stage::poll && result >= 0)
        return end_connect_poll(op, result);
    if (result == 0) {
        const auto peer = os::peer_address(notes.descriptor);
        if (peer)
            return finish(op, {});
        result = -peer.error().native;
    }
    // The connect is under way, whichever call began it (connect(2)); without a peer it has not
    // ended.
    const bool under_way = result == -EINPROGRESS || result == -EALREADY || result == -EINTR ||
                           result == -EAGAIN || result == -ENOTCONN;
    if (op.cancel_requested || !(under_way || result == -ECANCELED))
        return finish(op, failure_of(op, result));
    if (under_way) {
        notes.result = result;
        notes.at = stage::poll;
    }
    submit(op);
}

void ring_poller::end_connect_poll(connect_operation& op, int events)
{
    const error outcome = os::confirm_connect(of(op).descriptor);
    if (outcome != errc::would_block)
        return finish(op, outcome);
    // Hung up without an error: it never was under way, and the first result counts.
    if (op.cancel_requested || (events & (POLLHUP | POLLERR)) != 0)
        return finish(op, failure_of(op, of(op).result));
    submit(op);
}

void ring_poller::end_accept(accept_operation& op, int result)
{
    if (of(op).at == stage::attempt && result >= 0) {
        const socket_entry* const entry = table().find(op.socket);
        if (entry == nullptr) {
            os::close(result, close_mode::reset);
            return finish(op, error{errc::cancelled, phase::accept});
        }
        // Its owner is unknown, so it is not closed.
        if (kernel_is_checked && !is_accepted_by(entry->handle, result))
            return finish(op, error{errc::invalid_state, phase::accept, 0,
                                    "the kernel named a descriptor that is not the connection's"});
        const auto adopted = adopt(result, entry->family);
        if (adopted)
            op.accepted = *adopted;
        return finish(op, adopted ? error{} : adopted.error());
    }
    if (resubmitted(op, result))
        return;
    if (!op.cancel_requested && os::lost_before_accept(-result) && ++of(op).retries <= max_retries)
        return again(op, stage::attempt);
    finish(op, failure_of(op, result));
}

void ring_poller::end_transfer(operation& op, int result)
{
    if (of(op).at == stage::attempt && result >= 0) {
        const auto count = static_cast<std::size_t>(result);
        // The end of the stream that the local close made is not the peer's (rule 6).
        if (result == 0 && table().find(op.socket) == nullptr)
            return finish(op, error{errc::cancelled, phase::transfer});
        if (op.kind() == operation_kind::send)
            static_cast<send_operation&>(op).transferred = count;
        else if (auto& receiving = static_cast<receive_operation&>(op); !receiving.buffer.empty())
            receiving.transferred = count;
        return finish(op, {});
    }
    if (!resubmitted(op, result))
        finish(op, failure_of(op, result));
}

void ring_poller::finish(operation& op, const error& failure)
{
    progress_ = true;
    socket_entry* const entry = table().find(op.socket);
    if (entry == nullptr)
        return finish_orphan(op, failure);
    complete(op, failure);
    if (op.kind() == operation_kind::receive)
        start_following(entry->inbound);
    else if (op.kind() == operation_kind::send)
        start_following(entry->outbound);
}

void ring_poller::start_following(list<operation>& siblings)
{
    while (!siblings.empty() && waits(of(siblings.front()))) {
        operation& first = siblings.front();
        if (!first.cancel_requested)
            return submit(first);
        complete(first, error{errc::cancelled, phase::transfer});
    }
}

} // namespace slk::io::uring
