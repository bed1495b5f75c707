// SPDX-License-Identifier: MPL-2.0
#include "io/backend/readiness/readiness_poller.hpp"

#include "io/os/attempt.hpp"
#include "io/os/system.hpp"

#include <climits>
#include <new>
#include <utility>

namespace slk::io {

namespace {

/// The caller's list of buffers may end when its submit returns, so a send that has to wait keeps
/// the first buffers in the operation's scratch space; it may take fewer bytes than were offered.
struct kept_buffers {
    static constexpr std::size_t limit = operation::scratch_size / sizeof(std::span<std::byte>);
    std::span<const std::byte> parts[limit];
};
static_assert(sizeof(kept_buffers) <= operation::scratch_size);
static_assert(alignof(kept_buffers) <= alignof(std::max_align_t));

void keep_buffers(send_operation& op)
{
    auto* const kept = new (op.scratch) kept_buffers{};
    std::size_t count = 0;
    for (const std::span<const std::byte> buffer : op.buffers) {
        if (count == kept_buffers::limit)
            break;
        if (!buffer.empty())
            kept->parts[count++] = buffer;
    }
    op.buffers = {};
}

std::span<const std::span<const std::byte>> buffers_kept_by(send_operation& op)
{
    return std::launder(reinterpret_cast<kept_buffers*>(op.scratch))->parts;
}

} // namespace

int wait_milliseconds(duration remaining) noexcept
{
    if (remaining == duration::max())
        return -1;
    const auto whole = std::chrono::ceil<std::chrono::milliseconds>(remaining).count();
    return whole < INT_MAX ? static_cast<int>(whole) : INT_MAX;
}

const poller::direct_transfers* readiness_poller::direct() const noexcept
{
    static constexpr direct_transfers attempts{os::try_send, os::try_receive,
                                               os::peer_has_finished};
    return &attempts;
}

result<void> readiness_poller::check_watch(native_handle handle)
{
    return os::check_watchable(handle);
}

result<void> readiness_poller::attach(socket_id, socket_entry&)
{
    return {}; // registered by the first operation that has to wait
}

void readiness_poller::release(socket_entry& entry, close_mode mode)
{
    const auto end = [this](operation& op) { complete(op, error{errc::cancelled, phase::close}); };
    entry.inbound.for_each(end);
    entry.outbound.for_each(end);
    if (entry.watched)
        unwatch(entry);
    // The number is forgotten first: a process that is forked in between must not close it.
    os::close(std::exchange(entry.handle, invalid_handle), mode);
}

void readiness_poller::start_cancel(operation& op, socket_entry&)
{
    // The system does nothing for a waiting operation, except for a connect: that one goes on until
    // the socket is closed, the only use that is left for it.
    complete(op, error{errc::cancelled, phase::none});
}

void readiness_poller::wait_until_ready(operation& op, socket_entry& entry)
{
    if (entry.watched)
        return;
    if (auto watched = watch(op.socket, entry); !watched)
        return complete(op, watched.error());
    entry.watched = true;
}

// --- connect ---

void readiness_poller::start_connect(connect_operation& op, socket_entry& entry)
{
    const error outcome = os::try_connect(entry.handle, op.target, op.path);
    if (outcome != errc::would_block)
        return complete(op, outcome);
    entry.connecting = true;
    wait_until_ready(op, entry);
}

bool readiness_poller::confirm(connect_operation& op, socket_entry& entry, readiness ready)
{
    error outcome = os::confirm_connect(entry.handle);
    if (outcome == errc::would_block && ready.failure != 0)
        outcome = os::translate(ready.failure, phase::connect);
    if (outcome == errc::would_block)
        return false;
    entry.connecting = false;
    entry.readable = ready.readable || ready.unusual;
    entry.writable = true;
    complete(op, outcome);
    return true;
}

// --- accept and receive ---

bool readiness_poller::try_accept(accept_operation& op, socket_entry& entry)
{
    native_handle handle = invalid_handle;
    error outcome = os::try_accept(entry.handle, handle);
    if (outcome == errc::would_block) {
        entry.readable = false;
        return false;
    }
    if (!outcome) {
        if (auto adopted = adopt(handle, entry.family))
            op.accepted = *adopted;
        else
            outcome = adopted.error();
    }
    complete(op, outcome);
    return true;
}

bool readiness_poller::try_receive(receive_operation& op, socket_entry& entry)
{
    const error outcome = os::try_receive(entry.handle, op.buffer, op.transferred);
    if (outcome == errc::would_block) {
        entry.readable = false;
        return false;
    }
    // A short receive has emptied the socket, and later data is announced by a new edge. A failure
    // or the end of the stream stays, and may have been announced already.
    const bool some = !outcome && op.transferred != 0;
    if (some && op.transferred < op.buffer.size() && entry.watched && !entry.unusual)
        entry.readable = false;
    complete(op, outcome);
    return true;
}

bool readiness_poller::try_inbound(operation& op, socket_entry& entry)
{
    return op.kind() == operation_kind::accept
               ? try_accept(static_cast<accept_operation&>(op), entry)
               : try_receive(static_cast<receive_operation&>(op), entry);
}

void readiness_poller::start_accept(accept_operation& op, socket_entry& entry)
{
    const bool first = &entry.inbound.front() == &op;
    if (first && entry.readable && try_accept(op, entry))
        return;
    wait_until_ready(op, entry);
}

void readiness_poller::start_receive(receive_operation& op, socket_entry& entry)
{
    const bool first = &entry.inbound.front() == &op;
    if (first && entry.readable && try_receive(op, entry))
        return;
    wait_until_ready(op, entry);
}

// --- send ---

bool readiness_poller::try_send(send_operation& op, socket_entry& entry,
                                std::span<const std::span<const std::byte>> buffers)
{
    bool all = false;
    const error outcome = os::try_send(entry.handle, buffers, op.transferred, all);
    if (outcome == errc::would_block) {
        entry.writable = false;
        return false;
    }
    // The socket's buffer is full: the system announces when it has room again. After a failure it
    // announces nothing more, and the next send must fail too.
    if (!outcome && !all && entry.watched)
        entry.writable = false;
    complete(op, outcome);
    return true;
}

void readiness_poller::start_send(send_operation& op, socket_entry& entry)
{
    const bool first = &entry.outbound.front() == &op;
    if (first && entry.writable && try_send(op, entry, op.buffers))
        return;
    keep_buffers(op);
    wait_until_ready(op, entry);
}

// --- events ---

result<void> readiness_poller::wait(time_point until)
{
    duration remaining = time_until(until, now());
    for (int rounds = 0; rounds < max_interruptions; ++rounds) {
        const auto count = wait_once(remaining);
        if (!count && count.error() != errc::interrupted)
            return fail(count.error());
        // An early end of the wait does no harm: timers fire by the clock only.
        if (count && (*count == 0 || handle_events(*count)))
            return {};
        if (!count && end_interrupted())
            return {};
        // Interrupted, or only events that no operation waits for: wait for the rest of the time.
        if (remaining != duration::max())
            remaining = time_until(until, time_source().now());
        if (remaining == duration::zero())
            return {};
    }
    return {};
}

bool readiness_poller::dispatch(socket_id id, readiness ready)
{
    socket_entry* const entry = table().find(id);
    if (entry == nullptr)
        return false;
    if (entry->connecting) {
        if (entry->outbound.empty()) // cancelled
            return false;
        return confirm(static_cast<connect_operation&>(entry->outbound.front()), *entry, ready);
    }
    entry->unusual = entry->unusual || ready.unusual;
    bool progress = false;
    // Limited to the submitted operations: those that a completion submits wait for a later turn.
    if (ready.readable || ready.unusual) {
        entry->readable = true;
        while (!entry->inbound.empty() && entry->readable)
            progress = try_inbound(entry->inbound.front(), *entry) || progress;
    }
    if (ready.writable || ready.unusual) {
        entry->writable = true;
        while (!entry->outbound.empty() && entry->writable) {
            auto& op = static_cast<send_operation&>(entry->outbound.front());
            progress = try_send(op, *entry, buffers_kept_by(op)) || progress;
        }
    }
    return progress;
}

} // namespace slk::io
