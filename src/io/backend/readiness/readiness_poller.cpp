// SPDX-License-Identifier: MPL-2.0
#include "io/backend/readiness/readiness_poller.hpp"

#include "io/os/attempt.hpp"
#include "io/os/system.hpp"

#include <climits>
#include <new>

namespace slk::io {

namespace {

/// The caller's list of buffers may end when its submit returns, so a send that has to wait keeps
/// the first ones in the operation's scratch space; it may take fewer bytes than it was offered.
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

/// The time that a wait from `now` until `until` may last: zero for a point that has passed,
/// duration::max() for slk::never.
duration time_until(time_point until, time_point now) noexcept
{
    if (until == never)
        return duration::max();
    return until > now ? until - now : duration::zero();
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
    static constexpr direct_transfers attempts{os::try_send, os::try_receive};
    return &attempts;
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
    os::close(entry.handle, mode);
}

void readiness_poller::start_cancel(operation& op, socket_entry&)
{
    // Nothing is under way in the system on behalf of this operation, except a connect: that one
    // goes on until the socket is closed, which is all that it is good for now.
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
    const error answer = os::try_connect(entry.handle, op.target, op.path);
    if (answer != errc::would_block)
        return complete(op, answer);
    entry.connecting = true;
    wait_until_ready(op, entry);
}

bool readiness_poller::confirm(connect_operation& op, socket_entry& entry, readiness ready)
{
    error answer = os::confirm_connect(entry.handle);
    if (answer == errc::would_block && ready.failure != 0)
        answer = os::translate(ready.failure, phase::connect);
    if (answer == errc::would_block)
        return false;
    entry.connecting = false;
    entry.readable = ready.readable || ready.unusual;
    entry.writable = true;
    complete(op, answer);
    return true;
}

// --- accept and receive ---

bool readiness_poller::try_accept(accept_operation& op, socket_entry& entry)
{
    native_handle handle = invalid_handle;
    error answer = os::try_accept(entry.handle, handle);
    if (answer == errc::would_block) {
        entry.readable = false;
        return false;
    }
    if (!answer) {
        if (auto adopted = adopt(handle, entry.family))
            op.accepted = *adopted;
        else
            answer = adopted.error();
    }
    complete(op, answer);
    return true;
}

bool readiness_poller::try_receive(receive_operation& op, socket_entry& entry)
{
    const error answer = os::try_receive(entry.handle, op.buffer, op.transferred);
    if (answer == errc::would_block) {
        entry.readable = false;
        return false;
    }
    // A short receive has emptied the socket, and what comes later is announced by a new edge;
    // not so a failure or the end of the stream, which stay and may have been announced already.
    const bool some = !answer && op.transferred != 0;
    if (some && op.transferred < op.buffer.size() && entry.watched && !entry.unusual)
        entry.readable = false;
    complete(op, answer);
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
    const error answer = os::try_send(entry.handle, buffers, op.transferred, all);
    if (answer == errc::would_block) {
        entry.writable = false;
        return false;
    }
    // The socket's buffer is full: the system announces when it has room again. After a failure
    // it announces nothing more, and the next send must fail too.
    if (!answer && !all && entry.watched)
        entry.writable = false;
    complete(op, answer);
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
        // An early end of the wait is no harm: nothing fires before its time by the clock.
        if (count && (*count == 0 || handle_events(*count)))
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
    // Bounded by what was submitted: what a completion submits comes to its turn later.
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
