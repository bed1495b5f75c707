// SPDX-License-Identifier: MPL-2.0

// Watches: a poll of one event for each, under the watch's present id. The kernel holds the
// descriptor's file until the poll has ended.

#include "io/backend/io_uring/ring_poller.hpp"

#include "io/os/system.hpp"

#include <cerrno>
#include <utility>

#include <poll.h>

namespace slk::io::uring {

result<void> ring_poller::check_watch(native_handle handle)
{
    return os::check_watchable(handle);
}

result<void> ring_poller::start_watch(watch& entry)
{
    if (!without_room_.empty() || !prepare_poll(entry))
        without_room_.push_back(entry);
    return {};
}

/// Returns false if there is no room.
bool ring_poller::prepare_poll(watch& entry)
{
    io_uring_sqe* const sqe = ring_.next();
    if (sqe == nullptr)
        return false;
    const unsigned events =
        (entry.wants_read ? unsigned{POLLIN} : 0U) | (entry.wants_write ? unsigned{POLLOUT} : 0U);
    io_uring_prep_poll_add(sqe, static_cast<int>(entry.handle), events);
    io_uring_sqe_set_data64(sqe, key_of(entry.id));
    entry.registered = true;
    return true;
}

void ring_poller::prepare_polls()
{
    while (!without_room_.empty() && prepare_poll(without_room_.front()))
        without_room_.pop_front();
}

/// A poll that the kernel has is cancelled now: its owner may close the descriptor next, and the
/// other end would not notice it.
void ring_poller::stop_watch(watch& entry) noexcept
{
    const std::uint64_t key = key_of(entry.id);
    if (!std::exchange(entry.registered, false) || ring_.withdraw(key, withdrawn_key))
        return;
    io_uring_sqe* sqe = ring_.next();
    if (sqe == nullptr) {
        take_completions(); // the kernel takes submissions again when there is room for completions
        sqe = ring_.next();
    }
    if (sqe == nullptr)
        return; // the poll ends with its event or with the ring
    io_uring_prep_cancel64(sqe, key, 0);
    io_uring_sqe_set_data64(sqe, withdrawn_key);
    submit_prepared();
    take_completions();
}

void ring_poller::poll_completed(socket_id id, int result)
{
    watch* const entry = watches().find(id);
    if (entry == nullptr)
        return; // it has ended, or was changed
    entry->registered = false;
    // The kernel cancels the requests of a thread that ends.
    if (result == -ECANCELED || result == -EINTR || result == -EAGAIN) {
        if (entry->at == watch::stage::armed && !entry->linked())
            without_room_.push_back(*entry);
        return;
    }
    const bool lost = result < 0 || (result & POLLNVAL) != 0;
    const bool failed = lost || (result & (POLLERR | POLLHUP)) != 0;
    progress_ = watch_ready(id, !lost && (result & POLLIN) != 0, !lost && (result & POLLOUT) != 0,
                            failed, lost) ||
                progress_;
}

} // namespace slk::io::uring
